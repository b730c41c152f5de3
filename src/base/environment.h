/* What the environment says: keeps secrets out of /proc/PID/environ, and finds the home directory. */
#ifndef RUNFS_BASE_ENVIRONMENT_H
#define RUNFS_BASE_ENVIRONMENT_H

/* Overwrites the value of the variable NAME in the memory of the environment block, also where it stands there twice, and
   unsets it. Changes the environment: call it before other threads start. */
void environment_wipe(const char *name);

/* The user's home, owned by the caller; a mount by systemd or fstab has no HOME. NULL where there is none. */
char *environment_home(void);

#endif
