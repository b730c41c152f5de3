/* What the tests of archives share: making tar streams byte by byte, and a record of what the reader says of one. */
#ifndef RUNFS_TESTS_ARCHIVE_ARCHIVE_TEST_H
#define RUNFS_TESTS_ARCHIVE_ARCHIVE_TEST_H

#include <errno.h>

#include "archive/tar_internal.h"
#include "archive/tar_number.h"
#include "archive/toc.h"
#include "testing.h"

#define SECOND ((int64_t)1000000000)

/* The stream being made; each test has a process of its own. */
extern struct strbuf stream;

/* A header of ustar form with a right checksum, not yet in the stream. */
struct tar_header header_of(char type, const char *name, uint64_t size);

/* Makes the checksum right again. */
void sum_header(struct tar_header *header);

/* Appends a header as it is; all following ones have right checksums. */
void add_header(const struct tar_header *header);

/* Appends content and its padding. */
void add_content(const void *bytes, size_t len);

/* Appends a file with TEXT as its content, a link, a directory. */
void add_file(const char *name, const char *text);
void add_link(char type, const char *name, const char *target);
void add_directory(const char *name);

/* Appends a header of TYPE (x, g, L, K …) with content. */
void add_meta(char type, const void *bytes, size_t len);

/* Appends a pax header of TYPE; records are KEY, VALUE, …, NULL. */
void add_pax(int type, ...) __attribute__((sentinel));

/* Appends two zero blocks. */
void add_end(void);

/* Reads LEN bytes of the stream in pieces of PIECE bytes and says what the reader said: a line for each member, such as
   "file a/b 644 1500000000.000000000 5 at 512: hello", "refused ../x: WHY", then how the stream ended: "end",
   "no end" or "error CODE: MESSAGE". The result is freed by the caller. */
char *read_stream(size_t len, size_t piece);

/* The same of all of the stream, in one piece; the next call frees it. */
const char *reading(void);

/* Fails unless what the reader says of the stream is the lines that follow, each with its newline. */
#define assert_reading(wanted) cr_assert_str_eq(reading(), (wanted))

/* Whether the reader says TEXT somewhere. */
#define assert_says(text) cr_assert(strstr(reading(), (text)), "'%s' is not in: %s", (text), reading())

/* The table of the stream's members; the next call frees it. */
struct member_table *table_of(void);

/* The table of what can be read of the first LEN bytes; the reading's result in *RET_RESULT. The caller frees it. */
struct member_table *table_of_part(size_t len, int *ret_result);

/* The notes of the last table, "NAME: WHY\n" each, and how many members were refused. */
extern char noted[65536];
extern uint64_t refused;

/* The members of a table, such as "a/ c>target d a/b=1", in order: directories with a slash, made ones with two, links
   with their target, broken ones with "!", and names of one file with its number where there are several. */
const char *names_of(const struct member_table *table);

/* Member PATH, which must be there. */
const struct member_file *file_at(const struct member_table *table, const char *path);

#endif
