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
#include "cli/common/output.h"
#include "cli/common/progress.h"
#include "unpack/etags.h"
#include "unpack/sidecar.h"

#define S3     "s3://"
#define SUFFIX ".runfs-toc"

/* What the command line says. */
struct request {
    const char *output; /* NULL: beside the archive */
    bool quiet;
};

/* An archive, opened. */
struct source {
    const char *name; /* as the user wrote it */
    struct options options;
    struct run *run; /* NULL for a local file */
    struct reader *reader;
    struct wait wait;
    char etags[TOC_ETAG_MAX + 1];
    struct progress progress;
    uint64_t passed; /* bytes that the progress knows of */
};

static void source_close(struct source *source)
{
    reader_close(source->reader);
    run_close(source->run);
    options_done(&source->options);
}

static int open_local(struct source *source, struct error *err)
{
    struct stat st;
    char etags[ETAGS_TEXT_MAX];
    _cleanup_close_ int fd = open(source->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) < 0)
        return error_errno(err, errno, "%s", source->name);
    int result = reader_open_fd(TAKE_FD(fd), (uint64_t)st.st_size, &source->reader, err);
    if (result == 0)
        result = etags_of(source->reader, &source->wait, etags, err);
    if (result < 0)
        return error_prefix(err, "%s", source->name);
    (void)snprintf(source->etags, sizeof source->etags, "%s", etags);
    return 0;
}

/* The file NAME right below the run's root. */
static int open_object(struct source *source, const char *name, struct error *err)
{
    struct tree *tree = run_tree(source->run);
    tree_lock_read(tree);
    const struct node *node = tree_lookup(tree_root(tree), name, strlen(name));
    tree_unlock(tree);
    if (!node || node->type != NODE_FILE)
        return error_errno(err, node ? EISDIR : ENOENT, "%s", source->name);
    (void)snprintf(source->etags, sizeof source->etags, "%s", node_etag(node));
    return run_open_node(source->run, node, &source->reader, err);
}

/* The object's prefix is opened as a run, as it is listed now. */
static int open_s3(struct source *source, struct error *err)
{
    struct run_config *config = &source->options.run;
    _cleanup_free_ char *prefix = strdup(source->name);
    if (!prefix)
        return error_errno(err, ENOMEM, "%s", source->name);
    char *slash = strrchr(prefix, '/');
    if (slash < prefix + strlen(S3) || !slash[1])
        return error_set(err, EINVAL, "%s: not an object: s3://BUCKET/KEY", source->name);
    *slash = '\0';
    config->source = prefix;
    config->refresh_ms = 0;
    int result = run_open(config, &source->run, err);
    return result < 0 ? result : open_object(source, slash + 1, err);
}

static bool is_s3(const char *name)
{
    return strncmp(name, S3, strlen(S3)) == 0;
}

static void note(void *context, const char *name, const char *why)
{
    struct source *source = context;
    _cleanup_strbuf_ struct strbuf what = STRBUF_INIT(ERROR_MESSAGE_MAX);
    strbuf_addf(&what, "%s: member '%.300s'", source->name, name);
    progress_pause(&source->progress);
    command_note(strbuf_text(&what), why);
    progress_resume(&source->progress);
}

/* A second pass, over what of a damaged archive can be trusted, counts only where it gets further. */
static void count(void *context, uint64_t encoded)
{
    struct source *source = context;
    if (encoded > source->passed) {
        progress_add(&source->progress, encoded - source->passed);
        source->passed = encoded;
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

static int write_table(struct source *source, const struct request *request, struct error *err)
{
    const struct sidecar_config config = {source->etags, note, count, source};
    _cleanup_free_ unsigned char *bytes = NULL;
    size_t len;
    _cleanup_free_ char *beside = default_output(source->name);
    if (!beside)
        return error_errno(err, ENOMEM, "%s", source->name);
    progress_begin(&source->progress, source->reader->size, request->quiet);
    int result = sidecar_make(&config, source->reader, &source->wait, &bytes, &len, err);
    progress_end(&source->progress);
    if (result < 0)
        return error_prefix(err, "%s", source->name);
    return output_write(request->output ? request->output : beside, bytes, len, err);
}

static int index_archive(struct source *source, const struct request *request, struct error *err)
{
    if (request->output && is_same_file(request->output, source->name))
        return error_set(err, EINVAL, "%s: the table must not replace the archive", request->output);
    int result = is_s3(source->name) ? open_s3(source, err) : open_local(source, err);
    return result < 0 ? result : write_table(source, request, err);
}

static bool on_flag(void *context, int flag, const char *value)
{
    struct request *request = context;
    if (flag == 'q')
        request->quiet = true;
    else
        request->output = value;
    return true;
}

int cmd_index(int argc, char **argv)
{
    __attribute__((cleanup(source_close))) struct source source = {0};
    struct request request = {0};
    struct error err = {0};
    int first;
    options_init(&source.options);
    source.wait.timeout_ms = source.options.run.timeout_ms;
    int code = arguments_parse(argc, argv, "q", NULL, on_flag, &request, 1, 1, NULL, &first);
    if (code)
        return code;
    source.name = argv[first];
    return index_archive(&source, &request, &err) < 0 ? command_failed(&err) : EXIT_DONE;
}
