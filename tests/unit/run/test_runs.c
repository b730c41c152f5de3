/* All runs: what names mean. Opening them is tested with real mounts. */
#include "run/runs.h"

#include <errno.h>

#include "disk/cache_dir.h"
#include "disk/listing.h"
#include "testing.h"

#define ENDPOINT "http://127.0.0.1:1"
#define CACHED   4000

static const struct {
    const char *path;
    enum runs_form form;
} forms[] = {
    {"123-linux", RUNS_RUN},
    {"18446744073709551615-windows", RUNS_RUN},
    {"ROCm-TheRock/123-linux", RUNS_RUN},
    {"some-one.else-x/1-windows", RUNS_RUN},
    {"ROCm-TheRock", RUNS_LEVEL},
    {"a-b", RUNS_LEVEL},
    {"a-linux-b", RUNS_LEVEL},
    {"123", RUNS_NOTHING},
    {"0123-linux", RUNS_NOTHING},
    {"18446744073709551616-linux", RUNS_NOTHING},
    {"123-macos", RUNS_NOTHING},
    {"123-linux-2", RUNS_NOTHING},
    {"local-linux", RUNS_NOTHING},
    {"ROCm-TheRock/local-linux", RUNS_NOTHING},
    {"ROCm-TheRock/123", RUNS_NOTHING},
    {"ROCm-TheRock/123-linux/logs", RUNS_NOTHING},
    {"TheRock/123-linux", RUNS_NOTHING},
    {"", RUNS_NOTHING},
    {"-", RUNS_NOTHING},
    {"-b", RUNS_NOTHING},
    {"a-", RUNS_NOTHING},
    {".Trash-1000", RUNS_NOTHING},
    {"lost+found", RUNS_NOTHING},
};

Test(runs, names_have_forms)
{
    for (size_t i = 0; i < COUNT(forms); i++)
        cr_assert_eq(runs_form_of(forms[i].path), forms[i].form, "'%s'", forms[i].path);
}

Test(runs, overlong_names_are_nothing)
{
    char name[1200] = "a-";
    memset(name + 2, 'b', sizeof name - 3);
    cr_assert_eq(runs_form_of(name), RUNS_NOTHING);
}

Test(runs, all_of_them_are_no_place_to_list)
{
    struct run *run;
    struct run_config config = {.source = "runs", .timeout_ms = 1000, .no_cache = true};
    struct error err = {0};
    assert_refused(run_open(&config, &run, &err), EINVAL, &err, "runs: all of them can only be mounted");
}

static void keep_listing(struct disk *disk, unsigned id)
{
    char prefix[32];
    (void)snprintf(prefix, sizeof prefix, "%u-linux/", id);
    const struct cache_scope scope = {ENDPOINT, "therock-ci-artifacts", prefix};
    listing_writer_close(listing_writer_open(disk, &scope, "access"), 1000 + id);
}

static void count_kept(void *context, const char *name, uint64_t listed_ms)
{
    char *end;
    cr_assert_eq(strtoull(name, &end, 10), listed_ms - 1000);
    cr_assert_str_eq(end, "-linux");
    ++*(unsigned *)context;
}

/* The event may have gone since, and reading it for each run takes long. */
Test(runs, the_event_is_read_once_for_all_that_are_cached, .init = scratch_open, .fini = scratch_close)
{
    struct disk *disk;
    struct run *host;
    struct error err = {0};
    unsigned count = 0;
    char *cache = strdup(scratch_path("cache"));
    struct run_config config = {
        .source = "runs",
        .many = true,
        .timeout_ms = 1000,
        .offline = true,
        .site.endpoint = ENDPOINT,
        .disk = {.directory = cache, .size_max = 100U << 20, .free_min = 1, .make = true},
    };
    scratch_write("event", "{\"pull_request\": {\"head\": {\"repo\": {\"fork\": false}}}}");
    (void)setenv("GITHUB_EVENT_NAME", "pull_request", 1);
    (void)setenv("GITHUB_EVENT_PATH", scratch_path("event"), 1);
    assert_ok(cache_dir_open(&config.disk, &disk, &err), &err);
    for (unsigned id = 1; id <= CACHED; id++)
        keep_listing(disk, id);
    disk_close(disk);
    assert_ok(run_open(&config, &host, &err), &err);
    cr_assert_eq(unlink(scratch_path("event")), 0);
    runs_each_kept(host, count_kept, &count);
    cr_assert_eq(count, CACHED);
    run_close(host);
    free(cache);
}

Test(runs, an_event_that_cannot_be_read_is_an_error_at_once, .init = scratch_open, .fini = scratch_close)
{
    struct run *host;
    struct error err = {0};
    struct run_config config = {.source = "runs", .many = true, .timeout_ms = 1000, .no_cache = true};
    (void)setenv("GITHUB_EVENT_NAME", "pull_request", 1);
    (void)setenv("GITHUB_EVENT_PATH", scratch_path("none"), 1);
    assert_refused(run_open(&config, &host, &err), ENOENT, &err, "/none");
}
