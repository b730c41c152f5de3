/* runfs ls: lists a run without mounting it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/escape.h"
#include "base/format.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/common/arguments.h"
#include "cli/common/check.h"
#include "cli/common/progress.h"

#define PATH_LIMIT     (64U * 1024)
#define MODE_TEXT_SIZE 11

enum { FLAG_JSON = 256, FLAG_CHECK };

struct listing {
    bool details;
    bool recursive;
    bool json;
    bool check;
    bool quiet;
    bool full_paths; /* names alone would be ambiguous */
    bool terminal;   /* control characters are shown as escapes */
    struct run *run;
    struct wait wait; /* for archives */
    json_t *array;    /* what --json will print */
    int code;         /* to exit with */
};

static bool on_flag(void *context, int flag, const char *value)
{
    struct listing *listing = context;
    (void)value;
    listing->details = listing->details || flag == 'l';
    listing->recursive = listing->recursive || flag == 'R';
    listing->json = listing->json || flag == FLAG_JSON;
    listing->check = listing->check || flag == FLAG_CHECK;
    listing->quiet = listing->quiet || flag == 'q';
    return true;
}

static void mode_text(const struct node *node, char text[MODE_TEXT_SIZE])
{
    static const char types[] = {[NODE_FILE] = '-', [NODE_DIRECTORY] = 'd', [NODE_LINK] = 'l'};
    static const char letters[] = "rwxrwxrwx";
    unsigned mode = node_mode(node);
    text[0] = types[node->type];
    for (unsigned i = 0; i < 9; i++)
        text[1 + i] = mode & (0400U >> i) ? letters[i] : '-';
    text[10] = '\0';
}

/* The directory of an archive knows the archive's size, which is not its own. */
static uint64_t size_of(const struct node *node)
{
    return node->type == NODE_DIRECTORY ? 0 : node->size;
}

/* The ETag of an object, the SHA-256 of what lies in an archive; "" where there is none. */
static void content_id(const struct listing *listing, const struct node *node, struct strbuf *out)
{
    if (run_member_sha256(listing->run, node, out) < 0)
        strbuf_adds(out, node_is_stage(node) ? "" : node_etag(node));
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

static void print_details(const struct listing *listing, const struct node *node)
{
    _cleanup_strbuf_ struct strbuf id = STRBUF_INIT(PATH_LIMIT);
    char mode[MODE_TEXT_SIZE];
    char when[FORMAT_MAX];
    mode_text(node, mode);
    format_time(when, node->mtime_ns / 1000000000);
    content_id(listing, node, &id);
    (void)printf("%s %12" PRIu64 " %s %-32s ", mode, size_of(node), when, id.len ? strbuf_text(&id) : "-");
}

static void print_text(const struct listing *listing, const struct node *node, const char *path)
{
    if (listing->details)
        print_details(listing, node);
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

static void add_sha256(const struct listing *listing, const struct node *node, json_t *entry)
{
    _cleanup_strbuf_ struct strbuf text = STRBUF_INIT(PATH_LIMIT);
    if (run_member_sha256(listing->run, node, &text) == 0)
        (void)json_object_set_new(entry, "sha256", json_string(strbuf_text(&text)));
}

static int add_json(struct listing *listing, const struct node *node, const char *path)
{
    static const char *const types[] = {
        [NODE_FILE] = "file", [NODE_DIRECTORY] = "directory", [NODE_LINK] = "symlink"};
    char when[FORMAT_MAX];
    format_time(when, node->mtime_ns / 1000000000);
    json_t *entry = json_pack("{s:o, s:s, s:I, s:s}", "path", json_text(path), "type", types[node->type],
                              "size", (json_int_t)size_of(node), "mtime", when);
    if (!entry)
        return -ENOMEM;
    if (node_etag(node)[0] && !node_is_stage(node))
        (void)json_object_set_new(entry, "etag", json_string(node_etag(node)));
    add_sha256(listing, node, entry);
    if (!node->member && node->output)
        (void)json_object_set_new(entry, "output", json_string(runfs_output_name(node->output)));
    if (node->type == NODE_LINK)
        (void)json_object_set_new(entry, "target", json_text(node_link(node)));
    add_location(listing, node, entry, RUN_S3_URI, "s3_uri");
    add_location(listing, node, entry, RUN_HTTPS_URL, "https_url");
    return json_array_append_new(listing->array, entry) < 0 ? -ENOMEM : 0;
}

static int show_locked(struct listing *listing, const struct node *node)
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

static int show(struct listing *listing, const struct node *node)
{
    tree_lock_read(run_tree(listing->run));
    int result = show_locked(listing, node);
    tree_unlock(run_tree(listing->run));
    return result;
}

/* Not all of an archive may be there; a note has said why when it was looked into. */
static void note_problem(struct listing *listing, const struct node *node)
{
    _cleanup_strbuf_ struct strbuf problem = STRBUF_INIT(PATH_LIMIT);
    tree_lock_read(run_tree(listing->run));
    if (run_problem(listing->run, node, &problem) == 0)
        listing->code = EXIT_FAILED;
    tree_unlock(run_tree(listing->run));
}

/* Has an archive's members at hand. One that cannot be read does not keep others from being listed. */
static bool look_into(struct listing *listing, struct node *directory)
{
    struct error err = {0};
    struct decoding decoding;
    decoding_begin(&decoding, listing->run, listing->quiet);
    int result = run_grow(listing->run, directory, &listing->wait, &err);
    decoding_end(&decoding);
    if (result < 0) {
        listing->code = command_failed(&err);
        return false;
    }
    note_problem(listing, directory);
    return true;
}

static int show_entries(struct listing *listing, struct node *directory)
{
    int result = 0;
    if (directory->directory->archive && !look_into(listing, directory))
        return 0;
    for (size_t i = 0; result == 0 && i < directory->directory->count; i++) {
        struct node *node = directory->directory->children[i];
        result = show(listing, node);
        if (result == 0 && listing->recursive && node->type == NODE_DIRECTORY)
            result = show_entries(listing, node);
    }
    return result;
}

static int show_path(struct listing *listing, const char *path, struct error *err)
{
    struct node *node;
    struct decoding decoding;
    decoding_begin(&decoding, listing->run, listing->quiet);
    int result = run_find(listing->run, path, &listing->wait, &node, err);
    decoding_end(&decoding);
    if (result < 0)
        return result;
    note_problem(listing, node);
    result = node->type == NODE_DIRECTORY ? show_entries(listing, node) : show(listing, node);
    return result < 0 ? error_errno(err, -result, "%s", path) : 0;
}

/* Every path is tried; one that fails gives the exit code, and its message. Nothing renews the tree: nodes stay. */
static void show_all(struct listing *listing, char **paths, int count)
{
    struct error err = {0};
    char *root[] = {(char[]){""}};
    if (count == 0) {
        paths = root;
        count = 1;
    }
    for (int i = 0; i < count; i++)
        if (show_path(listing, paths[i], &err) < 0)
            listing->code = command_failed(&err);
    if (listing->json) {
        (void)json_dumpf(listing->array, stdout, JSON_INDENT(2));
        (void)putchar('\n');
    }
}

int cmd_ls(int argc, char **argv)
{
    static const struct option longs[] = {
        {"json", no_argument, NULL, FLAG_JSON}, {"check", no_argument, NULL, FLAG_CHECK}, {0}};
    _cleanup_options_ struct options options;
    struct listing listing = {0};
    struct error err = {0};
    int first;
    options_init(&options);
    int code = arguments_parse(argc, argv, "lRq", longs, on_flag, &listing, 1, -1, &options, &first);
    if (code)
        return code;
    options.run.source = argv[first];
    options.run.note = command_note;
    options.run.chosen = command_chosen;
    options.run.view.conflict = command_conflict;
    if (listing.check && (listing.details || listing.recursive || listing.json || argc - first > 1))
        return command_misuse("ls", "ls: --check is of a whole view, and prints nothing else");
    if (listing.check)
        return check_view(&options, listing.quiet);
    listing.full_paths = listing.recursive || argc - first > 2;
    listing.terminal = isatty(STDOUT_FILENO);
    listing.array = json_array();
    if (!listing.array || run_open(&options.run, &listing.run, &err) < 0) {
        json_decref(listing.array);
        return command_failed(&err);
    }
    listing.wait.timeout_ms = options.run.timeout_ms;
    show_all(&listing, argv + first + 1, argc - first - 1);
    json_decref(listing.array);
    run_close(listing.run);
    return listing.code;
}
