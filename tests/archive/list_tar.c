/* list-tar [PIECE]: reads a tar stream from stdin, in pieces of PIECE bytes, and prints its members as they would be
   after extraction: path, type, mode, mtime in nanoseconds, size, link target, SHA-256 and the first name of the same
   file, separated by tabs, bytes outside of printable ASCII as \xNN. The table goes through its binary form first.
   Refused members go to stderr. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "archive/toc.h"

static void print_text(FILE *out, const char *text)
{
    for (; *text; text++)
        if (*text > ' ' && *text < 0x7f && *text != '\\')
            (void)fputc(*text, out);
        else
            (void)fprintf(out, "\\x%02x", (unsigned char)*text);
}

static void print_refused(void *context, const char *name, const char *why)
{
    (void)context;
    print_text(stderr, name);
    (void)fprintf(stderr, ": %s\n", why);
}

static void print_path(const struct member_table *table, uint32_t number)
{
    struct strbuf path = STRBUF_INIT(SIZE_MAX / 2);
    member_path(table, number, &path);
    print_text(stdout, strbuf_text(&path));
    strbuf_done(&path);
}

static void print_hash(const struct member_file *file)
{
    for (size_t i = 0; file->has_sha256 && i < sizeof file->sha256; i++)
        (void)printf("%02x", file->sha256[i]);
}

static void print_member(const struct member_table *table, uint32_t number, uint32_t first)
{
    static const char types[] = "dflcbp!";
    const struct member_file *file = member_file(table, number);
    print_path(table, number);
    (void)printf("\t%c\t%o\t%lld\t%llu\t", file->made ? 'm' : types[file->type], file->mode,
                 (long long)file->mtime_ns, (unsigned long long)file->size);
    print_text(stdout, member_link(table, file));
    (void)putchar('\t');
    print_hash(file);
    (void)putchar('\t');
    print_path(table, first);
    (void)putchar('\n');
}

static void print_table(const struct member_table *table)
{
    uint32_t *first = calloc(table->file_count, sizeof *first);
    if (!first)
        abort();
    for (uint32_t i = 0; i < table->member_count; i++) {
        uint32_t *of_file = &first[table->members[i].file];
        if (!*of_file)
            *of_file = i;
        print_member(table, i, *of_file);
    }
    free(first);
}

/* Reads all of stdin; its length in *RET_SIZE. */
static int read_stream(struct tar *tar, size_t piece, uint64_t *ret_size, struct error *err)
{
    static char buffer[1U << 20];
    uint64_t size = 0;
    ssize_t n;
    while ((n = read(STDIN_FILENO, buffer, sizeof buffer)) > 0) {
        for (size_t done = 0; done < (size_t)n; done += piece) {
            size_t left = (size_t)n - done;
            int result = tar_feed(tar, buffer + done, piece < left ? piece : left, err);
            if (result < 0)
                return result;
        }
        size += (size_t)n;
    }
    *ret_size = size;
    return tar_end(tar, err);
}

/* The table as it is after being written and read. */
static struct toc *reread(struct member_table *table, uint64_t size, struct error *err)
{
    struct toc toc = {.object_size = size,
                      .etag = "e",
                      .codec = "none",
                      .decoded_size = size,
                      .complete = true,
                      .members = table};
    struct toc *again;
    unsigned char *bytes;
    size_t len;
    if (toc_write(&toc, &bytes, &len, err) < 0)
        return NULL;
    int result = toc_read(bytes, len, &again, err);
    free(bytes);
    return result < 0 ? NULL : again;
}

int main(int argc, char **argv)
{
    struct members *members = NULL;
    struct member_table *table;
    struct tar *tar = NULL;
    struct error err = {0};
    uint64_t size = INT64_MAX;
    size_t piece = argc > 1 ? strtoul(argv[1], NULL, 10) : SIZE_MAX;
    int result = members_new(NULL, print_refused, NULL, &members, &err);
    if (result == 0)
        result = tar_new(NULL, &members_handler, members, &tar, &err);
    if (result == 0)
        result = read_stream(tar, piece ? piece : 1, &size, &err);
    if (result < 0)
        (void)fprintf(stderr, "list-tar: %s\n", err.message);
    if (members && members_finish(members, &table, &err) == 0) {
        struct toc *toc = reread(table, size, &err);
        if (toc)
            print_table(toc->members);
        else
            (void)fprintf(stderr, "list-tar: %s\n", err.message);
        result = toc ? result : -1;
        toc_free(toc);
        member_table_free(table);
    }
    tar_free(tar);
    members_free(members);
    return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
