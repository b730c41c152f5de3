/* Wiping variables; see environment.h. */
#include "base/environment.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void environment_wipe(const char *name)
{
    size_t len = strlen(name);
    for (char **variable = environ; variable && *variable; variable++)
        if (strncmp(*variable, name, len) == 0 && (*variable)[len] == '=')
            explicit_bzero(*variable + len + 1, strlen(*variable + len + 1));
    (void)unsetenv(name);
}
