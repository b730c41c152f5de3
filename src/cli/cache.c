/* runfs cache: looks after what is kept on disk. One row of the table an action. */
#include "cli/cache.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/common/arguments.h"
#include "disk/disk.h"
#include "disk/identity.h"

static const struct action {
    const char *name;
    int min; /* operands */
    int max; /* -1: any number */
    bool json;
    int (*run)(struct cache_request *request, struct error *err);
} actions[] = {
    {"status", 0, 0, true, action_status},       {"list", 0, 0, true, action_list},
    {"prefetch", 1, -1, false, action_prefetch}, {"prune", 0, 0, true, action_prune},
    {"verify", 0, 0, true, action_verify},       {"clear", 0, 0, false, action_clear},
};

static const struct action *find_action(const char *name)
{
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (strcmp(name, actions[i].name) == 0)
            return &actions[i];
    return NULL;
}

void action_close_disk(struct disk **disk)
{
    disk_close(*disk);
}

int action_open_disk(const struct cache_request *request, struct disk **ret_disk, struct error *err)
{
    const struct run_config *config = &request->source.options.run;
    _cleanup_free_ char *directory = cache_dir_path(config->disk.directory);
    if (config->no_cache || !directory)
        return error_set(err, ENOENT, "cache: there is none: %s",
                         directory ? "no-cache says so"
                                   : "no home directory is known, cache=DIR names another");
    *ret_disk = NULL;
    int result = cache_dir_open(&config->disk, ret_disk, err);
    return result == -ENOENT ? 0 : result;
}

void action_item_uri(const struct disk_item *item, struct strbuf *out)
{
    struct identity_parts parts;
    if (identity_split(item->identity, item->identity_len, &parts) < 0)
        strbuf_adds(out, "?");
    else
        strbuf_addf(out, "s3://%s/%s", parts.bucket, parts.key);
}

/* Finds the action among the operands, and checks that it may have the others. An exit code where not. */
static int choose_action(struct cache_request *request, const struct action **ret_action)
{
    const char *name = request->count ? request->operands[0] : "status";
    const struct action *action = find_action(name);
    if (!action)
        return command_misuse("cache", "cache: '%s' is not an action", name);
    if (request->count) {
        request->operands++;
        request->count--;
    }
    if (request->count < action->min)
        return command_misuse("cache", "cache %s: too few operands", name);
    if (action->max >= 0 && request->count > action->max)
        return command_misuse("cache", "cache %s: '%s' is one operand too many", name,
                              request->operands[action->max]);
    if (request->json && !action->json)
        return command_misuse("cache", "cache %s: has nothing to say as JSON", name);
    *ret_action = action;
    return 0;
}

static void request_done(struct cache_request *request)
{
    command_run_done(&request->source);
}

int cmd_cache(int argc, char **argv)
{
    __attribute__((cleanup(request_done))) struct cache_request request = {0};
    const struct flag flags[] = {{'o', NULL, FLAG_OPTIONS, &request.source.options},
                                 {'q', NULL, FLAG_SET, &request.source.quiet},
                                 {0, "json", FLAG_SET, &request.json},
                                 {0}};
    const struct action *action = NULL;
    struct error err = {0};
    int first;
    command_run_init(&request.source);
    int code = arguments_parse(argc, argv, flags, 0, -1, &first);
    if (code)
        return code;
    request.operands = argv + first;
    request.count = argc - first;
    code = choose_action(&request, &action);
    if (!action)
        return code;
    code = action->run(&request, &err);
    return code < 0 ? command_failed(&err) : code;
}
