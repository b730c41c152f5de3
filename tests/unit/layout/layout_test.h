/* What the tests of the layout library share. */
#ifndef RUNFS_TESTS_LAYOUT_TEST_H
#define RUNFS_TESTS_LAYOUT_TEST_H

#include <criterion/criterion.h>
#include <runfs/layout.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The time TEXT says; 0, unknown, for NULL. */
static inline int64_t time_of(const char *text)
{
    int64_t time = 0;
    if (text)
        cr_assert_eq(runfs_time_parse(text, &time, NULL), 0, "%s", text);
    return time;
}

static inline struct runfs_span span(const char *text)
{
    return (struct runfs_span){text, strlen(text)};
}

/* Whether SPAN is TEXT; NULL stands for a span that is not there. */
static inline bool span_equals(struct runfs_span span, const char *text)
{
    if (!text)
        return span.text == NULL && span.len == 0;
    return span.text && span.len == strlen(text) && memcmp(span.text, text, span.len) == 0;
}

/* The location of the output called NAME. */
static inline int locate(const struct runfs_root *root, const char *name, const char *const *args,
                         size_t count, struct runfs_location *ret_location, struct runfs_error *err)
{
    const struct runfs_output *output;
    int r = runfs_output_find(name, &output, err);
    return r < 0 ? r : runfs_output_locate(output, root, args, count, ret_location, err);
}

#endif
