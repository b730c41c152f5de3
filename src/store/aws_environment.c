/* Keeps secrets out of /proc/PID/environ; see aws_environment.h. */
#include "store/aws_environment.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void wipe_variable(const char *name)
{
    size_t len = strlen(name);
    for (char **variable = environ; variable && *variable; variable++)
        if (strncmp(*variable, name, len) == 0 && (*variable)[len] == '=')
            explicit_bzero(*variable + len + 1, strlen(*variable + len + 1));
    (void)unsetenv(name);
}

void aws_environment_wipe(void)
{
    wipe_variable("AWS_ACCESS_KEY_ID");
    wipe_variable("AWS_SECRET_ACCESS_KEY");
    wipe_variable("AWS_SESSION_TOKEN");
    wipe_variable("AWS_SECURITY_TOKEN");
}
