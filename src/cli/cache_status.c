/* runfs cache status: how full the cache is. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "base/format.h"
#include "base/json.h"
#include "cli/cache.h"
#include "cli/cli.h"
#include "cli/common/output.h"
#include "disk/disk.h"

#define TEXT_MAX (16U * 1024)

static void print_size(const char *label, uint64_t bytes)
{
    char text[FORMAT_MAX];
    format_bytes(text, bytes);
    (void)printf("%-10s  %s\n", label, text);
}

static void print_count(const char *label, uint64_t count)
{
    (void)printf("%-10s  %" PRIu64 "\n", label, count);
}

static void print_usage(const char *directory, struct disk *disk, const struct disk_usage *usage)
{
    char safe[TEXT_MAX];
    escape_control(safe, sizeof safe, directory);
    (void)printf("%-10s  %s%s\n", "directory", safe, disk ? "" : " (not there yet)");
    print_size("taken", usage->taken);
    if (disk) {
        print_size("limit", disk_size_max(disk));
        print_size("disk free", usage->free);
        print_size("left free", disk_free_min(disk));
    }
    print_count("objects", usage->objects);
    print_count("blocks", usage->blocks);
    print_count("listings", usage->listings);
}

static int print_usage_json(const char *directory, struct disk *disk, const struct disk_usage *usage)
{
    json_t *status = json_pack("{s:o, s:I, s:I, s:I, s:I, s:I}", "directory", json_text(directory), "taken",
                               (json_int_t)usage->taken, "objects", (json_int_t)usage->objects, "blocks",
                               (json_int_t)usage->blocks, "bytes", (json_int_t)usage->bytes, "listings",
                               (json_int_t)usage->listings);
    if (!status)
        return -ENOMEM;
    if (disk) {
        (void)json_object_set_new(status, "size_max", json_integer((json_int_t)disk_size_max(disk)));
        (void)json_object_set_new(status, "min_free", json_integer((json_int_t)disk_free_min(disk)));
        (void)json_object_set_new(status, "free", json_integer((json_int_t)usage->free));
    }
    return output_json(status);
}

int action_status(struct cache_request *request, struct error *err)
{
    _cleanup_disk_ struct disk *disk = NULL;
    _cleanup_free_ char *directory = NULL;
    struct disk_usage usage = {0};
    int result = action_open_disk(request, &disk, err);
    if (result == 0 && disk)
        result = disk_usage(disk, &usage, err);
    if (result < 0)
        return result;
    directory = cache_dir_path(request->source.options.run.disk.directory);
    if (!directory)
        return error_errno(err, ENOMEM, "cache status");
    if (request->json)
        return print_usage_json(directory, disk, &usage);
    print_usage(directory, disk, &usage);
    return EXIT_DONE;
}
