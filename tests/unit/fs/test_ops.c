/* Operations beside operations that wait: nothing holds up what does not need the same, and each request has one reply. */
#include <errno.h>
#include <limits.h>

#include "../run/view_test.h"
#include "base/cleanup.h"
#include "fake_kernel.h"
#include "gates.h"

#define THREADS 10 /* of a session */
#define LOOKUPS (THREADS + 2)

static void set_up(void)
{
    memset(gates, 0, sizeof gates);
    view_set_up();
    scratch_write("run/f", "of the run");
    scratch_write("run/other", "of another file");
    write_archive("run/a_lib_generic.tar", MEMBERS({"f", "of a", 0644, '0'}, {"g", "of a, too", 0644, '0'}));
}

static void tear_down(void)
{
    kernel_close();
    view_tear_down();
}

TestSuite(ops, .init = set_up, .fini = tear_down);

static void open_run(void)
{
    must_open();
    gates_install(run);
    kernel_open(run);
}

static void expect_bytes(uint64_t unique, const char *bytes)
{
    const struct reply *reply = kernel_await(unique);
    cr_assert_eq(reply->error, 0, "%d", reply->error);
    cr_assert_eq(reply->len, strlen(bytes));
    cr_assert_arr_eq(reply->bytes, bytes, reply->len);
}

/* All that does not need what is waited for is answered. */
static void expect_alive(void)
{
    uint64_t other = kernel_walk("other");
    struct fuse_getattr_in getattr = {0};
    cr_assert_eq(kernel_error(kernel_send(FUSE_STATFS, ROOT, NULL, 0)), 0);
    cr_assert_eq(kernel_error(kernel_send(FUSE_GETATTR, other, &getattr, sizeof getattr)), 0);
    cr_assert_eq(kernel_error(kernel_getxattr(other, "user.runfs.error")), ENODATA);
    cr_assert_eq(kernel_error(kernel_getxattr(ROOT, "user.runfs.status")), 0);
    uint64_t root = kernel_await(kernel_opendir_of(ROOT))->open.fh;
    cr_assert_eq(kernel_error(kernel_readdir(ROOT, root)), 0);
    cr_assert_eq(kernel_error(kernel_send(FUSE_RELEASEDIR, ROOT, &(struct fuse_release_in){.fh = root},
                                          sizeof(struct fuse_release_in))),
                 0);
    expect_bytes(kernel_read(other, kernel_open_file(other), 0, 4096), "of another file");
}

Test(ops, lookups_in_a_directory_that_is_composed_hold_up_nothing)
{
    uint64_t lookups[LOOKUPS];
    write_table("a_lib_generic /d archive\nf /d/f tree\nother /other tree\n");
    gates[0].key = "f"; /* is read, since it meets a member of its name */
    open_run();
    uint64_t directory = kernel_walk("d");
    for (int i = 0; i < LOOKUPS; i++)
        lookups[i] = kernel_lookup(directory, i ? "absent" : "g");
    wait_until(atomic_load(&gates[0].waiting) == 1);
    expect_alive();
    cr_assert_eq(atomic_load(&gates[0].waiting), 1, "one thread composes");
    for (int i = 0; i < LOOKUPS; i++)
        cr_assert(kernel_waits(lookups[i]));
    gate_open(&gates[0], 0);
    for (int i = 0; i < LOOKUPS; i++) {
        const struct reply *reply = kernel_await(lookups[i]);
        cr_assert_eq(reply->error, 0);
        cr_assert_eq(reply->entry.nodeid != 0, i == 0);
    }
}

Test(ops, a_composing_that_is_interrupted_is_taken_over)
{
    write_table("a_lib_generic /d archive\nf /d/f tree\n");
    gates[0].key = "f";
    open_run();
    uint64_t directory = kernel_walk("d");
    uint64_t first = kernel_lookup(directory, "g");
    wait_until(atomic_load(&gates[0].waiting) == 1);
    uint64_t second = kernel_lookup(directory, "g");
    kernel_interrupt(first);
    cr_assert_eq(kernel_error(first), EINTR);
    wait_until(atomic_load(&gates[0].waiting) == 1);
    gate_open(&gates[0], 0);
    cr_assert_eq(kernel_error(second), 0);
}

/* The reason of a failure stays, whatever is looked up after it. */
Test(ops, the_reason_of_a_failure_outlives_lookups)
{
    scratch_write("run/bad_lib_generic.tar", "this is no archive");
    write_table("bad_lib_generic /d archive\nf /d/f tree\nother /other tree\n");
    open_run();
    uint64_t directory = kernel_walk("d");
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(kernel_error(kernel_lookup(directory, "f")), EIO);
        const struct reply *reply = kernel_await(kernel_getxattr(directory, "user.runfs.error"));
        cr_assert_eq(reply->error, 0);
        cr_assert(memmem(reply->bytes, reply->len, "bad_lib_generic.tar", 19));
    }
    expect_alive();
}

Test(ops, a_read_that_waits_is_interrupted_and_no_other)
{
    gates[0].key = "f";
    open_run();
    uint64_t node = kernel_walk("f");
    uint64_t handle = kernel_open_file(node);
    uint64_t first = kernel_read(node, handle, 0, 4096);
    uint64_t second = kernel_read(node, handle, 0, 4096);
    wait_until(atomic_load(&gates[0].waiting) == 2);
    kernel_interrupt(first);
    cr_assert_eq(kernel_error(first), EINTR);
    cr_assert(kernel_waits(second));
    expect_alive();
    gate_open(&gates[0], 0);
    expect_bytes(second, "of the run");
}

Test(ops, more_reads_of_one_file_than_it_has_threads_leave_threads_for_others)
{
    uint64_t reads[100];
    gates[0].key = "f";
    open_run();
    uint64_t node = kernel_walk("f");
    uint64_t handle = kernel_open_file(node);
    for (size_t i = 0; i < COUNT(reads); i++)
        reads[i] = kernel_read(node, handle, 0, 4096);
    wait_until(atomic_load(&gates[0].waiting) > 1);
    expect_alive();
    gate_open(&gates[0], 0);
    for (size_t i = 0; i < COUNT(reads); i++)
        expect_bytes(reads[i], "of the run");
}

/* As many readers as may wait at once, each of a file of its own. */
Test(ops, readers_that_wait_for_ever_hold_up_nothing)
{
    uint64_t reads[64];
    char name[64];
    gates[0].key = "slow";
    for (size_t i = 0; i < COUNT(reads); i++) {
        (void)snprintf(name, sizeof name, "run/slow%d", (int)i);
        scratch_write(name, "slow");
    }
    open_run();
    for (size_t i = 0; i < COUNT(reads); i++) {
        (void)snprintf(name, sizeof name, "slow%d", (int)i);
        uint64_t node = kernel_walk(name);
        reads[i] = kernel_read(node, kernel_open_file(node), 0, 4096);
    }
    wait_until(atomic_load(&gates[0].waiting) == COUNT(reads));
    expect_alive();
    for (size_t i = 0; i < COUNT(reads); i++)
        cr_assert(kernel_waits(reads[i]));
    gate_open(&gates[0], 0);
    for (size_t i = 0; i < COUNT(reads); i++)
        expect_bytes(reads[i], "slow");
}

/* Each read has its answer when its own time is over, those in the queue behind others, too. */
Test(ops, reads_end_at_their_deadline)
{
    uint64_t reads[40];
    gates[0].key = "f";
    kernel_timeout_ms = 200;
    open_run();
    uint64_t node = kernel_walk("f");
    uint64_t handle = kernel_open_file(node);
    for (size_t i = 0; i < COUNT(reads); i++)
        reads[i] = kernel_read(node, handle, 0, 4096);
    for (size_t i = 0; i < COUNT(reads); i++)
        cr_assert_eq(kernel_error(reads[i]), EIO);
    cr_assert_eq(atomic_load(&kernel_fs->reads.errors), COUNT(reads));
    gate_open(&gates[0], 0);
    expect_bytes(kernel_read(node, handle, 0, 4096), "of the run");
}

Test(ops, interrupts_that_come_too_early_or_too_late)
{
    gates[0].key = "f";
    open_run();
    uint64_t node = kernel_walk("f");
    uint64_t handle = kernel_open_file(node);
    uint64_t next = kernel_interrupt_next();
    cr_assert_eq(kernel_read(node, handle, 0, 4096), next);
    cr_assert_eq(kernel_error(next), EINTR);
    gate_open(&gates[0], 0);
    uint64_t answered = kernel_read(node, handle, 0, 4096);
    expect_bytes(answered, "of the run");
    kernel_interrupt(answered);
    expect_alive();
    expect_bytes(kernel_read(node, handle, 0, 4096), "of the run");
}

/* Those that wait in a queue as well as those that wait with a thread. */
Test(ops, reads_are_interrupted_wherever_they_wait)
{
    uint64_t reads[40];
    gates[0].key = "f";
    open_run();
    uint64_t node = kernel_walk("f");
    uint64_t handle = kernel_open_file(node);
    for (size_t i = 0; i < COUNT(reads); i++)
        reads[i] = kernel_read(node, handle, 0, 4096);
    for (size_t i = 1; i < COUNT(reads); i++) {
        size_t last_first = COUNT(reads) - i;
        kernel_interrupt(reads[last_first]);
        cr_assert_eq(kernel_error(reads[last_first]), EINTR);
    }
    cr_assert(kernel_waits(reads[0]));
    gate_open(&gates[0], 0);
    expect_bytes(reads[0], "of the run");
}

/* A listing that hangs holds up those that need it, until they are interrupted, and no others. */
Test(ops, a_listing_that_hangs_can_be_interrupted)
{
    uint64_t lookups[LOOKUPS];
    open_run();
    uint64_t node = kernel_walk("f");
    gates[0] = (struct gate){.key = "", .at = AT_LIST};
    fs_distrust(&kernel_fs->own);
    wait_until(clock_ms() > run_listed_at(run)); /* which else is new enough */
    for (size_t i = 0; i < COUNT(lookups); i++)
        lookups[i] = kernel_lookup(ROOT, "f");
    wait_until(atomic_load(&gates[0].waiting) == 1);
    cr_assert_eq(kernel_error(kernel_send(FUSE_STATFS, ROOT, NULL, 0)), 0);
    cr_assert_eq(kernel_error(kernel_getxattr(node, "user.runfs.error")), ENODATA);
    for (size_t i = 1; i < COUNT(lookups); i++) {
        kernel_interrupt(lookups[i]);
        cr_assert_eq(kernel_error(lookups[i]), EINTR);
    }
    cr_assert(kernel_waits(lookups[0]));
    gate_open(&gates[0], 0);
    cr_assert_eq(kernel_error(lookups[0]), 0);
    cr_assert_eq(atomic_load(&gates[0].waiting), 0);
    expect_alive();
}

/* Neither the session's threads nor the tree's lock are held over an open that hangs. */
Test(ops, opens_that_hang_hold_up_nothing)
{
    uint64_t opens[THREADS + 2];
    view_config.archives = true;
    gates[0] = (struct gate){.key = "f", .at = AT_OPEN};
    open_run();
    uint64_t node = kernel_walk("f");
    for (size_t i = 0; i < COUNT(opens); i++)
        opens[i] = kernel_open_of(node);
    wait_until(atomic_load(&gates[0].waiting) > 0);
    cr_assert_neq(kernel_walk("a_lib_generic/g"), 0); /* the tree is written to */
    expect_alive();
    for (size_t i = 0; i < COUNT(opens); i++)
        cr_assert(kernel_waits(opens[i]));
    gate_open(&gates[0], 0);
    for (size_t i = 0; i < COUNT(opens); i++)
        cr_assert_eq(kernel_error(opens[i]), 0);
}

Test(ops, closes_that_hang_hold_up_nothing)
{
    uint64_t handles[THREADS + 2];
    uint64_t releases[COUNT(handles)];
    gates[0] = (struct gate){.key = "f", .at = AT_CLOSE};
    open_run();
    uint64_t node = kernel_walk("f");
    for (size_t i = 0; i < COUNT(handles); i++)
        handles[i] = kernel_open_file(node);
    for (size_t i = 0; i < COUNT(handles); i++)
        releases[i] = kernel_release(node, handles[i]);
    wait_until(atomic_load(&gates[0].waiting) > 0);
    expect_alive();
    for (size_t i = 0; i < COUNT(handles); i++)
        cr_assert(kernel_waits(releases[i]));
    gate_open(&gates[0], 0);
    for (size_t i = 0; i < COUNT(handles); i++)
        cr_assert_eq(kernel_error(releases[i]), 0);
    cr_assert_eq(atomic_load(&kernel_fs->open_files), 1, "the other file");
}

/* A handle of a file may go while another one of it is being read. */
Test(ops, a_release_while_a_read_waits)
{
    gates[0].key = "f";
    open_run();
    uint64_t node = kernel_walk("f");
    uint64_t first = kernel_open_file(node);
    uint64_t second = kernel_open_file(node);
    uint64_t reading = kernel_read(node, first, 0, 4096);
    wait_until(atomic_load(&gates[0].waiting) == 1);
    cr_assert_eq(kernel_error(kernel_release(node, second)), 0);
    cr_assert(kernel_waits(reading));
    gate_open(&gates[0], 0);
    expect_bytes(reading, "of the run");
    cr_assert_eq(kernel_error(kernel_release(node, first)), 0);
}

/* More first passes than operations can wait for hold up neither what is known nor plain reads. */
Test(ops, many_slow_first_passes_hold_up_no_archive_that_is_known)
{
    uint64_t lookups[40];
    char name[64];
    view_config.archives = true;
    view_on_disk();
    must_open();
    (void)shown("a_lib_generic"); /* its table gets on disk */
    for (size_t i = 0; i < COUNT(lookups); i++) {
        (void)snprintf(name, sizeof name, "run/slow%d.tar", (int)i);
        write_archive(name, MEMBERS({"f", "slow", 0644, '0'}));
    }
    gates[0].key = "slow";
    gates[1].key = "a_lib_generic";
    open_run();
    for (size_t i = 0; i < COUNT(lookups); i++) {
        (void)snprintf(name, sizeof name, "slow%d", (int)i);
        lookups[i] = kernel_lookup(kernel_walk(name), "f");
    }
    wait_until(atomic_load(&gates[0].waiting) > 0);
    uint64_t known = kernel_walk("a_lib_generic/g");
    cr_assert_neq(known, 0);
    expect_alive();
    for (size_t i = 0; i < COUNT(lookups); i++)
        cr_assert(kernel_waits(lookups[i]));
    gate_open(&gates[0], 0);
    for (size_t i = 0; i < COUNT(lookups); i++)
        cr_assert_eq(kernel_error(lookups[i]), 0);
}

/* As many reads as may wait, of files whose archives are being decoded for the first time, which may take for ever. */
Test(ops, reads_that_wait_for_passes_hold_up_no_other_reads)
{
    enum { ARCHIVES = 4, READS = 16, CHUNK = 1 << 20, SIZE = 2 * CHUNK };
    uint64_t reads[ARCHIVES * READS];
    char name[64];
    _cleanup_free_ char *content = malloc(SIZE + 1);
    memset(content, 'x', SIZE);
    content[SIZE] = '\0';
    view_config.archives = true;
    for (int i = 0; i < ARCHIVES; i++) {
        (void)snprintf(name, sizeof name, "run/slow%d.tar", i);
        write_archive(name, MEMBERS({"f", content, 0644, '0'}));
    }
    gates[0] = (struct gate){.key = "slow", .from = CHUNK};
    gates[1] = (struct gate){.key = "other"};
    open_run();
    for (size_t i = 0; i < COUNT(reads); i++) {
        (void)snprintf(name, sizeof name, "slow%d/f", (int)i / READS);
        uint64_t node = kernel_walk(name);
        cr_assert_neq(node, 0);
        reads[i] = kernel_read(node, kernel_open_file(node), SIZE - 4096, 4096);
    }
    wait_until(atomic_load(&gates[0].waiting) >= COUNT(reads));
    uint64_t node = kernel_walk("other");
    uint64_t other = kernel_read(node, kernel_open_file(node), 0, 4096);
    wait_until(atomic_load(&gates[1].waiting) == 1);
    gate_open(&gates[1], 0);
    expect_bytes(other, "of another file");
    gate_open(&gates[0], 0);
    for (size_t i = 0; i < COUNT(reads); i++)
        cr_assert_eq(kernel_await(reads[i])->len, 4096);
}

Test(ops, what_fails_has_one_reply)
{
    char overlong[NAME_MAX + 2];
    struct fuse_open_in open = {.flags = O_RDWR};
    struct fuse_setattr_in setattr = {0};
    memset(overlong, 'n', sizeof overlong - 1);
    overlong[sizeof overlong - 1] = '\0';
    gates[0].key = "f";
    open_run();
    uint64_t node = kernel_walk("f");
    uint64_t handle = kernel_open_file(node);
    cr_assert_eq(kernel_error(kernel_lookup(ROOT, overlong)), ENAMETOOLONG);
    cr_assert_eq(kernel_error(kernel_send(FUSE_OPEN, node, &open, sizeof open)), EROFS);
    cr_assert_eq(kernel_error(kernel_send(FUSE_SETATTR, node, &setattr, sizeof setattr)), EROFS);
    cr_assert_eq(kernel_error(kernel_getxattr(node, "user.other")), ENODATA);
    uint64_t failing = kernel_read(node, handle, 0, 4096);
    gate_open(&gates[0], -EIO);
    cr_assert_eq(kernel_error(failing), EIO);
    gate_open(&gates[0], -ESTALE);
    cr_assert_eq(kernel_error(kernel_read(node, handle, 0, 4096)), ESTALE);
    expect_alive();
}

Test(ops, a_session_ends_while_operations_wait)
{
    view_config.archives = true;
    gates[0].key = "f";
    gates[1].key = "a_lib_generic";
    open_run();
    uint64_t node = kernel_walk("f");
    (void)kernel_read(node, kernel_open_file(node), 0, 4096);
    (void)kernel_lookup(kernel_walk("a_lib_generic"), "g");
    wait_until(atomic_load(&gates[0].waiting) == 1 && atomic_load(&gates[1].waiting) == 1);
    kernel_close();
}

static const struct node *root_entry(const char *name)
{
    return tree_find(run_tree(run), name);
}

Test(ops, what_the_kernel_forgets_is_counted)
{
    open_run();
    uint64_t node = kernel_walk("f");
    (void)kernel_walk("f");
    cr_assert_eq(atomic_load(&root_entry("f")->lookups), 2);
    kernel_forget(node, 2);
    wait_until(atomic_load(&root_entry("f")->lookups) == 0);
    uint64_t handle = kernel_await(kernel_opendir_of(ROOT))->open.fh;
    cr_assert_eq(kernel_error(kernel_readdir(ROOT, handle)), 0);
    cr_assert_eq(atomic_load(&root_entry("f")->lookups), 1);
    cr_assert_eq(atomic_load(&root_entry("other")->lookups), 1);
}

/* A file that is replaced goes on being read, and its node stays for as long as the kernel refers to it. */
Test(ops, what_is_forgotten_while_a_read_waits_stays)
{
    struct error err = {0};
    const struct wait wait = {.timeout_ms = KERNEL_PATIENT_MS};
    gates[0].key = "f";
    open_run();
    uint64_t node = kernel_walk("f");
    (void)kernel_walk("f");
    uint64_t handle = kernel_open_file(node);
    uint64_t reading = kernel_read(node, handle, 0, 4096);
    wait_until(atomic_load(&gates[0].waiting) == 1);
    kernel_forget(node, 1);
    cr_assert_eq(unlink(scratch_path("run/f")), 0);
    scratch_write("run/f", "another of its name");
    assert_ok(run_refresh(run, clock_ms() + 1, &wait, &err), &err);
    cr_assert_neq(kernel_walk("f"), node);
    cr_assert(kernel_waits(reading));
    gate_open(&gates[0], 0);
    expect_bytes(reading, "of the run");
    cr_assert_eq(kernel_error(kernel_open_of(node)), ESTALE);
    cr_assert_eq(kernel_error(kernel_release(node, handle)), 0);
    kernel_forget(node, 1);
    expect_alive();
}
