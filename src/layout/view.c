/* Reads view tables line by line. */
#include "layout/view.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "layout/fail.h"

struct runfs_view {
    struct view_row *rows; /* owned */
    size_t count;
    size_t capacity;
};

static void cleanup_view(struct runfs_view **view)
{
    runfs_view_free(*view);
}

static int read_line(struct runfs_view *view, const struct view_binds *binds, struct runfs_span line,
                     unsigned number, struct runfs_error *err)
{
    struct runfs_span rest = line;
    if (line.len > RUNFS_VIEW_LINE_MAX)
        return layout_fail(err, EINVAL, "longer than %d bytes", RUNFS_VIEW_LINE_MAX);
    if (span_find(line, '\0') < line.len)
        return layout_fail(err, EINVAL, "holds a NUL byte");
    while (rest.len && (rest.text[0] == ' ' || rest.text[0] == '\t'))
        rest = span_skip(rest, 1);
    if (!rest.len || rest.text[0] == '#') /* what getmntent(3) skips, too */
        return 0;
    if (view->count == RUNFS_VIEW_ROWS_MAX)
        return layout_fail(err, EINVAL, "more than %d rows", RUNFS_VIEW_ROWS_MAX);
    if (array_room(view->rows, view->count, view->capacity) < 0)
        return layout_fail(err, ENOMEM, "out of memory");
    struct view_row *row = &view->rows[view->count++];
    *row = (struct view_row){.shown.line = number};
    return view_row_read(binds, line, row, err);
}

int runfs_view_parse(const char *text, size_t len, const char *file, const char *const *binds,
                     size_t bind_count, struct runfs_view **ret_view, struct runfs_error *err)
{
    const struct view_binds names = {binds, bind_count};
    if (len > RUNFS_VIEW_SIZE_MAX)
        return layout_fail(err, EINVAL, "%s: larger than %d bytes", file, RUNFS_VIEW_SIZE_MAX);
    __attribute__((cleanup(cleanup_view))) struct runfs_view *view = calloc(1, sizeof *view);
    struct runfs_span rest = {text, len};
    struct runfs_span line;
    struct runfs_error why;
    if (!view)
        return layout_fail(err, ENOMEM, "%s: out of memory", file);
    for (unsigned number = 1; span_take(&rest, '\n', &line); number++) {
        int r = read_line(view, &names, line, number, &why);
        if (r < 0)
            return layout_fail(err, -r, "%s:%u: %s", file, number, why.message);
    }
    *ret_view = TAKE_PTR(view);
    return 0;
}

size_t runfs_view_count(const struct runfs_view *view)
{
    return view->count;
}

const struct runfs_view_row *runfs_view_row_at(const struct runfs_view *view, size_t index)
{
    return index < view->count ? &view->rows[index].shown : NULL;
}

void runfs_view_free(struct runfs_view *view)
{
    if (!view)
        return;
    for (size_t i = 0; i < view->count; i++)
        view_row_done(&view->rows[i]);
    free(view->rows);
    free(view);
}
