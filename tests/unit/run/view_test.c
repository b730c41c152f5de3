/* A local run and views of it; see view_test.h. */
#include "view_test.h"

#include <errno.h>

static const struct wait patient = {.timeout_ms = 10000};

struct run *run;
struct run_config view_config;
char view_conflicts[8192];
char view_notes[8192];

static char *source;
static char *table;
static char *cache;

static void tell(char *all, size_t size, const char *what, const char *why)
{
    size_t used = strlen(all);
    (void)snprintf(all + used, size - used, "%s%s\n", what, why);
}

static void note(const char *what, const char *why)
{
    tell(view_notes, sizeof view_notes, what, ": ");
    view_notes[strlen(view_notes) - 1] = '\0'; /* goes on in the line */
    tell(view_notes, sizeof view_notes, why, "");
}

static void conflict(const char *line)
{
    tell(view_conflicts, sizeof view_conflicts, line, "");
}

void view_set_up(void)
{
    scratch_open();
    (void)unsetenv("THEROCK_LOCAL_STAGING_DIR");
    scratch_mkdir("run");
    source = strdup(scratch_path("run"));
    table = strdup(scratch_path("table"));
    cache = strdup(scratch_path("cache"));
    view_config = (struct run_config){.source = source,
                                      .timeout_ms = 10000,
                                      .connections = 2,
                                      .no_cache = true,
                                      .note = note,
                                      .view.conflict = conflict};
}

void view_tear_down(void)
{
    run_close(run);
    free(source);
    free(table);
    free(cache);
    scratch_close();
}

static void add_member(struct strbuf *out, const struct member_spec *member)
{
    char header[512] = "";
    unsigned sum = 8 * ' ';
    size_t size = member->type == '0' ? strlen(member->content) : 0;
    (void)snprintf(header, 100, "%s", member->name);
    (void)snprintf(header + 100, 8, "%07o", member->mode);
    (void)snprintf(header + 124, 12, "%011o", (unsigned)size);
    (void)snprintf(header + 136, 12, "%011o", 1500000000);
    header[156] = member->type;
    if (member->type != '0')
        (void)snprintf(header + 157, 100, "%s", member->content ? member->content : "");
    memcpy(header + 257, "ustar\00000", 8);
    for (size_t i = 0; i < sizeof header; i++)
        sum += (unsigned char)header[i];
    (void)snprintf(header + 148, 8, "%06o", sum);
    header[155] = ' ';
    strbuf_add(out, header, sizeof header);
    memset(header, 0, sizeof header);
    if (size)
        strbuf_add(out, member->content, size);
    strbuf_add(out, header, (512 - size % 512) % 512);
}

void write_archive(const char *path, const struct member_spec *members)
{
    static const char end[1024];
    struct strbuf out = STRBUF_INIT(1U << 24);
    for (; members->name; members++)
        add_member(&out, members);
    strbuf_add(&out, end, sizeof end);
    FILE *file = fopen(scratch_path("%s", path), "w");
    cr_assert(file && fwrite(out.data, out.len, 1, file) == 1 && fclose(file) == 0, "%s", path);
    strbuf_done(&out);
}

void write_table(const char *text)
{
    scratch_write("table", text);
    view_choose(&view_config.view, table);
}

void view_on_disk(void)
{
    view_config.no_cache = false;
    view_config.disk.directory = cache;
    view_config.disk.size_max = 100U << 20;
    view_config.disk.free_min = 1;
}

int open_view(struct error *err)
{
    run_close(run);
    run = NULL;
    view_conflicts[0] = view_notes[0] = '\0';
    return run_open(&view_config, &run, err);
}

void must_open(void)
{
    struct error err = {0};
    assert_ok(open_view(&err), &err);
}

struct node *node_at(const char *path)
{
    struct node *node;
    struct error err = {0};
    assert_ok(run_find(run, path, &patient, &node, &err), &err);
    return node;
}

static void add_below(struct strbuf *out, struct node *directory)
{
    struct error err = {0};
    assert_ok(run_populate(run, directory, NULL, &patient, &err), &err);
    for (size_t i = 0; i < directory->directory->count; i++) {
        struct node *node = directory->directory->children[i];
        (void)tree_path(node, out);
        strbuf_adds(out, node->type == NODE_DIRECTORY ? "/ "
                         : node->type == NODE_LINK    ? "@ "
                         : node->problem              ? "! "
                                                      : " ");
        if (node->type == NODE_DIRECTORY)
            add_below(out, node);
    }
}

const char *shown(const char *path)
{
    static char text[8192];
    struct strbuf out = STRBUF_INIT(sizeof text);
    add_below(&out, node_at(path));
    (void)snprintf(text, sizeof text, "%s", strbuf_text(&out));
    strbuf_done(&out);
    return text;
}

const char *content_at(const char *path)
{
    static char text[4096];
    struct error err = {0};
    struct reader *reader;
    size_t n = 0;
    assert_ok(run_open_node(run, node_at(path), &reader, &err), &err);
    int result = reader_pread(reader, text, sizeof text - 1, 0, &patient, &n, &err);
    reader_close(reader);
    assert_ok(result, &err);
    text[n] = '\0';
    return text;
}
