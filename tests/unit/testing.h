/* What the unit tests share: a scratch directory for each test, whole files, and waiting for other threads.
 */
#ifndef RUNFS_TESTS_UNIT_TESTING_H
#define RUNFS_TESTS_UNIT_TESTING_H

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* How often threads do what may collide: under the thread sanitizer, which is slow and sees a race without a
   collision, less often. */
#ifdef __SANITIZE_THREAD__
#define ROUNDS(count) (((count) + 3) / 4)
#else
#define ROUNDS(count) (count)
#endif

/* Fails with the message of ERR where RESULT, of a call that was to succeed, is not 0. */
#define assert_ok(result, err) cr_assert_eq((result), 0, "%s", (err)->message)

/* Fails unless RESULT is -WANTED and ERR says so in words that hold TEXT. */
#define assert_refused(result, wanted, err, text)                                                            \
    do {                                                                                                     \
        int refused_ = (result);                                                                             \
        cr_assert_eq(refused_, -(wanted), "%d: %s", refused_, (err)->message);                               \
        cr_assert_eq((err)->code, (wanted), "code %d: %s", (err)->code, (err)->message);                     \
        cr_assert(strstr((err)->message, (text)), "'%s' is not in: %s", (text), (err)->message);             \
    } while (0)

/* Waits for what another thread or process is to do. It has no end of its own: ctest ends a test that hangs.
 */
#define wait_until(condition)                                                                                \
    while (!(condition))                                                                                     \
    (void)usleep(500)

/* Fixtures, .init and .fini of a test or suite: a directory for the test. It is removed by a process of its
   own, also when the test crashes; before that, the shell script "at-end" in it is run where there is one. */
void scratch_open(void);
void scratch_close(void);

/* The path of NAME (formatted) in the scratch directory; each call of the next seven leaves it valid. */
const char *scratch_path(const char *format, ...) __attribute__((format(printf, 1, 2)));

void scratch_mkdir(const char *name);
void scratch_write(const char *name, const char *text);
void scratch_write_bytes(const char *name, const void *bytes, size_t len);

/* The file NAME as a string that the caller frees. */
char *scratch_read(const char *name);

/* Gives the process mounts of its own, which end with it: as root at once, else as the root of a user
   namespace. */
void own_mounts(void);

/* Generated content that tells its place: the byte at OFFSET. */
static inline char pattern_at(uint64_t offset)
{
    return (char)((offset * 2654435761u) >> 13 ^ offset);
}

/* Writes SIZE bytes of the generated content to the file NAME. */
void scratch_write_pattern(const char *name, size_t size);

/* The first of the LEN bytes that is not what the pattern has at OFFSET and after it; LEN where all are. */
size_t pattern_check(const char *bytes, size_t len, uint64_t offset);

#endif
