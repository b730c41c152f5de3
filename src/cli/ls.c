/* runfs ls: lists a run without mounting it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/escape.h"
#include "base/format.h"
#include "cli/arguments.h"
#include "cli/cli.h"
#include "fs/json.h"

#define PATH_LIMIT (64U * 1024)

enum { FLAG_JSON = 256 };

struct listing {
    bool details;
    bool recursive;
    bool json;
    bool full_paths; /* names alone would be ambiguous */
    bool terminal;   /* control characters are shown as escapes */
    struct run *run;
    json_t *array; /* what --json will print */
};

static bool on_flag(void *context, int flag, const char *value)
{
    struct listing *listing = context;
    (void)value;
    listing->details = listing->details || flag == 'l';
    listing->recursive = listing->recursive || flag == 'R';
    listing->json = listing->json || flag == FLAG_JSON;
    return true;
}

static const char *mode_text(const struct node *node)
{
    static const char *const texts[] = {
        [NODE_FILE] = "-rw-r--r--", [NODE_DIRECTORY] = "drwxr-xr-x", [NODE_LINK] = "lrwxrwxrwx"};
    return texts[node->type];
}

static void print_name(const struct listing *listing, const char *name)
{
    char safe[PATH_LIMIT];
    if (listing->terminal) {
        escape_control(safe, sizeof safe, name);
        name = safe;
    }
    (void)fputs(name, stdout);
}

static void print_text(const struct listing *listing, const struct node *node, const char *path)
{
    char when[FORMAT_MAX];
    if (listing->details) {
        format_time(when, node->mtime_ns / 1000000000);
        (void)printf("%s %12" PRIu64 " %s %-32s ", mode_text(node), node->size, when,
                     node_etag(node)[0] ? node_etag(node) : "-");
    }
    print_name(listing, listing->details || listing->full_paths ? path : node_name(node));
    if (listing->details && node->type == NODE_LINK) {
        (void)fputs(" -> ", stdout);
        print_name(listing, node_link(node));
    }
    (void)putchar('\n');
}

static void add_location(const struct listing *listing, const struct node *node, json_t *entry,
                         enum run_form form, const char *name)
{
    _cleanup_strbuf_ struct strbuf text = STRBUF_INIT(PATH_LIMIT);
    if (run_locate(listing->run, node, form, &text) == 0)
        (void)json_object_set_new(entry, name, json_text(strbuf_text(&text)));
}

static int add_json(struct listing *listing, const struct node *node, const char *path)
{
    static const char *const types[] = {
        [NODE_FILE] = "file", [NODE_DIRECTORY] = "directory", [NODE_LINK] = "symlink"};
    char when[FORMAT_MAX];
    format_time(when, node->mtime_ns / 1000000000);
    json_t *entry = json_pack("{s:o, s:s, s:I, s:s}", "path", json_text(path), "type", types[node->type],
                              "size", (json_int_t)node->size, "mtime", when);
    if (!entry)
        return -ENOMEM;
    if (node_etag(node)[0])
        (void)json_object_set_new(entry, "etag", json_string(node_etag(node)));
    if (node->output)
        (void)json_object_set_new(entry, "output", json_string(runfs_output_name(node->output)));
    if (node->type == NODE_LINK)
        (void)json_object_set_new(entry, "target", json_text(node_link(node)));
    add_location(listing, node, entry, RUN_S3_URI, "s3_uri");
    add_location(listing, node, entry, RUN_HTTPS_URL, "https_url");
    return json_array_append_new(listing->array, entry) < 0 ? -ENOMEM : 0;
}

static int show(struct listing *listing, const struct node *node)
{
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(PATH_LIMIT);
    int result = tree_path(node, &path);
    if (result < 0)
        return result;
    if (listing->json)
        return add_json(listing, node, strbuf_text(&path));
    print_text(listing, node, strbuf_text(&path));
    return 0;
}

static int show_entries(struct listing *listing, const struct node *directory)
{
    int result = 0;
    for (size_t i = 0; result == 0 && i < directory->directory->count; i++) {
        const struct node *node = directory->directory->children[i];
        result = show(listing, node);
        if (result == 0 && listing->recursive && node->type == NODE_DIRECTORY)
            result = show_entries(listing, node);
    }
    return result;
}

static int show_path(struct listing *listing, const char *path, struct error *err)
{
    const struct node *node = tree_find(run_tree(listing->run), path);
    if (!node)
        return error_errno(err, ENOENT, "%s", path);
    int result = node->type == NODE_DIRECTORY ? show_entries(listing, node) : show(listing, node);
    return result < 0 ? error_errno(err, -result, "%s", path) : 0;
}

/* Every path is tried; the first that fails gives the exit code, each its message. */
static int show_all(struct listing *listing, char **paths, int count)
{
    struct error err = {0};
    int code = EXIT_DONE;
    char *root[] = {(char[]){""}};
    if (count == 0) {
        paths = root;
        count = 1;
    }
    tree_lock_read(run_tree(listing->run));
    for (int i = 0; i < count; i++)
        if (show_path(listing, paths[i], &err) < 0)
            code = command_failed(&err);
    tree_unlock(run_tree(listing->run));
    if (listing->json) {
        (void)json_dumpf(listing->array, stdout, JSON_INDENT(2));
        (void)putchar('\n');
    }
    return code;
}

int cmd_ls(int argc, char **argv)
{
    static const struct option longs[] = {{"json", no_argument, NULL, FLAG_JSON}, {0}};
    _cleanup_options_ struct options options;
    struct listing listing = {0};
    struct error err = {0};
    int first;
    options_init(&options);
    int code = arguments_parse(argc, argv, "lR", longs, on_flag, &listing, 1, -1, &options, &first);
    if (code)
        return code;
    options.run.source = argv[first];
    options.run.note = command_note;
    listing.full_paths = listing.recursive || argc - first > 2;
    listing.terminal = isatty(STDOUT_FILENO);
    listing.array = json_array();
    if (!listing.array || run_open(&options.run, &listing.run, &err) < 0) {
        json_decref(listing.array);
        return command_failed(&err);
    }
    code = show_all(&listing, argv + first + 1, argc - first - 1);
    json_decref(listing.array);
    run_close(listing.run);
    return code;
}
