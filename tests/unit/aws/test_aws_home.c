/* A home directory for one test; see test_aws_home.h. */
#include "test_aws_home.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char home[] = "/tmp/runfs-test-home-XXXXXX";

static void clear_environment(void)
{
    char name[256];
    for (char **variable = environ; *variable;) {
        if (strncmp(*variable, "AWS_", 4) != 0) {
            variable++;
            continue;
        }
        (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(*variable, "="), *variable);
        cr_assert_eq(unsetenv(name), 0);
        variable = environ;
    }
}

void aws_home_create(void)
{
    cr_assert_not_null(mkdtemp(home));
    clear_environment();
    cr_assert_eq(setenv("HOME", home, 1), 0);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st;
    (void)type;
    (void)walk;
    return remove(path);
}

void aws_home_remove(void)
{
    (void)nftw(home, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

const char *aws_home_path(const char *name)
{
    static char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s", home, name);
    return path;
}

void aws_home_write(const char *name, const char *text)
{
    (void)mkdir(aws_home_path(".aws"), 0700);
    FILE *file = fopen(aws_home_path(name), "w");
    cr_assert_not_null(file);
    cr_assert_geq(fputs(text, file), 0);
    cr_assert_eq(fclose(file), 0);
}

long aws_home_size(const char *name)
{
    struct stat st;
    return stat(aws_home_path(name), &st) == 0 ? (long)st.st_size : 0;
}
