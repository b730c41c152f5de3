/* What the tests of tables of contents share. */
#ifndef RUNFS_TESTS_ARCHIVE_TOC_TEST_H
#define RUNFS_TESTS_ARCHIVE_TOC_TEST_H

#include "archive/toc_format.h"
#include "archive_test.h"

/* A table of the stream's members, for a whole object of just that stream. */
static inline struct toc toc_of(struct member_table *members)
{
    return (struct toc){.object_size = stream.len,
                        .etag = "etag-1",
                        .codec = "xz",
                        .decoded_size = stream.len,
                        .complete = true,
                        .members = members};
}

static inline unsigned char *written(const struct toc *toc, size_t *ret_len)
{
    unsigned char *bytes;
    struct error err = {0};
    assert_ok(toc_write(toc, &bytes, ret_len, &err), &err);
    return bytes;
}

/* What is read from what was written, which writes as the same bytes again. */
static inline struct toc *reread(const struct toc *toc)
{
    size_t len;
    size_t again_len;
    struct toc *again;
    struct error err = {0};
    unsigned char *bytes = written(toc, &len);
    assert_ok(toc_read(bytes, len, &again, &err), &err);
    unsigned char *again_bytes = written(again, &again_len);
    cr_assert_eq(again_len, len);
    cr_assert_arr_eq(again_bytes, bytes, len);
    free(bytes);
    free(again_bytes);
    return again;
}

/* Appends members of all kinds to the stream. */
static inline void add_all_kinds(void)
{
    add_pax('x', "mtime", "-1.5", NULL);
    add_file("d/f", "hello");
    add_link('1', "hard", "d/f");
    add_directory("d/empty");
    add_link('2', "s", "some target");
    add_link('1', "broken", "nowhere");
    add_link('6', "fifo", "");
    add_pax('x', "GNU.sparse.size", "100", "GNU.sparse.map", "2,1,5,1,98,2", NULL);
    add_file("sparse", "wxyz");
}

#endif
