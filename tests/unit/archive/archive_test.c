/* Making and reading tar streams; see archive_test.h. */
#include "archive_test.h"

#include <stdarg.h>

struct strbuf stream = STRBUF_INIT(SIZE_MAX / 2);
char noted[65536];
uint64_t refused;

static void octal(unsigned char *field, size_t len, uint64_t value)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%0*llo", (int)len - 1, (unsigned long long)value);
    cr_assert_lt(strlen(text), len);
    memcpy(field, text, len);
}

void sum_header(struct tar_header *header)
{
    uint64_t sum = 0;
    memset(header->checksum, ' ', sizeof header->checksum);
    for (size_t i = 0; i < sizeof *header; i++)
        sum += ((const unsigned char *)header)[i];
    octal(header->checksum, sizeof header->checksum - 1, sum);
}

struct tar_header header_of(char type, const char *name, uint64_t size)
{
    struct tar_header header = {.type = type};
    cr_assert_leq(strlen(name), sizeof header.name);
    memcpy(header.name, name, strlen(name));
    octal(header.mode, sizeof header.mode, 0644);
    octal(header.size, sizeof header.size, size);
    octal(header.mtime, sizeof header.mtime, 1500000000);
    memcpy(header.magic,
           "ustar\0"
           "00",
           sizeof header.magic);
    sum_header(&header);
    return header;
}

void add_header(const struct tar_header *header)
{
    strbuf_add(&stream, header, sizeof *header);
}

void add_content(const void *bytes, size_t len)
{
    static const char zeros[TAR_BLOCK_SIZE];
    strbuf_add(&stream, bytes, len);
    strbuf_add(&stream, zeros, (size_t)tar_padding(len));
}

void add_file(const char *name, const char *text)
{
    struct tar_header header = header_of('0', name, strlen(text));
    add_header(&header);
    add_content(text, strlen(text));
}

void add_link(char type, const char *name, const char *target)
{
    struct tar_header header = header_of(type, name, 0);
    cr_assert_leq(strlen(target), sizeof header.link);
    memcpy(header.link, target, strlen(target));
    sum_header(&header);
    add_header(&header);
}

void add_directory(const char *name)
{
    struct tar_header header = header_of('5', name, 0);
    add_header(&header);
}

void add_meta(char type, const void *bytes, size_t len)
{
    struct tar_header header = header_of(type, "meta", len);
    add_header(&header);
    add_content(bytes, len);
}

/* The length counts its own digits. */
static void add_record(struct strbuf *records, const char *key, const char *value)
{
    char number[24];
    size_t rest = strlen(key) + strlen(value) + 3;
    size_t len = rest + 1;
    while ((size_t)snprintf(number, sizeof number, "%zu", len) + rest != len)
        len++;
    strbuf_addf(records, "%zu %s=%s\n", len, key, value);
}

void add_pax(int type, ...)
{
    _cleanup_strbuf_ struct strbuf records = STRBUF_INIT(SIZE_MAX / 2);
    const char *key;
    va_list args;
    va_start(args, type);
    while ((key = va_arg(args, const char *)))
        add_record(&records, key, va_arg(args, const char *));
    va_end(args);
    add_meta((char)type, strbuf_text(&records), records.len);
}

void add_end(void)
{
    static const char zeros[2 * TAR_BLOCK_SIZE];
    strbuf_add(&stream, zeros, sizeof zeros);
}

static int say_begin(void *context, const struct tar_member *member, struct error *err)
{
    static const char *const types[] = {"file",      "directory", "symlink", "hardlink",
                                        "character", "block",     "fifo"};
    struct strbuf *said = context;
    (void)err;
    cr_assert_eq(strlen(member->path), member->path_len);
    cr_assert_eq(strlen(member->link), member->link_len);
    strbuf_addf(said, "%s %s %o %lld.%09lld %llu", types[member->type], member->path, member->mode,
                (long long)(member->mtime_ns / SECOND), (long long)(member->mtime_ns % SECOND),
                (unsigned long long)member->size);
    if (*member->link)
        strbuf_addf(said, " -> %s", member->link);
    for (size_t i = 0; i < member->extent_count; i++)
        strbuf_addf(said, " [%llu+%llu at %llu]", (unsigned long long)member->extents[i].offset,
                    (unsigned long long)member->extents[i].size, (unsigned long long)member->extents[i].at);
    if (member->stored)
        strbuf_addf(said, " at %llu: ", (unsigned long long)member->offset);
    else
        strbuf_adds(said, member->sparse ? " sparse" : "");
    return 0;
}

static int say_data(void *context, const struct tar_member *member, const void *bytes, size_t len,
                    struct error *err)
{
    (void)member;
    (void)err;
    cr_assert_gt(len, 0);
    strbuf_add(context, bytes, len);
    return 0;
}

static int say_end(void *context, const struct tar_member *member, struct error *err)
{
    (void)member;
    (void)err;
    strbuf_adds(context, "\n");
    return 0;
}

static void say_refused(void *context, const char *name, const char *why)
{
    strbuf_addf(context, "refused %.100s: %s\n", name, why);
}

/* Feeds the stream, each piece in memory of its own, so that a read past its end is seen. */
static int feed_stream(struct tar *tar, size_t len, size_t piece, struct error *err)
{
    int result = 0;
    for (size_t done = 0; done < len && result == 0; done += piece) {
        size_t n = len - done < piece ? len - done : piece;
        char *copy = malloc(n);
        cr_assert(copy);
        memcpy(copy, stream.data + done, n);
        result = tar_feed(tar, copy, n, err);
        free(copy);
    }
    return result;
}

char *read_stream(size_t len, size_t piece)
{
    static const struct tar_handler handler = {say_begin, say_data, say_end, say_refused};
    struct strbuf said = STRBUF_INIT(SIZE_MAX / 2);
    struct tar *tar;
    struct error err = {0};
    char *text;
    assert_ok(tar_new(NULL, &handler, &said, &tar, &err), &err);
    int result = feed_stream(tar, len, piece, &err);
    if (result == 0)
        result = tar_end(tar, &err);
    cr_assert_eq(result, -err.code);
    if (result < 0) {
        struct error again = {0};
        cr_assert_eq(tar_feed(tar, "x", 1, &again), result); /* a failure stays */
        cr_assert_str_eq(again.message, err.message);
        strbuf_addf(&said, "error %s: %s\n", strerrorname_np(-result), err.message);
    } else {
        strbuf_adds(&said, "end\n");
    }
    tar_free(tar);
    cr_assert_eq(strbuf_take(&said, &text), 0);
    return text;
}

const char *reading(void)
{
    static char *last;
    free(last);
    last = read_stream(stream.len, SIZE_MAX / 2);
    return last;
}

static void note(void *context, const char *name, const char *why)
{
    size_t used = strlen(noted);
    (void)context;
    (void)snprintf(noted + used, sizeof noted - used, "%.100s: %s\n", name, why);
}

struct member_table *table_of_part(size_t len, int *ret_result)
{
    struct members *members;
    struct member_table *table;
    struct tar *tar;
    struct error err = {0};
    noted[0] = '\0';
    assert_ok(members_new(NULL, note, NULL, &members, &err), &err);
    assert_ok(tar_new(NULL, &members_handler, members, &tar, &err), &err);
    *ret_result = feed_stream(tar, len, SIZE_MAX / 2, &err);
    if (*ret_result == 0)
        *ret_result = tar_end(tar, &err);
    refused = members_refused(members);
    assert_ok(members_finish(members, &table, &err), &err);
    tar_free(tar);
    members_free(members);
    return table;
}

struct member_table *table_of(void)
{
    static struct member_table *last; /* where leak checkers find it */
    int result;
    member_table_free(last);
    last = table_of_part(stream.len, &result);
    cr_assert_eq(result, 0);
    return last;
}

const char *names_of(const struct member_table *table)
{
    static struct strbuf names = STRBUF_INIT(SIZE_MAX / 2);
    strbuf_clear(&names);
    for (uint32_t i = 1; i < table->member_count; i++) {
        const struct member_file *file = member_file(table, i);
        strbuf_adds(&names, names.len ? " " : "");
        member_path(table, i, &names);
        if (file->type == MEMBER_DIRECTORY)
            strbuf_adds(&names, file->made ? "//" : "/");
        if (file->type == MEMBER_SYMLINK || file->type == MEMBER_BROKEN)
            strbuf_addf(&names, "%s%s", file->type == MEMBER_SYMLINK ? ">" : "!", member_link(table, file));
        if (file->links > 1)
            strbuf_addf(&names, "=%u", table->members[i].file);
    }
    return strbuf_text(&names);
}

const struct member_file *file_at(const struct member_table *table, const char *path)
{
    uint32_t number = 0;
    for (const char *name = path; *name; name += strspn(name, "/")) {
        size_t len = strcspn(name, "/");
        cr_assert_eq(member_entry(table, number, name, len, &number), 0, "%s", path);
        name += len;
    }
    return member_file(table, number);
}
