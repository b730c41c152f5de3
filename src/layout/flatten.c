/* Stage paths of a manifest, and the places of members by them. Hostile manifests and members cost
   time in proportion to their size: lines are sorted, and searched for each directory that leads a member. */
#include <errno.h>
#include <runfs/flatten.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "layout/fail.h"
#include "layout/text.h"

struct line {
    struct runfs_span path; /* of the text below */
    size_t number;          /* among those that are not blank, from 0 */
};

struct runfs_flatten {
    char *text;         /* owned: all normalised paths */
    struct line *lines; /* owned; sorted by path, each path once, with the number of its first line */
    size_t count;
};

static int compare_spans(struct runfs_span a, struct runfs_span b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.text, b.text, len) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_lines(const void *a, const void *b)
{
    const struct line *x = a;
    const struct line *y = b;
    int order = compare_spans(x->path, y->path);
    return order ? order : (x->number > y->number) - (x->number < y->number);
}

static int flatten_no_memory(struct runfs_error *err)
{
    return layout_fail(err, ENOMEM, RUNFS_FLATTEN_MANIFEST ": out of memory");
}

/* Reads the lines of TEXT; the paths of FLATTEN's lines are NULL with their lengths until the text is final. */
static int read_lines(struct runfs_flatten *flatten, struct runfs_span text, struct strbuf *out,
                      struct runfs_error *err)
{
    struct runfs_span line;
    for (size_t number = 1; span_take(&text, '\n', &line); number++) {
        size_t start = out->len;
        const char *why = NULL;
        while (line.len && strchr(" \t\r", line.text[line.len - 1]) && line.text[line.len - 1])
            line.len--;
        if (!line.len)
            continue;
        if (span_find(line, '\0') < line.len)
            why = "holds a NUL byte";
        else if (line.text[0] == '/')
            why = "is absolute";
        else if (!path_normalise(line, out))
            why = "has a '..'";
        if (why)
            return layout_fail(err, EINVAL, RUNFS_FLATTEN_MANIFEST ":%zu: '%.*s': %s", number, SPAN_ARG(line),
                               why);
        flatten->lines[flatten->count] = (struct line){{NULL, out->len - start}, flatten->count};
        flatten->count++;
    }
    return out->failed ? flatten_no_memory(err) : 0;
}

/* Sorts the lines and drops later ones of the same path. */
static void index_lines(struct runfs_flatten *flatten)
{
    const char *text = flatten->text;
    size_t kept = 0;
    for (size_t i = 0; i < flatten->count; i++) {
        flatten->lines[i].path.text = text;
        text += flatten->lines[i].path.len;
    }
    if (flatten->count)
        qsort(flatten->lines, flatten->count, sizeof *flatten->lines, compare_lines);
    for (size_t i = 0; i < flatten->count; i++)
        if (!kept || !span_equal(flatten->lines[kept - 1].path, flatten->lines[i].path))
            flatten->lines[kept++] = flatten->lines[i];
    flatten->count = kept;
}

static void cleanup_flatten(struct runfs_flatten **flatten)
{
    runfs_flatten_free(*flatten);
}

int runfs_flatten_new(const char *text, size_t len, struct runfs_flatten **ret_flatten,
                      struct runfs_error *err)
{
    if (len > RUNFS_FLATTEN_SIZE_MAX)
        return layout_fail(err, EINVAL, RUNFS_FLATTEN_MANIFEST ": larger than %d bytes",
                           RUNFS_FLATTEN_SIZE_MAX);
    _cleanup_strbuf_ struct strbuf paths = STRBUF_INIT(RUNFS_FLATTEN_SIZE_MAX);
    __attribute__((cleanup(cleanup_flatten))) struct runfs_flatten *flatten = calloc(1, sizeof *flatten);
    struct runfs_span all = {text, len};
    if (!flatten)
        return flatten_no_memory(err);
    size_t count = 1;
    for (size_t i = 0; i < len; i++)
        count += text[i] == '\n';
    flatten->lines = calloc(count, sizeof *flatten->lines);
    if (!flatten->lines)
        return flatten_no_memory(err);
    int r = read_lines(flatten, all, &paths, err);
    if (r < 0)
        return r;
    if (strbuf_take(&paths, &flatten->text) < 0)
        return flatten_no_memory(err);
    index_lines(flatten);
    *ret_flatten = TAKE_PTR(flatten);
    return 0;
}

void runfs_flatten_free(struct runfs_flatten *flatten)
{
    if (!flatten)
        return;
    free(flatten->text);
    free(flatten->lines);
    free(flatten);
}

size_t runfs_flatten_count(const struct runfs_flatten *flatten)
{
    return flatten->count;
}

/* The line that is PATH; NULL where there is none. */
static const struct line *line_of(const struct runfs_flatten *flatten, struct runfs_span path)
{
    size_t low = 0;
    size_t high = flatten->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_spans(flatten->lines[middle].path, path);
        if (order == 0)
            return &flatten->lines[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* The first line from number FROM on that leads PATH; NULL where there is none. */
static const struct line *leading(const struct runfs_flatten *flatten, struct runfs_span path, size_t from)
{
    const struct line *best = line_of(flatten, (struct runfs_span){path.text, 0});
    if (best && best->number < from)
        best = NULL;
    for (size_t i = 1; i + 1 < path.len; i++) {
        if (path.text[i] != '/')
            continue;
        const struct line *line = line_of(flatten, (struct runfs_span){path.text, i});
        if (line && line->number >= from && (!best || line->number < best->number))
            best = line;
    }
    return best;
}

/* What follows LINE, which leads PATH. */
static struct runfs_span behind(struct runfs_span path, const struct line *line)
{
    return span_skip(path, line->path.len ? line->path.len + 1 : 0);
}

/* Whether LINE sorts before all that is below the directory PATH. */
static bool sorts_before(struct runfs_span line, struct runfs_span path)
{
    int order =
        compare_spans((struct runfs_span){line.text, line.len < path.len ? line.len : path.len}, path);
    return order < 0 || (order == 0 && (line.len == path.len || (unsigned char)line.text[path.len] < '/'));
}

/* Whether a line is below the directory PATH. */
static bool leads_to_line(const struct runfs_flatten *flatten, struct runfs_span path)
{
    size_t low = 0;
    size_t high = flatten->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sorts_before(flatten->lines[middle].path, path))
            low = middle + 1;
        else
            high = middle;
    }
    return low < flatten->count && flatten->lines[low].path.len > path.len &&
           span_starts(flatten->lines[low].path, path) && flatten->lines[low].path.text[path.len] == '/';
}

enum runfs_flatten_place runfs_flatten_place(const struct runfs_flatten *flatten, const char *member,
                                             size_t len, struct runfs_span *ret_path)
{
    struct runfs_span path = {member, len};
    if (!len || !is_path(path))
        return RUNFS_FLATTEN_UNSAFE;
    if (span_is(path, RUNFS_FLATTEN_MANIFEST))
        return RUNFS_FLATTEN_SKIPPED;
    const struct line *line = leading(flatten, path, 0);
    if (!line)
        return line_of(flatten, path) || leads_to_line(flatten, path) ? RUNFS_FLATTEN_ABOVE
                                                                      : RUNFS_FLATTEN_STRAY;
    *ret_path = behind(path, line);
    return RUNFS_FLATTEN_PLACED;
}

bool runfs_flatten_target(const struct runfs_flatten *flatten, const char *target, size_t len, size_t *cursor,
                          struct runfs_span *ret_path)
{
    struct runfs_span path = {target, len};
    if (!len || !is_path(path))
        return false;
    const struct line *line = leading(flatten, path, *cursor);
    if (!line)
        return false;
    *cursor = line->number + 1;
    *ret_path = behind(path, line);
    return true;
}

unsigned runfs_flatten_mode(unsigned mode, unsigned umask)
{
    return (0666 & ~umask) | (mode & 0111);
}
