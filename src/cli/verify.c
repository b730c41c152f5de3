/* runfs verify: checks artifacts against their .sha256sum, many at once. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/format.h"
#include "cli/cli.h"
#include "cli/common/arguments.h"
#include "cli/common/command_run.h"
#include "cli/common/files.h"
#include "cli/common/progress.h"
#include "run/checksum.h"

#define PATH_LIMIT (64U * 1024)

struct verify {
    struct command_run source;
    struct files files; /* to check */
    _Atomic size_t bad;
    struct progress progress;
};

/* What a companion is of: NULL where that is not there. *RET_IS says whether NODE is a companion at all. */
static const struct node *owner_of(const struct node *node, bool *ret_is)
{
    struct runfs_span owner;
    *ret_is =
        node->parent && !node->member && runfs_companion_of(node_name(node), strlen(node_name(node)), &owner);
    const struct node *found = *ret_is ? tree_lookup(node->parent, owner.text, owner.len) : NULL;
    return found && found->type == NODE_FILE ? found : NULL;
}

static void note_node(const struct node *node, const char *why)
{
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(PATH_LIMIT);
    (void)tree_path(node, &path);
    command_note(strbuf_text(&path), why);
}

/* What is found on the way to be checked: what has a companion. */
static int add_checkable(struct verify *verify, const struct node *node)
{
    bool is_companion;
    const struct node *owner = owner_of(node, &is_companion);
    if (is_companion && !owner) {
        note_node(node, "there is nothing that it is the sum of");
        atomic_fetch_add(&verify->bad, 1);
    }
    if (is_companion)
        return 0;
    if (checksum_companion(node))
        return files_add(&verify->files, node, NULL);
    if (files_is_artifact(node))
        note_node(node, "not checked: no .sha256sum");
    return 0;
}

static int add_below(struct verify *verify, const struct node *node)
{
    int result = 0;
    if (node->type == NODE_FILE)
        return add_checkable(verify, node);
    if (node->type != NODE_DIRECTORY || node->directory->archive)
        return 0;
    for (size_t i = 0; result == 0 && i < node->directory->count; i++)
        result = add_below(verify, node->directory->children[i]);
    return result;
}

/* What the user asks for has to be checked. */
static int add_asked(struct verify *verify, const char *path, struct error *err)
{
    bool is_companion;
    const struct node *node = tree_find(run_tree(verify->source.run), path);
    if (!node)
        return error_errno(err, ENOENT, "%s", path);
    if (node->type == NODE_DIRECTORY)
        return add_below(verify, node) < 0 ? error_errno(err, ENOMEM, "verify") : 0;
    const struct node *owner = owner_of(node, &is_companion);
    if (is_companion && !owner)
        return error_set(err, ENOENT, "%s: there is nothing that it is the sum of", path);
    if (is_companion)
        node = owner;
    if (node->type != NODE_FILE || !checksum_companion(node))
        return error_set(err, ENODATA, "%s: cannot be checked: no .sha256sum", path);
    return files_add(&verify->files, node, NULL) < 0 ? error_errno(err, ENOMEM, "verify") : 0;
}

static void add_path(struct verify *verify, const char *path)
{
    struct error err = {0};
    tree_lock_read(run_tree(verify->source.run));
    int result = add_asked(verify, path, &err);
    tree_unlock(run_tree(verify->source.run));
    if (result < 0) {
        (void)command_failed(&err);
        atomic_fetch_add(&verify->bad, 1);
    }
}

/* A file being read. */
struct reading {
    struct verify *verify;
    struct digest sum;
};

static int add_bytes(void *context, const void *bytes, size_t len, struct error *err)
{
    struct reading *reading = context;
    progress_add(&reading->verify->progress, len);
    return digest_add(&reading->sum, bytes, len, err);
}

static int file_sha256(struct verify *verify, const struct node *node, char ret_text[SHA256_TEXT],
                       struct error *err)
{
    struct reading reading = {.verify = verify};
    int result = digest_begin(&reading.sum, DIGEST_SHA256, err);
    if (result == 0)
        result = command_run_read(&verify->source, node, 0, add_bytes, &reading, err);
    if (result == 0)
        result = digest_end_text(&reading.sum, ret_text, err);
    digest_done(&reading.sum);
    return result;
}

static void check_file(void *context, const struct file *file)
{
    struct verify *verify = context;
    const struct node *node = file->node;
    struct error err = {0};
    char said[SHA256_TEXT];
    char is[SHA256_TEXT];
    int result = checksum_read(verify->source.run, node, &verify->source.wait, said, &err);
    if (result == 0)
        result = file_sha256(verify, node, is, &err);
    if (result == 0 && strcmp(said, is) != 0)
        result = error_set(&err, EBADMSG, "its SHA-256 is %s, its .sha256sum says %s", is, said);
    if (result == 0)
        return;
    files_name_error(verify->source.run, node, &err);
    atomic_fetch_add(&verify->bad, 1);
    progress_failed(&verify->progress, &err);
}

static void verify_all(struct verify *verify)
{
    char bytes[FORMAT_MAX];
    progress_begin(&verify->progress, verify->files.bytes, verify->source.quiet);
    files_each(&verify->files, verify->source.options.run.connections, check_file, verify);
    progress_end(&verify->progress);
    format_bytes(bytes, verify->files.bytes);
    if (!verify->bad)
        (void)printf("%zu files, %s, are what their .sha256sum says\n", verify->files.count, bytes);
}

static void verify_done(struct verify *verify)
{
    files_done(&verify->files);
    command_run_done(&verify->source);
}

int cmd_verify(int argc, char **argv)
{
    __attribute__((cleanup(verify_done))) struct verify verify = {0};
    struct run_config *config = &verify.source.options.run;
    const struct flag flags[] = {
        {'o', NULL, FLAG_OPTIONS, &verify.source.options}, {'q', NULL, FLAG_SET, &verify.source.quiet}, {0}};
    struct error err = {0};
    int first;
    command_run_init(&verify.source);
    int code = arguments_parse(argc, argv, flags, 1, -1, &first);
    if (code)
        return code;
    config->view.kind = VIEW_UPLOADED; /* what is stored is checked, wherever it is shown */
    files_configure(config);
    if (command_run_open(&verify.source, argv[first], &err) < 0)
        return command_failed(&err);
    if (first + 1 == argc)
        add_path(&verify, "");
    for (int i = first + 1; i < argc; i++)
        add_path(&verify, argv[i]);
    verify_all(&verify);
    return verify.bad ? EXIT_FAILED : EXIT_DONE;
}
