/* All runs as one file system, with a real server of theirs. */
#include <errno.h>

#include "../store/test_s3_server.h"
#include "fake_kernel.h"
#include "run/run_internal.h"

static struct run *host;

static void place(const char *bucket, const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof path, "data/%s", bucket);
    (void)mkdir(scratch_path("%s", path), 0755);
    (void)snprintf(path, sizeof path, "data/%s/%s", bucket, name);
    scratch_mkdir(path);
    (void)snprintf(path, sizeof path, "data/%s/%s/where", bucket, name);
    scratch_write(path, name);
}

static void set_up(void)
{
    struct error err = {0};
    server_prepare();
    place("therock-ci-artifacts", "111-linux");
    place("therock-ci-artifacts", "222-linux");
    server_start();
    const struct run_config config = {.source = "runs",
                                      .many = true,
                                      .site.endpoint = server_url(),
                                      .site.no_sign_request = true,
                                      .connections = 4,
                                      .no_cache = true,
                                      .refresh_ms = 60000,
                                      .timeout_ms = LONG_MS};
    assert_ok(run_open(&config, &host, &err), &err);
    kernel_open(host);
}

static void tear_down(void)
{
    kernel_close();
    run_close(host);
    server_close();
}

TestSuite(runs_ops, .init = set_up, .fini = tear_down);

/* The node id of NAME, 0 where there is none. */
static uint64_t find(uint64_t parent, const char *name)
{
    const struct reply *reply = kernel_await(kernel_lookup(parent, name));
    cr_assert_eq(reply->error, 0, "%s: %d", name, reply->error);
    return reply->entry.nodeid;
}

static uint64_t open_runs(void)
{
    struct runs_totals totals;
    runs_count(kernel_fs->runs, &totals);
    return totals.open;
}

Test(runs_ops, a_run_is_opened_when_it_is_named)
{
    uint64_t node = kernel_walk("111-linux/where");
    const struct reply *reply = kernel_await(kernel_read(node, kernel_open_file(node), 0, 4096));
    cr_assert_eq(reply->error, 0);
    cr_assert_eq(memcmp(reply->bytes, "111-linux", reply->len), 0);
    cr_assert_eq(open_runs(), 1);
}

Test(runs_ops, what_is_no_run_is_no_entry)
{
    cr_assert_eq(find(ROOT, "no.run"), 0);
    cr_assert_eq(find(ROOT, "333-linux"), 0);
    cr_assert_eq(find(ROOT, "333-linux"), 0);
    cr_assert_eq(open_runs(), 0);
}

/* One run whose server does not answer holds up neither the names nor another run. */
Test(runs_ops, a_run_that_is_slow_to_open_holds_up_no_other)
{
    uint64_t slow[12];
    server_faults("[{\"match\": \"222-linux\", \"phold\": 1}]");
    for (size_t i = 0; i < COUNT(slow); i++)
        slow[i] = kernel_lookup(ROOT, "222-linux");
    wait_until(server_hits() > 0);
    cr_assert_neq(kernel_walk("111-linux/where"), 0);
    cr_assert_eq(kernel_error(kernel_send(FUSE_STATFS, ROOT, NULL, 0)), 0);
    for (size_t i = 0; i < COUNT(slow); i++)
        cr_assert(kernel_waits(slow[i]));
    kernel_interrupt(slow[0]);
    cr_assert_eq(kernel_error(slow[0]), EINTR);
    kernel_close();
}

/* The kernel is asked to forget what it does not need of a run that is unused for long; once it has, the run is closed. */
Test(runs_ops, a_run_that_nothing_uses_is_closed_and_opened_again)
{
    uint64_t root = find(ROOT, "111-linux");
    uint64_t node = find(root, "where");
    struct run_slot *of = fs_run_of(kernel_fs, root);
    cr_assert_eq(open_runs(), 1);
    atomic_store(&of->used_at, 0);
    runs_expire(kernel_fs->runs);
    cr_assert_eq(open_runs(), 1);
    kernel_await_notification(FUSE_NOTIFY_INVAL_ENTRY);
    kernel_forget(node, 1);
    wait_until(atomic_load(&of->uses) == 0);
    atomic_store(&of->used_at, 0);
    runs_expire(kernel_fs->runs);
    cr_assert_eq(open_runs(), 0);
    cr_assert_neq(find(root, "where"), 0);
    cr_assert_eq(open_runs(), 1);
}
