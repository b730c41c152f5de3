/* A condition that a fuzzer holds its subject to. */
#ifndef RUNFS_TESTS_FUZZ_CHECK_H
#define RUNFS_TESTS_FUZZ_CHECK_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                            \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

/* Whether TEXT is one line without control characters, as messages are. */
static inline bool is_plain_line(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    return true;
}

#endif
