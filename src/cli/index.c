/* runfs index: writes an archive's table of contents, to be stored beside it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/common/arguments.h"
#include "cli/common/command_run.h"
#include "cli/common/output.h"
#include "cli/common/progress.h"
#include "unpack/etags.h"
#include "unpack/sidecar.h"

#define S3     "s3://"
#define SUFFIX ".runfs-toc"

/* The archive, a local file or an object. */
struct input {
    const char *name;          /* as the user wrote it */
    const char *output;        /* the table's file; NULL: beside the archive */
    char *prefix_name;         /* of an object: its prefix; owned */
    struct command_run prefix; /* which is opened as a run */
    struct reader *reader;
    char etags[TOC_ETAG_MAX + 1];
    struct progress progress;
    uint64_t passed; /* bytes that the progress knows of */
};

static void input_done(struct input *input)
{
    reader_close(input->reader);
    command_run_done(&input->prefix);
    free(input->prefix_name);
}

static int open_local(struct input *input, struct error *err)
{
    struct stat st;
    char etags[ETAGS_TEXT_MAX];
    _cleanup_close_ int fd = open(input->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) < 0)
        return error_errno(err, errno, "%s", input->name);
    int result = reader_open_fd(TAKE_FD(fd), (uint64_t)st.st_size, &input->reader, err);
    if (result == 0)
        result = etags_of(input->reader, &input->prefix.wait, etags, err);
    if (result < 0)
        return error_prefix(err, result, "%s", input->name);
    (void)snprintf(input->etags, sizeof input->etags, "%s", etags);
    return 0;
}

/* The file NAME right below the run's root. */
static int open_object(struct input *input, const char *name, struct error *err)
{
    struct tree *tree = run_tree(input->prefix.run);
    tree_lock_read(tree);
    const struct node *node = tree_lookup(tree_root(tree), name, strlen(name));
    tree_unlock(tree);
    if (!node || node->type != NODE_FILE)
        return error_errno(err, node ? EISDIR : ENOENT, "%s", input->name);
    (void)snprintf(input->etags, sizeof input->etags, "%s", node_etag(node));
    return run_open_node(input->prefix.run, node, &input->reader, err);
}

/* The object's prefix is opened as a run, as it is listed now. */
static int open_s3(struct input *input, struct error *err)
{
    struct run_config *config = &input->prefix.options.run;
    char *prefix = input->prefix_name = strdup(input->name);
    if (!prefix)
        return error_errno(err, ENOMEM, "%s", input->name);
    char *slash = strrchr(prefix, '/');
    if (slash < prefix + strlen(S3) || !slash[1])
        return error_set(err, EINVAL, "%s: not an object: s3://BUCKET/KEY", input->name);
    *slash = '\0';
    config->refresh_ms = 0;
    config->note = NULL; /* of other objects */
    int result = command_run_open(&input->prefix, prefix, err);
    return result < 0 ? result : open_object(input, slash + 1, err);
}

static bool is_s3(const char *name)
{
    return strncmp(name, S3, strlen(S3)) == 0;
}

static void note_member(void *context, const char *name, const char *why)
{
    struct input *input = context;
    _cleanup_strbuf_ struct strbuf what = STRBUF_INIT(ERROR_MESSAGE_MAX);
    strbuf_addf(&what, "%s: member '%.300s'", input->name, name);
    progress_pause(&input->progress);
    command_note(strbuf_text(&what), why);
    progress_resume(&input->progress);
}

/* A second pass, over what of a damaged archive can be trusted, counts only where it gets further. */
static void count_encoded(void *context, uint64_t encoded)
{
    struct input *input = context;
    if (encoded > input->passed) {
        progress_add(&input->progress, encoded - input->passed);
        input->passed = encoded;
    }
}

/* Beside the archive; of an object, here. */
static char *default_output(const char *archive)
{
    char *output;
    const char *name = is_s3(archive) ? strrchr(archive, '/') + 1 : archive;
    return asprintf(&output, "%s" SUFFIX, name) < 0 ? NULL : output;
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat first;
    struct stat second;
    return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

static int write_table(struct input *input, struct error *err)
{
    const struct sidecar_config config = {input->etags, note_member, count_encoded, input};
    _cleanup_free_ unsigned char *bytes = NULL;
    size_t len;
    _cleanup_free_ char *beside = default_output(input->name);
    if (!beside)
        return error_errno(err, ENOMEM, "%s", input->name);
    progress_begin(&input->progress, input->reader->size, input->prefix.quiet);
    int result = sidecar_make(&config, input->reader, &input->prefix.wait, &bytes, &len, err);
    progress_end(&input->progress);
    if (result < 0)
        return error_prefix(err, result, "%s", input->name);
    return output_write(input->output ? input->output : beside, bytes, len, err);
}

static int index_archive(struct input *input, struct error *err)
{
    if (input->output && is_same_file(input->output, input->name))
        return error_set(err, EINVAL, "%s: the table must not replace the archive", input->output);
    int result = is_s3(input->name) ? open_s3(input, err) : open_local(input, err);
    return result < 0 ? result : write_table(input, err);
}

int cmd_index(int argc, char **argv)
{
    __attribute__((cleanup(input_done))) struct input input = {0};
    const struct flag flags[] = {
        {'o', NULL, FLAG_TEXT, &input.output}, {'q', NULL, FLAG_SET, &input.prefix.quiet}, {0}};
    struct error err = {0};
    int first;
    command_run_init(&input.prefix);
    int code = arguments_parse(argc, argv, flags, 1, 1, &first);
    if (code)
        return code;
    input.name = argv[first];
    return index_archive(&input, &err) < 0 ? command_failed(&err) : EXIT_DONE;
}
