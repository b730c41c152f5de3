/* runfs cache prune, verify and clear: keeping the cache small and right. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/escape.h"
#include "base/format.h"
#include "base/json.h"
#include "cli/cache.h"
#include "cli/cli.h"
#include "cli/common/output.h"
#include "cli/common/progress.h"
#include "disk/identity.h"

int action_prune(struct cache_request *request, struct error *err)
{
    _cleanup_disk_ struct disk *disk = NULL;
    char text[FORMAT_MAX];
    uint64_t freed = 0;
    int result = action_open_disk(request, &disk, err);
    if (result == 0 && disk)
        result = disk_prune(disk, disk_size_max(disk), &freed, err);
    if (result < 0)
        return result;
    if (request->json)
        return output_json(json_pack("{s:I}", "freed", (json_int_t)freed));
    format_bytes(text, freed);
    (void)printf("freed %s\n", text);
    return EXIT_DONE;
}

int action_clear(struct cache_request *request, struct error *err)
{
    _cleanup_disk_ struct disk *disk = NULL;
    int result = action_open_disk(request, &disk, err);
    return result == 0 && disk ? disk_clear(disk, err) : result;
}

/* Where verifying is. */
struct cache_check {
    struct progress progress;
    uint64_t checked; /* bytes */
    json_t *bad;      /* blocks; NULL without --json */
};

static void on_bad(void *context, const struct disk_item *item, uint64_t number)
{
    struct cache_check *check = context;
    char safe[4 * IDENTITY_MAX];
    _cleanup_strbuf_ struct strbuf uri = STRBUF_INIT(2 * IDENTITY_MAX);
    action_item_uri(item, &uri);
    if (check->bad) {
        json_t *block =
            json_pack("{s:o, s:I}", "s3_uri", json_text(strbuf_text(&uri)), "block", (json_int_t)number);
        (void)json_array_append_new(check->bad, block);
        return;
    }
    escape_control(safe, sizeof safe, strbuf_text(&uri));
    progress_pause(&check->progress);
    (void)printf("%s: block %" PRIu64 " is bad; dropped\n", safe, number);
    (void)fflush(stdout);
    progress_resume(&check->progress);
}

static void on_progress(void *context, uint64_t bytes_checked)
{
    struct cache_check *check = context;
    progress_add(&check->progress, bytes_checked - check->checked);
    check->checked = bytes_checked;
}

static int verify_disk(const struct cache_request *request, struct disk *disk, struct cache_check *check,
                       struct disk_verified *ret_verified, struct error *err)
{
    struct disk_usage usage;
    int result = disk_usage(disk, &usage, err);
    if (result < 0)
        return result;
    progress_begin(&check->progress, usage.bytes, request->source.quiet);
    result = disk_verify(disk, on_bad, on_progress, check, ret_verified, err);
    progress_end(&check->progress);
    return result;
}

static void print_verified(const struct disk_verified *verified, json_t *bad)
{
    char bytes[FORMAT_MAX];
    if (bad) {
        (void)output_json(json_pack("{s:I, s:I, s:I, s:O}", "objects", (json_int_t)verified->objects,
                                    "blocks", (json_int_t)verified->blocks, "bytes",
                                    (json_int_t)verified->bytes, "bad", bad));
        return;
    }
    format_bytes(bytes, verified->bytes);
    (void)printf("%" PRIu64 " blocks of %" PRIu64 " objects, %s: %" PRIu64 " bad\n", verified->blocks,
                 verified->objects, bytes, verified->bad);
}

int action_verify(struct cache_request *request, struct error *err)
{
    _cleanup_disk_ struct disk *disk = NULL;
    struct cache_check check = {0};
    struct disk_verified verified = {0};
    int result = action_open_disk(request, &disk, err);
    if (result < 0)
        return result;
    if (request->json && !(check.bad = json_array()))
        return error_errno(err, ENOMEM, "cache verify");
    if (disk)
        result = verify_disk(request, disk, &check, &verified, err);
    if (result == 0)
        print_verified(&verified, check.bad);
    json_decref(check.bad);
    return result < 0 ? result : verified.bad ? EXIT_FAILED : EXIT_DONE;
}
