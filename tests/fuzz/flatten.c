/* Fuzzes manifests and the places of members by them, against a plain reading of the rules. An input is a manifest, a NUL
   byte and a member's path. */
#include <runfs/flatten.h>
#include <stdint.h>
#include <string.h>

#include "check.h"

#define LINES_MAX 256 /* of manifests that are read plainly, too */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A manifest read plainly: normalised lines that each end with a '/', but for the one that stands for all. */
struct plain {
    char *lines[LINES_MAX];
    size_t count;
};

static char *normal_line(const char *line, size_t len)
{
    char *path = calloc(len + 2, 1);
    CHECK(path);
    size_t used = 0;
    for (size_t i = 0; i < len;) {
        size_t name_len = 0;
        while (i + name_len < len && line[i + name_len] != '/')
            name_len++;
        if (name_len && !(name_len == 1 && line[i] == '.')) {
            memcpy(path + used, line + i, name_len);
            used += name_len;
            path[used++] = '/';
        }
        i += name_len + 1;
    }
    return path;
}

static void read_plainly(const char *text, struct plain *plain)
{
    while (*text && plain->count < LINES_MAX) {
        size_t end = strcspn(text, "\n");
        size_t len = end;
        while (len && strchr(" \t\r", text[len - 1]))
            len--;
        if (len)
            plain->lines[plain->count++] = normal_line(text, len);
        text += end + (text[end] == '\n');
    }
}

/* The places that MEMBER has through each line must be what the library gives, in order and without repetition. */
static void check_targets(const struct runfs_flatten *flatten, const struct plain *plain, const char *member,
                          size_t len)
{
    struct runfs_span path;
    size_t cursor = 0;
    for (size_t i = 0; i < plain->count; i++) {
        size_t line_len = strlen(plain->lines[i]);
        bool repeated = false;
        for (size_t j = 0; j < i; j++)
            repeated = repeated || strcmp(plain->lines[j], plain->lines[i]) == 0;
        if (repeated || line_len >= len || memcmp(plain->lines[i], member, line_len) != 0)
            continue;
        CHECK(runfs_flatten_target(flatten, member, len, &cursor, &path));
        CHECK(path.text == member + line_len && path.len == len - line_len);
    }
    CHECK(!runfs_flatten_target(flatten, member, len, &cursor, &path));
}

/* Whether MEMBER is a stage path or leads to one. */
static bool is_above(const struct plain *plain, const char *member, size_t len)
{
    for (size_t i = 0; i < plain->count; i++)
        if (strncmp(plain->lines[i], member, len) == 0 && plain->lines[i][len] == '/')
            return true;
    return false;
}

static void check_place(const struct runfs_flatten *flatten, const struct plain *plain, const char *member,
                        size_t len)
{
    struct runfs_span path = {0};
    struct runfs_span first = {0};
    size_t cursor = 0;
    bool led = runfs_flatten_target(flatten, member, len, &cursor, &first);
    enum runfs_flatten_place place = runfs_flatten_place(flatten, member, len, &path);
    CHECK((place == RUNFS_FLATTEN_PLACED) == (path.text != NULL));
    if (place == RUNFS_FLATTEN_UNSAFE) {
        CHECK(!led);
        return;
    }
    check_targets(flatten, plain, member, len);
    if (place == RUNFS_FLATTEN_PLACED)
        CHECK(led && first.text == path.text && first.len == path.len && path.len > 0 && *path.text != '/');
    else if (place != RUNFS_FLATTEN_SKIPPED)
        CHECK(!led && is_above(plain, member, len) == (place == RUNFS_FLATTEN_ABOVE));
}

static void fuzz(const char *manifest, const char *member, size_t len)
{
    struct runfs_flatten *flatten;
    struct runfs_error err;
    struct plain plain = {0};
    if (runfs_flatten_new(manifest, strlen(manifest), &flatten, &err) < 0) {
        CHECK(err.code > 0 && strncmp(err.message, RUNFS_FLATTEN_MANIFEST, 21) == 0 &&
              is_plain_line(err.message));
        return;
    }
    read_plainly(manifest, &plain);
    if (plain.count < LINES_MAX)
        check_place(flatten, &plain, member, len);
    for (size_t i = 0; i < plain.count; i++)
        free(plain.lines[i]);
    runfs_flatten_free(flatten);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    struct runfs_flatten *flatten;
    if (!end) {
        if (runfs_flatten_new((const char *)data, size, &flatten, NULL) == 0)
            runfs_flatten_free(flatten);
        return 0;
    }
    fuzz((const char *)data, (const char *)end + 1, size - (size_t)(end - data) - 1);
    return 0;
}
