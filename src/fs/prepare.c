/* What operations wait for before they are done: a trusted listing of an open run, and the members of an archive; see op.h. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "fs/fs_internal.h"

#define HOLD_OFF_MS 5000 /* after a listing failed the old one is used so long before it is tried again */

static bool is_trusted(const struct run_slot *of)
{
    return clock_ms() < atomic_load(&of->valid_until);
}

void fs_distrust(struct run_slot *of)
{
    atomic_store(&of->valid_until, 0);
}

/* An operation that came at ARRIVED needs a new listing: one that began since, where the present one was found out of date,
   else any that is still to be trusted. */
static void renew_listing(struct run_slot *of, uint64_t arrived)
{
    struct fs *fs = fs_of(of);
    struct error err = {0};
    struct wait wait = {.timeout_ms = fs->config.timeout_ms, .shutdown = &fs->ending};
    uint64_t now = clock_ms();
    bool found_wrong = atomic_load(&of->valid_until) == 0;
    uint64_t trusted_since = now > fs->config.refresh_ms ? now - fs->config.refresh_ms : 0;
    int result = run_refresh(of->run, found_wrong ? arrived : trusted_since, &wait, &err);
    if (result == 0) {
        atomic_store(&of->valid_until, run_listed_at(of->run) + fs->config.refresh_ms);
        return;
    }
    log_warning("%s; the last good listing is used on", err.message);
    atomic_store(&of->valid_until, clock_ms() + HOLD_OFF_MS);
}

/* Without a request, so that those that wait for it in the queue can be interrupted. A listing that began after an operation came
   is new enough for it, whatever `refresh` says. */
static int list_again(struct op *op, struct error *err)
{
    (void)err;
    if (!is_trusted(op->of) && run_listed_at(op->of->run) < op->arrived_us / 1000)
        renew_listing(op->of, op->arrived_us / 1000);
    return OP_DONE;
}

int op_enter(struct op *op, struct error *err)
{
    int result = op->of ? 0 : op_enter_run(op, err);
    if (result || op->listed || is_trusted(op->of))
        return result;
    const struct job job = {.class = OP_LISTING, .key = (uintptr_t)op->of};
    op->listed = op_may_wait(op, OP_LISTING, job.key);
    if (op->listed)
        return 0;
    if (fs_enter(op->of))
        op_defer(&(struct op){
            .fs = op->fs, .run = list_again, .of = op->of, .job = job, .arrived_us = op->arrived_us});
    return -EAGAIN; /* in the queue behind it */
}

/* The archive that is to be populated before NAME (NULL: any entry) can be looked up; 0 where the tree has the answer. */
static uintptr_t find_unpopulated(const struct op *op, const char *name)
{
    const struct node *node = fs_node(op->of, op->ino);
    tree_lock_read(op->of->tree);
    const struct node *entry = name ? tree_lookup(node, name, strlen(name)) : NULL;
    bool known = tree_is_populated(node) ||
                 (entry && !entry->provisional); /* a provisional one may be another by now */
    uintptr_t archive = known ? 0 : (uintptr_t)tree_archive_of(node);
    tree_unlock(op->of->tree);
    return archive;
}

int op_populate(struct op *op, const char *name, struct error *err)
{
    struct node *node = fs_node(op->of, op->ino);
    uintptr_t archive = find_unpopulated(op, name);
    if (!archive)
        return 0;
    if (!op->looked_at_disk) {
        if (!op_may_wait(op, OP_DISK, archive))
            return -EAGAIN;
        struct wait at_hand = op_wait(op, OP_DISK);
        at_hand.timeout_ms = 0;
        op->looked_at_disk = true;
        int result = run_populate(op->of->run, node, name, &at_hand, err);
        if (result != -EAGAIN)
            return result;
    }
    if (!op_may_wait(op, OP_PASS, archive))
        return -EAGAIN;
    struct wait wait = op_wait(op, OP_PASS);
    return run_populate(op->of->run, node, name, &wait, err);
}
