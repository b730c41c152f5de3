/* All runs, by name: shown together from the cache, opened once however many ask, closed when they are unused. The linker leads
   tree_add() and tree_renew() here (--wrap). */
#include <errno.h>
#include <pthread.h>

#include "../store/test_s3_server.h"
#include "disk/disk.h"
#include "disk/listing.h"
#include "run/runs_internal.h"

#define CACHED 4000

int __real_tree_add(struct tree *tree, const struct tree_entry *entry, struct error *err);
void __real_tree_renew(struct tree *tree, struct tree *fresh);
int __wrap_tree_add(struct tree *tree, const struct tree_entry *entry, struct error *err);
void __wrap_tree_renew(struct tree *tree, struct tree *fresh);

static atomic_uint added;
static atomic_uint renewed;

int __wrap_tree_add(struct tree *tree, const struct tree_entry *entry, struct error *err)
{
    added++;
    return __real_tree_add(tree, entry, err);
}

void __wrap_tree_renew(struct tree *tree, struct tree *fresh)
{
    renewed++;
    __real_tree_renew(tree, fresh);
}

static struct run *host;
static struct runs *runs;
static atomic_uint opened;
static atomic_uint closing;
static atomic_uint unused;
static const struct wait patient = {.timeout_ms = LONG_MS};

static void on_opened(struct run_slot *slot, struct run *run)
{
    lock_assert_none("tells of an opened run");
    cr_assert_null(slot->run);
    cr_assert_not_null(run);
    opened++;
}

static void on_closing(struct run_slot *slot, struct run *run)
{
    lock_assert_none("tells of a run that is closed");
    cr_assert_null(slot->run);
    cr_assert_not_null(run);
    closing++;
}

static void on_unused(struct run_slot *slot)
{
    lock_assert_none("tells of an unused run");
    cr_assert_gt(atomic_load(&slot->uses), 0);
    unused++;
}

static void open_host(struct run_config config)
{
    static int owner;
    struct error err = {0};
    const struct runs_hooks hooks = {
        .owner = &owner, .opened = on_opened, .closing = on_closing, .unused = on_unused};
    config.source = "runs";
    config.many = true;
    config.refresh_ms = 60000;
    config.timeout_ms = LONG_MS;
    assert_ok(run_open(&config, &host, &err), &err);
    runs = run_runs(host);
    runs_attach(runs, &hooks);
}

static void tear_down(void)
{
    runs_close(runs);
    cr_assert_eq(opened, closing);
    run_close(host);
}

static void place(const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof path, "data/therock-ci-artifacts/%s", name);
    scratch_mkdir(path);
    (void)snprintf(path, sizeof path, "data/therock-ci-artifacts/%s/where", name);
    scratch_write(path, name);
}

static void set_up_served(void)
{
    server_prepare();
    (void)mkdir(scratch_path("data/therock-ci-artifacts"), 0755);
    place("111-linux");
    place("222-linux");
    server_start();
    open_host((struct run_config){
        .site.endpoint = server_url(), .site.no_sign_request = true, .connections = 4, .no_cache = true});
}

static void tear_down_served(void)
{
    tear_down();
    server_close();
}

TestSuite(runs_names, .init = set_up_served, .fini = tear_down_served);

static struct run_slot *shown(const char *name)
{
    tree_lock_read(run_tree(host));
    const struct node *node = tree_find(run_tree(host), name);
    struct run_slot *slot = node ? runs_shown_at(node) : NULL;
    tree_unlock(run_tree(host));
    return slot;
}

static uint64_t open_runs(void)
{
    struct runs_totals totals;
    runs_count(runs, &totals);
    return totals.open;
}

Test(runs_names, a_name_is_one_run)
{
    struct error err = {0};
    assert_ok(runs_find(runs, "111-linux", &patient, &err), &err);
    assert_ok(runs_find(runs, "222-linux", &patient, &err), &err);
    assert_ok(runs_find(runs, "111-linux", &patient, &err), &err);
    cr_assert_eq(opened, 2);
    struct run_slot *slot = shown("111-linux");
    cr_assert_eq(runs_numbered(runs, slot->number), slot);
    cr_assert_neq(shown("222-linux")->number, slot->number);
    cr_assert_neq(shown("222-linux")->ino_base, slot->ino_base);
    cr_assert(runs_enter(slot));
    cr_assert_eq(tree_find(slot->tree, "where")->type, NODE_FILE);
    runs_leave(slot);
}

Test(runs_names, names_that_lead_nowhere_are_forgotten)
{
    struct error err = {0};
    assert_refused(runs_find(runs, "777-linux", &patient, &err), ENOENT, &err, "777-linux");
    cr_assert_gt(runs_missing_until(runs, "777-linux"), clock_ms());
    cr_assert_null(shown("777-linux"));
    cr_assert_eq(runs->count, 1);
    LIST_FIRST(&runs->slots)->missing_until = 0;
    assert_refused(runs_find(runs, "888-linux", &patient, &err), ENOENT, &err, "888-linux");
    cr_assert_eq(runs->count, 1, "888-linux has taken the place of 777-linux");
}

static void *find_slow(void *context)
{
    struct error err = {0};
    *(int *)context = runs_find(runs, "222-linux", &patient, &err);
    return NULL;
}

/* Of many that ask for one run at once one opens it; another run is not held up. */
Test(runs_names, a_run_that_is_slow_to_open_is_opened_once)
{
    struct error err = {0};
    pthread_t threads[8];
    int results[COUNT(threads)];
    server_faults("[{\"match\": \"222-linux\", \"phold\": 1}]");
    for (size_t i = 0; i < COUNT(threads); i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, find_slow, &results[i]), 0);
    wait_until(server_hits() > 0);
    assert_ok(runs_find(runs, "111-linux", &patient, &err), &err);
    cr_assert_eq(open_runs(), 1);
    server_faults("[]");
    for (size_t i = 0; i < COUNT(threads); i++) {
        cr_assert_eq(pthread_join(threads[i], NULL), 0);
        cr_assert_eq(results[i], 0);
    }
    cr_assert_eq(opened, 2);
}

Test(runs_names, a_wait_for_a_run_is_cancelled)
{
    struct error err = {0};
    struct cancel cancelled = CANCEL_INIT;
    const struct wait wait = {.timeout_ms = LONG_MS, .cancelled = &cancelled};
    pthread_t thread;
    int result;
    server_faults("[{\"match\": \"222-linux\", \"phold\": 1}]");
    cr_assert_eq(pthread_create(&thread, NULL, find_slow, &result), 0);
    wait_until(server_hits() > 0);
    cancel_request(&cancelled);
    assert_refused(runs_find(runs, "222-linux", &wait, &err), EINTR, &err, "222-linux");
    server_faults("[]");
    cr_assert_eq(pthread_join(thread, NULL), 0);
    cr_assert_eq(result, 0);
}

Test(runs_names, what_is_used_is_not_closed)
{
    struct error err = {0};
    assert_ok(runs_find(runs, "111-linux", &patient, &err), &err);
    struct run_slot *slot = shown("111-linux");
    runs_expire(runs);
    cr_assert_eq(open_runs(), 1, "it was used just now");
    cr_assert_eq(unused, 0);
    cr_assert(runs_enter(slot));
    atomic_store(&slot->used_at, 0);
    runs_expire(runs);
    cr_assert_eq(open_runs(), 1);
    cr_assert_eq(unused, 1);
    runs_expire(runs);
    cr_assert_eq(unused, 1, "once in a while");
    runs_leave(slot);
    runs_expire(runs);
    cr_assert_eq(open_runs(), 0);
    cr_assert_not(runs_enter(slot));
    struct run_stats stats;
    run_stats(host, &stats);
    cr_assert_gt(stats.counts[COUNT_ATTEMPTS], 0, "what it has done still counts");
    assert_ok(runs_open(runs, slot, &patient, &err), &err);
    cr_assert(runs_enter(slot));
    runs_leave(slot);
}

static void keep_listing(struct disk *disk, unsigned id)
{
    char prefix[32];
    (void)snprintf(prefix, sizeof prefix, "%u-linux/", id);
    const struct cache_scope scope = {"http://127.0.0.1:1", "therock-ci-artifacts", prefix};
    listing_writer_close(listing_writer_open(disk, &scope, "access"), 1000 + id);
}

/* The event may have gone since, and reading it for each run takes long. */
static void set_up_cached(void)
{
    struct disk *disk;
    struct error err = {0};
    scratch_open();
    char *cache = strdup(scratch_path("cache"));
    struct run_config config = {
        .offline = true,
        .site.endpoint = "http://127.0.0.1:1",
        .disk = {.directory = cache, .size_max = 100U << 20, .free_min = 1, .make = true},
    };
    scratch_write("event", "{\"pull_request\": {\"head\": {\"repo\": {\"fork\": false}}}}");
    (void)setenv("GITHUB_EVENT_NAME", "pull_request", 1);
    (void)setenv("GITHUB_EVENT_PATH", scratch_path("event"), 1);
    assert_ok(cache_dir_open(&config.disk, &disk, &err), &err);
    for (unsigned id = 1; id <= CACHED; id++)
        keep_listing(disk, id);
    disk_close(disk);
    open_host(config);
    cr_assert_eq(unlink(scratch_path("event")), 0);
    free(cache);
    added = renewed = 0;
}

static void tear_down_cached(void)
{
    tear_down();
    scratch_close();
}

TestSuite(runs_cached, .init = set_up_cached, .fini = tear_down_cached);

Test(runs_cached, runs_are_shown_together)
{
    runs_show_cached(runs);
    cr_assert_eq(added, CACHED);
    cr_assert_eq(renewed, 1);
    cr_assert(shown("1-linux") && shown("4000-linux"));
    cr_assert_eq(shown("7-linux")->mtime_ns, 1007 * INT64_C(1000000));
    runs_show_cached(runs);
    cr_assert_eq(renewed, 1, "they are known");
    cr_assert_eq(open_runs(), 0);
}
