/* runfs fetch: copies a selection of a run to a directory. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/format.h"
#include "cli/cli.h"
#include "cli/common/arguments.h"
#include "cli/fetch.h"
#include "cli/signals.h"

void fetch_failed(struct fetch *fetch, const struct error *err)
{
    atomic_fetch_add(&fetch->failed, 1);
    if (err->code != EINTR || !cancel_requested(&fetch->stop))
        progress_failed(&fetch->progress, err);
}

static void fetch_done(struct fetch *fetch)
{
    for (size_t i = 0; i < fetch->count; i++)
        free(fetch->items[i].path);
    free(fetch->items);
    files_done(&fetch->files);
    command_run_done(&fetch->source);
}

static void fetch_one(void *context, const struct file *file)
{
    struct fetch *fetch = context;
    struct fetch_item *item = file->item;
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

static void make_links(struct fetch *fetch)
{
    for (size_t i = 0; i < fetch->count && !cancel_requested(&fetch->stop); i++) {
        const struct fetch_item *item = &fetch->items[i];
        struct error err = {0};
        if ((item->same || item->node->type == NODE_LINK) && fetch_link(fetch, item, &err) < 0)
            fetch_failed(fetch, &err);
    }
}

static void print_done(struct fetch *fetch)
{
    char all[FORMAT_MAX];
    char fresh[FORMAT_MAX];
    format_bytes(all, fetch->files.bytes);
    format_bytes(fresh, fetch->new_bytes);
    progress_pause(&fetch->progress);
    (void)printf("%zu files, %s, are in %s, %s of it new\n", fetch->files.count, all, fetch->target.name,
                 fresh);
    progress_resume(&fetch->progress);
}

static int copy_all(struct fetch *fetch, struct error *err)
{
    fetch_make_directories(fetch);
    int result = fetch_list_files(fetch, err);
    if (result < 0)
        return result;
    fetch->progress.total = fetch->files.bytes;
    files_each(&fetch->files, fetch->source.options.run.connections, fetch_one, fetch);
    make_links(fetch);
    if (!fetch->failed && !cancel_requested(&fetch->stop))
        print_done(fetch);
    return 0;
}

/* What would be copied, in the order of the tree. */
static int list_missing(struct fetch *fetch, struct error *err)
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
                     fetch->files.count - count);
    return result;
}

static int fetch_run(struct fetch *fetch, const char *directory, struct error *err)
{
    int result = fetch_select(fetch, err);
    if (result == 0)
        result = fetch_target_open(&fetch->target, directory, fetch->dry_run, err);
    if (result < 0)
        return result;
    result = fetch->dry_run ? list_missing(fetch, err) : copy_all(fetch, err);
    fetch_target_close(&fetch->target, result < 0 || fetch->failed || cancel_requested(&fetch->stop));
    return result;
}

static int fetch_source(struct fetch *fetch, const char *source, const char *directory)
{
    struct run_config *config = &fetch->source.options.run;
    struct signals signals;
    struct error err = {0};
    files_configure(config);
    if (command_run_open(&fetch->source, source, &err) < 0)
        return command_failed(&err);
    fetch->flatten = config->view.kind == VIEW_DIST;
    fetch->source.wait.cancelled = &fetch->stop;
    progress_begin(&fetch->progress, 1, fetch->source.quiet);
    signals_begin(&signals, &fetch->stop);
    int result = fetch_run(fetch, directory, &err);
    signals_end(&signals);
    progress_end(&fetch->progress);
    if (signals.number)
        result = error_set(&err, EINTR, "fetch: interrupted; a later fetch goes on");
    if (result < 0)
        (void)command_failed(&err);
    signals_die(&signals);
    return result < 0 || fetch->failed ? EXIT_FAILED : EXIT_DONE;
}

int cmd_fetch(int argc, char **argv)
{
    __attribute__((cleanup(fetch_done))) struct fetch fetch = {.stop = CANCEL_INIT};
    struct options *options = &fetch.source.options;
    const struct flag flags[] = {{'o', NULL, FLAG_OPTIONS, options},
                                 {'q', NULL, FLAG_SET, &fetch.source.quiet},
                                 {0, "include", FLAG_OPTION, options},
                                 {0, "exclude", FLAG_OPTION, options},
                                 {0, "group", FLAG_OPTION, options},
                                 {0, "target", FLAG_OPTION, options},
                                 {0, "flatten", FLAG_SET, &fetch.flatten},
                                 {0, "dry-run", FLAG_SET, &fetch.dry_run},
                                 {0}};
    int first;
    command_run_init(&fetch.source);
    int code = arguments_parse(argc, argv, flags, 2, 2, &first);
    if (code)
        return code;
    if (fetch.flatten)
        view_choose(&options->run.view, "dist");
    return fetch_source(&fetch, argv[first], argv[first + 1]);
}
