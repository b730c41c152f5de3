/* runfs ls: lists a run without mounting it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include <jansson.h>

#include "base/format.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/common/arguments.h"
#include "cli/common/command_run.h"
#include "cli/common/output.h"
#include "cli/common/progress.h"

#define PATH_LIMIT     (64U * 1024)
#define MODE_TEXT_SIZE 11

struct listing {
    struct command_run source;
    bool details;
    bool recursive;
    bool json;
    bool check;
    bool full_paths; /* names alone would be ambiguous */
    json_t *array;   /* what --json will print */
    int code;        /* to exit with */
};

static void format_mode(const struct node *node, char text[MODE_TEXT_SIZE])
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
static uint64_t own_size(const struct node *node)
{
    return node->type == NODE_DIRECTORY ? 0 : node->size;
}

/* The ETag of an object, the SHA-256 of a member of an archive; "" for others. */
static void append_content_id(const struct listing *listing, const struct node *node, struct strbuf *out)
{
    if (run_member_sha256(listing->source.run, node, out) < 0)
        strbuf_adds(out, node_is_stage(node) ? "" : node_etag(node));
}

static void print_details(const struct listing *listing, const struct node *node)
{
    _cleanup_strbuf_ struct strbuf id = STRBUF_INIT(PATH_LIMIT);
    char mode[MODE_TEXT_SIZE];
    char when[FORMAT_MAX];
    format_mode(node, mode);
    format_time(when, node->mtime_ns / 1000000000);
    append_content_id(listing, node, &id);
    (void)printf("%s %12" PRIu64 " %s %-32s ", mode, own_size(node), when, id.len ? strbuf_text(&id) : "-");
}

static void print_node(const struct listing *listing, const struct node *node, const char *path)
{
    if (listing->details)
        print_details(listing, node);
    output_name(listing->details || listing->full_paths ? path : node_name(node));
    if (listing->details && node->type == NODE_LINK) {
        (void)fputs(" -> ", stdout);
        output_name(node_link(node));
    }
    (void)putchar('\n');
}

static void add_location(const struct listing *listing, const struct node *node, json_t *entry,
                         enum run_form form, const char *name)
{
    _cleanup_strbuf_ struct strbuf text = STRBUF_INIT(PATH_LIMIT);
    if (run_locate(listing->source.run, node, form, &text) == 0)
        (void)json_object_set_new(entry, name, json_text(strbuf_text(&text)));
}

static void add_sha256(const struct listing *listing, const struct node *node, json_t *entry)
{
    _cleanup_strbuf_ struct strbuf text = STRBUF_INIT(PATH_LIMIT);
    if (run_member_sha256(listing->source.run, node, &text) == 0)
        (void)json_object_set_new(entry, "sha256", json_string(strbuf_text(&text)));
}

static int add_node_json(struct listing *listing, const struct node *node, const char *path)
{
    static const char *const types[] = {
        [NODE_FILE] = "file", [NODE_DIRECTORY] = "directory", [NODE_LINK] = "symlink"};
    char when[FORMAT_MAX];
    format_time(when, node->mtime_ns / 1000000000);
    json_t *entry = json_pack("{s:o, s:s, s:I, s:s}", "path", json_text(path), "type", types[node->type],
                              "size", (json_int_t)own_size(node), "mtime", when);
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

static int list_node_locked(struct listing *listing, const struct node *node)
{
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(PATH_LIMIT);
    int result = tree_path(node, &path);
    if (result < 0)
        return result;
    if (listing->json)
        return add_node_json(listing, node, strbuf_text(&path));
    print_node(listing, node, strbuf_text(&path));
    return 0;
}

static int list_node(struct listing *listing, const struct node *node)
{
    tree_lock_read(run_tree(listing->source.run));
    int result = list_node_locked(listing, node);
    tree_unlock(run_tree(listing->source.run));
    return result;
}

/* Puts the members of an archive into the tree. One that cannot be read does not keep others from being listed. */
static bool populate_archive(struct listing *listing, struct node *directory)
{
    struct archive_progress progress;
    struct error err = {0};
    bool damaged;
    archive_progress_begin(&progress, listing->source.run, listing->source.quiet);
    int result = command_run_populate(&listing->source, directory, &damaged, &err);
    archive_progress_end(&progress);
    if (result < 0)
        listing->code = command_failed(&err);
    else if (damaged)
        listing->code = EXIT_FAILED;
    return result == 0;
}

static int list_entries(struct listing *listing, struct node *directory)
{
    int result = 0;
    if (directory->directory->archive && !populate_archive(listing, directory))
        return 0;
    for (size_t i = 0; result == 0 && i < directory->directory->count; i++) {
        struct node *node = directory->directory->children[i];
        result = list_node(listing, node);
        if (result == 0 && listing->recursive && node->type == NODE_DIRECTORY)
            result = list_entries(listing, node);
    }
    return result;
}

static int list_path(struct listing *listing, const char *path, struct error *err)
{
    struct node *node;
    int result = command_run_find(&listing->source, run_find, path, &node, err);
    if (result < 0)
        return result;
    if (command_run_damaged(&listing->source, node))
        listing->code = EXIT_FAILED;
    result = node->type == NODE_DIRECTORY ? list_entries(listing, node) : list_node(listing, node);
    return result < 0 ? error_errno(err, -result, "%s", path) : 0;
}

/* Every path is tried; one that fails gives the exit code, and its message. */
static int list_all(struct listing *listing, char **paths, int count)
{
    struct error err = {0};
    char *root[] = {(char[]){""}};
    if (count == 0) {
        paths = root;
        count = 1;
    }
    for (int i = 0; i < count; i++)
        if (list_path(listing, paths[i], &err) < 0)
            listing->code = command_failed(&err);
    if (listing->json)
        (void)output_json(json_incref(listing->array));
    return listing->code;
}

/* The view's conflicts and overlaps, as they are found. */
struct view_check {
    struct archive_progress progress;
    bool failed;
};

static void check_report(void *context, const char *line)
{
    (void)context;
    (void)puts(line);
}

static void check_failed(void *context, const struct error *err)
{
    struct view_check *check = context;
    check->failed = true;
    progress_failed(&check->progress.progress, err);
}

static int check_view(struct command_run *source)
{
    struct view_check check = {0};
    struct view_report report = {
        .conflict = check_report, .overlap = check_report, .failed = check_failed, .context = &check};
    archive_progress_begin(&check.progress, source->run, source->quiet);
    run_check(source->run, &source->wait, &report);
    archive_progress_end(&check.progress);
    (void)printf("%" PRIu64 " conflicts, %" PRIu64 " overlaps\n", report.conflicts, report.overlaps);
    return report.conflicts || check.failed ? EXIT_FAILED : EXIT_DONE;
}

static void listing_done(struct listing *listing)
{
    json_decref(listing->array);
    command_run_done(&listing->source);
}

int cmd_ls(int argc, char **argv)
{
    __attribute__((cleanup(listing_done))) struct listing listing = {0};
    const struct flag flags[] = {{'o', NULL, FLAG_OPTIONS, &listing.source.options},
                                 {'q', NULL, FLAG_SET, &listing.source.quiet},
                                 {'l', NULL, FLAG_SET, &listing.details},
                                 {'R', NULL, FLAG_SET, &listing.recursive},
                                 {0, "json", FLAG_SET, &listing.json},
                                 {0, "check", FLAG_SET, &listing.check},
                                 {0}};
    struct error err = {0};
    int first;
    command_run_init(&listing.source);
    int code = arguments_parse(argc, argv, flags, 1, -1, &first);
    if (code)
        return code;
    if (listing.check && (listing.details || listing.recursive || listing.json || argc - first > 1))
        return command_misuse("ls", "ls: --check is of a whole view, and prints nothing else");
    listing.full_paths = listing.recursive || argc - first > 2;
    listing.array = json_array();
    listing.source.options.run.view.check = listing.check;
    if (command_run_open(&listing.source, argv[first], &err) < 0)
        return command_failed(&err);
    return listing.check ? check_view(&listing.source)
                         : list_all(&listing, argv + first + 1, argc - first - 1);
}
