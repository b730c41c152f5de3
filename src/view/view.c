#include "view/view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/environment.h"
#include "layout/error.h"
#include "view/bind.h"

/* The one row of the view "dist": all artifacts that are chosen, at the root. */
static const struct runfs_view_row dist_row = {.type = RUNFS_ROW_FLATTEN, .source = "*", .path = ""};

int view_error(const struct view *view, const struct view_row *row, struct error *err)
{
    return row->row->line ? error_prefix(err, -err->code, "%s:%u", view->file, row->row->line)
                          : error_prefix(err, -err->code, "%s", view->file);
}

void view_free(struct view *view)
{
    if (!view)
        return;
    for (size_t i = 0; i < view->count; i++) {
        free(view->rows[i].name);
        free(view->rows[i].local);
    }
    free(view->rows);
    runfs_view_free(view->table);
    free(view->directory);
    free(view->file);
    free(view);
}

/* All of a table. */
static int read_text(const char *path, struct strbuf *text, struct error *err)
{
    char chunk[16384];
    struct stat st;
    assert_may_block("reads a view's table");
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return error_set(err, ENOENT, "view=%s: neither uploaded, typed nor dist, nor a table that is there",
                         path);
    if (fd < 0 || fstat(fd, &st) < 0)
        return error_errno(err, errno, "view=%s", path);
    if (!S_ISREG(st.st_mode))
        return error_set(err, EINVAL, "view=%s: not a regular file", path);
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0)
            return error_errno(err, errno, "view=%s", path);
        if (n == 0 || text->failed)
            break;
        strbuf_add(text, chunk, (size_t)n);
    }
    return text->failed ? error_errno(err, text->failed, "view=%s", path) : 0;
}

static int set_directory(struct view *view, struct error *err)
{
    view->directory = realpath(view->file, NULL);
    if (!view->directory)
        return error_errno(err, errno, "view=%s", view->file);
    char *slash = strrchr(view->directory, '/');
    slash[slash == view->directory] = '\0';
    return 0;
}

static void free_names(char ***names)
{
    for (size_t i = 0; *names && (*names)[i]; i++)
        free((*names)[i]);
    free(*names);
}

static int parse_table(struct view *view, const struct view_config *config, const struct strbuf *text,
                       struct error *err)
{
    struct runfs_error failure;
    size_t len;
    __attribute__((cleanup(free_names))) char **names = calloc(config->bind_count + 1, sizeof(char *));
    for (size_t i = 0; names && i < config->bind_count; i++)
        if (bind_split(config->binds[i], &len) < 0 || !(names[i] = strndup(config->binds[i], len)))
            return error_errno(err, ENOMEM, "view");
    if (!names)
        return error_errno(err, ENOMEM, "view");
    if (runfs_view_parse(strbuf_text(text), text->len, view->file, (const char *const *)names,
                         config->bind_count, &view->table, &failure) < 0)
        return layout_error(err, &failure);
    view->count = runfs_view_count(view->table);
    view->rows = calloc(view->count + 1, sizeof *view->rows);
    if (!view->rows)
        return error_errno(err, ENOMEM, "view");
    for (size_t i = 0; i < view->count; i++)
        view->rows[i].row = runfs_view_row_at(view->table, i);
    return 0;
}

static int load_table(struct view *view, const struct view_config *config, struct error *err)
{
    _cleanup_strbuf_ struct strbuf text = STRBUF_INIT(RUNFS_VIEW_SIZE_MAX + 1);
    int result = read_text(view->file, &text, err);
    if (result == 0)
        result = set_directory(view, err);
    return result < 0 ? result : parse_table(view, config, &text, err);
}

static int load_dist(struct view *view, struct error *err)
{
    view->rows = calloc(1, sizeof *view->rows);
    if (!view->rows)
        return error_errno(err, ENOMEM, "view");
    view->rows[0].row = &dist_row;
    view->count = 1;
    return 0;
}

/* A cycle is wrong even where no row leads into it; the first row that does is named. */
static int check_binds(const struct view *view, const struct view_config *config, struct error *err)
{
    int result = 0;
    size_t at;
    for (size_t i = 0; view && i < view->count; i++) {
        const char *bind = view->rows[i].row->bind;
        if (bind && bind_resolve(config->binds, config->bind_count, bind, strlen(bind), &at, err) < 0)
            return view_error(view, &view->rows[i], err);
    }
    for (size_t i = 0; result == 0 && i < config->bind_count; i++)
        result = bind_resolve(config->binds, config->bind_count, config->binds[i],
                              strcspn(config->binds[i], "="), &at, err);
    return result;
}

void view_choose(struct view_config *config, const char *text)
{
    static const char *const names[] = {"uploaded", "typed", "dist"};
    config->kind = VIEW_UPLOADED;
    while (config->kind < VIEW_TABLE && strcmp(text, names[config->kind]) != 0)
        config->kind++;
    config->table = config->kind == VIEW_TABLE ? text : NULL;
}

int view_load(const struct view_config *config, struct view **ret_view, struct error *err)
{
    *ret_view = NULL;
    if (config->kind == VIEW_UPLOADED)
        return check_binds(NULL, config, err);
    struct view *view = calloc(1, sizeof *view);
    if (!view)
        return error_errno(err, ENOMEM, "view");
    view->kind = config->kind;
    view->file = strdup(view->kind == VIEW_TABLE  ? config->table
                        : view->kind == VIEW_DIST ? "view=dist"
                                                  : "view=typed");
    int result = !view->file                ? error_errno(err, ENOMEM, "view")
                 : view->kind == VIEW_TABLE ? load_table(view, config, err)
                 : view->kind == VIEW_DIST  ? load_dist(view, err)
                                            : 0;
    if (result == 0)
        result = check_binds(view, config, err);
    if (result < 0)
        view_free(view);
    else
        *ret_view = view;
    return result;
}

/* What the origins of a view's rows are opened by. */
struct opening {
    const struct view *view;
    const struct view_config *config;
    const struct view_deps *deps;
    uint16_t *seen; /* the origins by the places in config->binds, 0 for none */
};

/* The origin of the run that NAME is bound to; one for all names of it. */
static int open_bound(const struct opening *opening, const char *name, uint16_t *ret_origin,
                      struct error *err)
{
    size_t at;
    const struct view_config *config = opening->config;
    uint16_t *seen = opening->seen;
    int result = bind_resolve(config->binds, config->bind_count, name, strlen(name), &at, err);
    if (result == 0 && !seen[at]) {
        result =
            opening->deps->open_run(opening->deps->context, bind_source(config->binds[at]), &seen[at], err);
        if (result < 0)
            return error_prefix(err, result, "bind=%s", name);
    }
    if (result == 0)
        *ret_origin = seen[at];
    return result;
}

/* The source of a local row as an absolute path without symbolic links. */
static char *resolve_local(const struct view *view, const char *source)
{
    _cleanup_free_ char *path = NULL;
    int len;
    if (source[0] == '~' && (!source[1] || source[1] == '/')) {
        _cleanup_free_ char *home = environment_home();
        if (!home) {
            errno = ENOENT;
            return NULL;
        }
        len = asprintf(&path, "%s%s", home, source + 1);
    } else if (source[0] == '/') {
        len = asprintf(&path, "%s", source);
    } else {
        len = asprintf(&path, "%s/%s", view->directory, source);
    }
    if (len < 0) {
        path = NULL;
        errno = ENOMEM;
        return NULL;
    }
    return realpath(path, NULL);
}

/* The directory of a local row is its origin: its source, or where that is. */
static int open_local_row(const struct opening *opening, struct view_row *row, struct error *err)
{
    struct stat st;
    assert_may_block("looks at a local row");
    row->local = resolve_local(opening->view, row->row->source);
    if (!row->local || stat(row->local, &st) < 0)
        return error_errno(err, errno, "%s", row->row->source);
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return error_set(err, EINVAL, "%s: not a file or directory", row->row->source);
    if (access(row->local, S_ISDIR(st.st_mode) ? R_OK | X_OK : R_OK) < 0)
        return error_errno(err, errno, "%s", row->row->source);
    _cleanup_free_ char *directory = strdup(row->local);
    if (!directory)
        return error_errno(err, ENOMEM, "view");
    if (S_ISREG(st.st_mode)) {
        char *slash = strrchr(directory, '/');
        row->name = strdup(slash + 1);
        slash[slash == directory] = '\0';
        if (!row->name)
            return error_errno(err, ENOMEM, "view");
    }
    return opening->deps->open_directory(opening->deps->context, directory, &row->origin, err);
}

int view_open_origins(struct view *view, const struct view_config *config, const struct view_deps *deps,
                      struct error *err)
{
    _cleanup_free_ uint16_t *seen = calloc(config->bind_count + 1, sizeof *seen);
    const struct opening opening = {view, config, deps, seen};
    int result = seen ? 0 : error_errno(err, ENOMEM, "view");
    for (size_t i = 0; result == 0 && i < view->count; i++) {
        struct view_row *row = &view->rows[i];
        if (row->row->type == RUNFS_ROW_LOCAL)
            result = open_local_row(&opening, row, err);
        else if (row->row->bind)
            result = open_bound(&opening, row->row->bind, &row->origin, err);
        if (result < 0)
            return view_error(view, row, err);
    }
    return result;
}
