/* Questions to the driver of a mount, by extended attributes, with an end to the waiting. */
#ifndef RUNFS_CLI_QUESTION_H
#define RUNFS_CLI_QUESTION_H

/* Asks the driver of the mount on MOUNTPOINT (absolute) for an attribute. What the kernel answers from its own memory tells
   nothing of a driver; an attribute it has to ask for. Returns 0 and the value, owned by the caller, or -errno: -ETIMEDOUT
   where the driver is silent for three seconds (stopped, say), -ENOTCONN where it is dead, or what it answers: -ENODATA. */
int driver_ask(const char *mountpoint, const char *attribute, char **ret_value);

#endif
