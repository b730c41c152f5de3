#include "base/environment.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PASSWD_BYTES 4096

void environment_wipe(const char *name)
{
    size_t len = strlen(name);
    for (char **variable = environ; variable && *variable; variable++)
        if (strncmp(*variable, name, len) == 0 && (*variable)[len] == '=')
            explicit_bzero(*variable + len + 1, strlen(*variable + len + 1));
    (void)unsetenv(name);
}

char *environment_home(void)
{
    const char *home = getenv("HOME");
    char buffer[PASSWD_BYTES];
    struct passwd entry;
    struct passwd *found = NULL;
    if (!home || home[0] != '/')
        home =
            getpwuid_r(geteuid(), &entry, buffer, sizeof buffer, &found) == 0 && found ? found->pw_dir : NULL;
    return home && home[0] == '/' ? strdup(home) : NULL;
}
