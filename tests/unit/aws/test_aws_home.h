/* A home directory for one test: HOME points to it, and no AWS variable of the caller's environment is left.
 */
#ifndef RUNFS_TESTS_AWS_TEST_AWS_HOME_H
#define RUNFS_TESTS_AWS_TEST_AWS_HOME_H

/* Fixtures: .init and .fini of a test or suite. */
void aws_home_create(void);
void aws_home_remove(void);

/* The path of NAME in the home directory; valid until the next call. */
const char *aws_home_path(const char *name);

/* Writes TEXT to NAME in the home directory, and makes the directory .aws for it. */
void aws_home_write(const char *name, const char *text);

/* How many bytes NAME holds, 0 where it is missing. */
long aws_home_size(const char *name);

#endif
