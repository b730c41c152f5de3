/* runfs fetch: copies a selection of a run to a directory. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/format.h"
#include "cli/cli.h"
#include "cli/common/arguments.h"
#include "cli/common/prefetch.h"
#include "cli/fetch.h"
#include "cli/signals.h"

#define OPTION_LIMIT (64U * 1024)

enum { FLAG_INCLUDE = 256, FLAG_EXCLUDE, FLAG_GROUP, FLAG_TARGET, FLAG_FLATTEN, FLAG_DRY_RUN };

struct request {
    struct options options;
    bool quiet;
    bool dry_run;
    struct error err; /* of an option that was refused */
};

void fetch_failed(struct fetch *fetch, const struct error *err)
{
    atomic_fetch_add(&fetch->failed, 1);
    if (err->code == EINTR && cancel_requested(&fetch->stop))
        return;
    progress_pause(&fetch->progress);
    (void)command_failed(err);
    progress_resume(&fetch->progress);
}

static void fetch_done(struct fetch *fetch)
{
    for (size_t i = 0; i < fetch->count; i++)
        free(fetch->items[i].path);
    free(fetch->items);
    free(fetch->files);
    run_close(fetch->run);
}

static void copy_one(void *context, size_t index)
{
    struct fetch *fetch = context;
    struct fetch_item *item = fetch->files[index];
    struct error err = {0};
    if (cancel_requested(&fetch->stop))
        return;
    item->here = !item->node->problem && fetch_is_here(fetch, item);
    if (item->here) {
        progress_add(&fetch->progress, item->node->size);
        return;
    }
    if (fetch_file(fetch, item, &err) < 0) {
        fetch_failed(fetch, &err);
        return;
    }
    item->here = true;
    atomic_fetch_add(&fetch->new_files, 1);
    atomic_fetch_add(&fetch->new_bytes, item->node->size);
}

static uint64_t size_of(const void *context, size_t index)
{
    const struct fetch *fetch = context;
    return fetch->files[index]->node->size;
}

static void make_links(struct fetch *fetch)
{
    for (size_t i = 0; i < fetch->count && !cancel_requested(&fetch->stop); i++) {
        const struct fetch_item *item = &fetch->items[i];
        struct error err = {0};
        if ((item->same || item->node->type == NODE_LINK) && fetch_link(fetch, item, &err) < 0)
            fetch_failed(fetch, &err);
    }
}

static void say_done(struct fetch *fetch)
{
    char all[FORMAT_MAX];
    char fresh[FORMAT_MAX];
    format_bytes(all, fetch->bytes);
    format_bytes(fresh, fetch->new_bytes);
    progress_pause(&fetch->progress);
    (void)printf("%zu files, %s, are in %s, %s of it new\n", fetch->file_count, all, fetch->target.name,
                 fresh);
    progress_resume(&fetch->progress);
}

static int copy_all(struct fetch *fetch, unsigned connections, struct error *err)
{
    fetch_make_directories(fetch);
    int result = fetch_list_files(fetch, err);
    if (result < 0)
        return result;
    fetch->progress.total = fetch->bytes;
    batch_run(fetch->file_count, connections, copy_one, size_of, fetch);
    make_links(fetch);
    if (!fetch->failed && !cancel_requested(&fetch->stop))
        say_done(fetch);
    return 0;
}

/* What would be copied, in the order of the tree. */
static int show(struct fetch *fetch, struct error *err)
{
    char bytes[FORMAT_MAX];
    uint64_t total = 0;
    size_t count = 0;
    int result = fetch_list_files(fetch, err);
    for (size_t i = 0; result == 0 && i < fetch->count && !cancel_requested(&fetch->stop); i++) {
        const struct fetch_item *item = &fetch->items[i];
        if (!fetch_is_file(item) || item->node->problem || fetch_is_here(fetch, item))
            continue;
        (void)printf("%" PRIu64 "\t%s\n", item->node->size, item->path);
        total += item->node->size;
        count++;
    }
    format_bytes(bytes, total);
    if (result == 0 && !cancel_requested(&fetch->stop))
        (void)printf("%zu files, %s, would be copied; %zu are there already\n", count, bytes,
                     fetch->file_count - count);
    return result;
}

static int fetch_run(struct fetch *fetch, const char *directory, unsigned connections, struct error *err)
{
    int result = fetch_select(fetch, err);
    if (result == 0)
        result = target_open(&fetch->target, directory, fetch->dry_run, err);
    if (result < 0)
        return result;
    result = fetch->dry_run ? show(fetch, err) : copy_all(fetch, connections, err);
    target_close(&fetch->target, result < 0 || fetch->failed || cancel_requested(&fetch->stop));
    return result;
}

static void say_interrupted(void)
{
    struct error err = {0};
    (void)error_set(&err, EINTR, "fetch: interrupted; a later fetch goes on");
    (void)command_failed(&err);
}

static int fetch_source(struct request *request, const char *source, const char *directory)
{
    __attribute__((cleanup(fetch_done))) struct fetch fetch = {.stop = CANCEL_INIT};
    struct run_config *config = &request->options.run;
    struct signals signals;
    struct error err = {0};
    config->source = source;
    config->note = command_note;
    config->chosen = command_chosen;
    config->view.conflict = command_conflict;
    batch_configure(config);
    if (run_open(config, &fetch.run, &err) < 0)
        return command_failed(&err);
    fetch.filter = config->artifacts;
    fetch.flatten = config->view.kind == VIEW_DIST;
    fetch.quiet = request->quiet;
    fetch.dry_run = request->dry_run;
    fetch.wait = (struct wait){.timeout_ms = config->timeout_ms, .cancelled = &fetch.stop};
    progress_begin(&fetch.progress, 1, fetch.quiet);
    signals_begin(&signals, &fetch.stop);
    int result = fetch_run(&fetch, directory, config->connections, &err);
    signals_end(&signals);
    progress_end(&fetch.progress);
    if (signals.number)
        say_interrupted();
    else if (result < 0)
        (void)command_failed(&err);
    signals_die(&signals);
    return result < 0 || fetch.failed ? EXIT_FAILED : EXIT_DONE;
}

/* These are options of a source, too. The first refusal counts. */
static void add_option(struct request *request, const char *name, const char *value)
{
    _cleanup_strbuf_ struct strbuf text = STRBUF_INIT(OPTION_LIMIT);
    strbuf_addf(&text, "%s=", name);
    for (; *value; value++) {
        if (*value == ',' || *value == '\\')
            strbuf_adds(&text, "\\");
        strbuf_add(&text, value, 1);
    }
    if (text.failed)
        (void)error_errno(&request->err, text.failed, "--%s", name);
    else if (!request->err.code)
        (void)options_parse(&request->options, strbuf_text(&text), &request->err);
}

static bool on_flag(void *context, int flag, const char *value)
{
    static const char *const names[] = {"include", "exclude", "group", "target"};
    struct request *request = context;
    if (flag >= FLAG_INCLUDE && flag <= FLAG_TARGET)
        add_option(request, names[flag - FLAG_INCLUDE], value);
    if (flag == FLAG_FLATTEN)
        add_option(request, "view", "dist");
    request->dry_run = request->dry_run || flag == FLAG_DRY_RUN;
    request->quiet = request->quiet || flag == 'q';
    return flag != '?';
}

static void request_done(struct request *request)
{
    options_done(&request->options);
}

int cmd_fetch(int argc, char **argv)
{
    static const struct option longs[] = {{"include", required_argument, NULL, FLAG_INCLUDE},
                                          {"exclude", required_argument, NULL, FLAG_EXCLUDE},
                                          {"group", required_argument, NULL, FLAG_GROUP},
                                          {"target", required_argument, NULL, FLAG_TARGET},
                                          {"flatten", no_argument, NULL, FLAG_FLATTEN},
                                          {"dry-run", no_argument, NULL, FLAG_DRY_RUN},
                                          {0}};
    __attribute__((cleanup(request_done))) struct request request = {0};
    int first;
    options_init(&request.options);
    int code = arguments_parse(argc, argv, "q", longs, on_flag, &request, 2, 2, &request.options, &first);
    if (code)
        return code;
    if (request.err.code)
        return command_failed(&request.err);
    return fetch_source(&request, argv[first], argv[first + 1]);
}
