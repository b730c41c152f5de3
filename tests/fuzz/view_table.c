/* Fuzzes the reading of view tables: what is refused is refused in one line, and each row that is accepted is safe and
   reads the same when it is written again. */
#include <runfs/view.h>
#include <stdint.h>
#include <string.h>

#include "base/strbuf.h"
#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const binds[] = {"bad", "g"};

#define BINDS (sizeof binds / sizeof *binds)

/* No empty, "." or ".." component, but for PATH being empty as a whole. */
static void check_normal(const char *path)
{
    CHECK(*path != '/');
    for (const char *name = path; *name;) {
        size_t len = strcspn(name, "/");
        CHECK(len > 0 && !(len == 1 && *name == '.') && !(len == 2 && memcmp(name, "..", 2) == 0));
        CHECK(!name[len] || name[len + 1]);
        name += len + (name[len] == '/');
    }
}

/* Appends TEXT as part of a field of fstab(5). */
static void put(struct strbuf *out, const char *text)
{
    for (; *text; text++) {
        if (strchr(" \t\n\\", *text))
            strbuf_addf(out, "\\%03o", (unsigned)(unsigned char)*text);
        else
            strbuf_add(out, text, 1);
    }
}

static void write_row(const struct runfs_view_row *row, struct strbuf *out)
{
    if (row->bind)
        strbuf_addf(out, "%s:", row->bind);
    if (row->type != RUNFS_ROW_LOCAL)
        strbuf_adds(out, "./");
    put(out, row->source);
    strbuf_adds(out, " /");
    put(out, row->path);
    strbuf_addf(out, " %s %s\n", runfs_row_type_name(row->type), row->overlay ? "overlay" : "-");
}

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void check_row(const struct runfs_view_row *row)
{
    _cleanup_strbuf_ struct strbuf text = STRBUF_INIT(4 * RUNFS_VIEW_LINE_MAX);
    struct runfs_view *view;
    struct runfs_error err;
    check_normal(row->path);
    if (row->type != RUNFS_ROW_LOCAL)
        check_normal(row->source);
    CHECK(row->type == RUNFS_ROW_TREE || *row->source);
    write_row(row, &text);
    CHECK(!text.failed);
    if (text.len > RUNFS_VIEW_LINE_MAX)
        return;
    CHECK(runfs_view_parse(strbuf_text(&text), text.len, "t", binds, BINDS, &view, &err) == 0);
    CHECK(runfs_view_count(view) == 1);
    const struct runfs_view_row *again = runfs_view_row_at(view, 0);
    CHECK(again->type == row->type && again->overlay == row->overlay && again->line == 1);
    CHECK(same(again->bind, row->bind) && same(again->source, row->source) && same(again->path, row->path));
    runfs_view_free(view);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct runfs_view *view;
    struct runfs_error err;
    if (runfs_view_parse((const char *)data, size, "t", binds, BINDS, &view, &err) < 0) {
        CHECK(err.code > 0 && strncmp(err.message, "t:", 2) == 0 && is_plain_line(err.message));
        return 0;
    }
    unsigned line = 0;
    for (size_t i = 0; i < runfs_view_count(view); i++) {
        const struct runfs_view_row *row = runfs_view_row_at(view, i);
        CHECK(row->line > line);
        line = row->line;
        check_row(row);
    }
    runfs_view_free(view);
    return 0;
}
