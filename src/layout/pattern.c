/* Expands and matches the patterns of the table of outputs. */
#include "layout/pattern.h"

#include "base/strbuf.h"
#include "layout/text.h"

/* A key's component that a pattern names counts for more than any letter it spells out. */
#define COMPONENT_SCORE 1000

static const char artifacts_mark[] = "{artifacts}";
static const char artifacts_subdir[] = "artifacts/";

static struct piece piece_of(struct runfs_span component)
{
    size_t open = span_find(component, '{');
    if (open == component.len)
        return (struct piece){.head = component};
    struct runfs_span name = span_skip(component, open + 1);
    size_t close = span_find(name, '}');
    return (struct piece){
        .head = {component.text, open},
        .tail = span_skip(name, close + 1),
        .arg = arg_of_placeholder((struct runfs_span){name.text, close}),
    };
}

/* PATTERN without "{artifacts}"; *RET_MARKED says whether it was there. */
static struct runfs_span strip_mark(const char *pattern, bool *ret_marked)
{
    struct runfs_span rest = span_of(pattern);
    *ret_marked = span_starts(rest, span_of(artifacts_mark));
    return *ret_marked ? span_skip(rest, sizeof artifacts_mark - 1) : rest;
}

enum arg pattern_lacks(const char *pattern, struct runfs_class *values)
{
    bool marked;
    struct runfs_span rest = strip_mark(pattern, &marked);
    struct runfs_span component;
    while (span_take(&rest, '/', &component)) {
        struct piece piece = piece_of(component);
        if (piece.arg != ARG_NONE && !arg_value(values, piece.arg)->text)
            return piece.arg;
    }
    return ARG_NONE;
}

int pattern_expand(const char *pattern, struct runfs_class *values, enum runfs_artifacts_dir artifacts_dir,
                   struct strbuf *out, struct runfs_error *err)
{
    bool marked;
    struct runfs_span rest = strip_mark(pattern, &marked);
    struct runfs_span component;
    if (marked && artifacts_dir == RUNFS_ARTIFACTS_SUBDIR)
        strbuf_adds(out, artifacts_subdir);
    while (span_take(&rest, '/', &component)) {
        struct piece piece = piece_of(component);
        strbuf_add(out, piece.head.text, piece.head.len);
        if (piece.arg != ARG_NONE) {
            struct runfs_span value = *arg_value(values, piece.arg);
            int r = arg_check(piece.arg, value, err);
            if (r < 0)
                return r;
            strbuf_add(out, value.text, value.len);
            strbuf_add(out, piece.tail.text, piece.tail.len);
        }
        if (rest.len)
            strbuf_adds(out, "/");
    }
    return 0;
}

/* Whether COMPONENT, the LAST one or not, fits PIECE; its argument goes to VALUES. */
static bool match_piece(const struct piece *piece, struct runfs_span component, bool last,
                        struct runfs_class *values)
{
    if (piece->arg == ARG_NONE)
        return span_equal(component, piece->head);
    size_t fixed = piece->head.len + piece->tail.len;
    if (component.len <= fixed || !span_starts(component, piece->head) || !span_ends(component, piece->tail))
        return false;
    struct runfs_span value = {component.text + piece->head.len, component.len - fixed};
    if (!arg_fits(piece->arg, value, last && fixed == 0))
        return false;
    *arg_value(values, piece->arg) = value;
    return true;
}

/* Takes what ARG stands for off *key: all that is left for {path}, else one component. */
static bool take_component(struct runfs_span *key, enum arg arg, struct runfs_span *ret_component)
{
    if (arg != ARG_PATH || key->len == 0)
        return span_take(key, '/', ret_component);
    *ret_component = *key;
    *key = (struct runfs_span){0};
    return true;
}

struct pattern pattern_of(const char *text)
{
    struct pattern pattern = {0};
    struct runfs_span rest = strip_mark(text, &pattern.marked);
    struct runfs_span component;
    while (pattern.count < PATTERN_PIECES_MAX && span_take(&rest, '/', &component))
        pattern.pieces[pattern.count++] = piece_of(component);
    return pattern;
}

/* Whether KEY begins and, but for what lies below a directory, ends as all that fits does. Most patterns fail by this
   alone, which is cheap. */
static bool ends_fit(const struct pattern *pattern, bool directory, struct runfs_span key)
{
    if (!pattern->count)
        return true;
    const struct piece *last = &pattern->pieces[pattern->count - 1];
    return (pattern->marked || span_starts(key, pattern->pieces[0].head)) &&
           (directory || span_ends(key, last->arg == ARG_NONE ? last->head : last->tail));
}

bool pattern_match(const struct pattern *pattern, bool directory, struct runfs_span key,
                   struct runfs_class *ret_values, size_t *ret_score)
{
    if (!ends_fit(pattern, directory, key))
        return false;
    struct runfs_class values = {0};
    struct runfs_span component;
    size_t score = 0;
    if (pattern->marked && span_starts(key, span_of(artifacts_subdir)))
        key = span_skip(key, sizeof artifacts_subdir - 1);
    for (size_t i = 0; i < pattern->count; i++) {
        const struct piece *piece = &pattern->pieces[i];
        if (!take_component(&key, piece->arg, &component) ||
            !match_piece(piece, component, key.len == 0, &values))
            return false;
        score += COMPONENT_SCORE + piece->head.len + piece->tail.len;
    }
    if (key.len && !directory)
        return false;
    if (key.len)
        values.file = key;
    *ret_values = values;
    *ret_score = score;
    return true;
}

struct runfs_span pattern_subtree(const char *pattern)
{
    bool marked;
    struct runfs_span rest = strip_mark(pattern, &marked);
    if (marked)
        return span_of(artifacts_subdir);
    size_t slash = span_find(rest, '/');
    return slash < rest.len ? (struct runfs_span){rest.text, slash + 1} : (struct runfs_span){0};
}
