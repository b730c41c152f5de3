/* Keeps secrets out of /proc/PID/environ. */
#ifndef RUNFS_BASE_ENVIRONMENT_H
#define RUNFS_BASE_ENVIRONMENT_H

/* Overwrites the value of the variable NAME in the memory of the environment block, also where it stands there twice, and
   unsets it. Changes the environment: call it before other threads start. */
void environment_wipe(const char *name);

#endif
