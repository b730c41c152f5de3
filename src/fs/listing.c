/* Trusting and renewing the listing. Operations that come while it is out of date wait for one new listing,
   which a thread of its own makes, so that no session thread ever waits. */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/wait.h"
#include "fs/forest.h"
#include "fs/fs_internal.h"

#define HOLD_OFF_MS 5000 /* after a listing failed the old one is used so long before it is tried again */

static bool is_trusted(const struct fs_run *of)
{
    return clock_ms() < atomic_load(&of->valid_until);
}

void fs_distrust(struct fs_run *of)
{
    atomic_store(&of->valid_until, 0);
}

/* An operation that came at ARRIVED needs a new listing: one that began since, where the present one was found out of date,
   else any that is still to be trusted. */
static void renew(struct fs_run *of, uint64_t arrived)
{
    struct fs *fs = of->fs;
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

/* A listing that began after the operation came is new enough for it, whatever `refresh` says. */
static void run_listing_job(struct job *job)
{
    struct fs_deferred *deferred = (struct fs_deferred *)job;
    /* entered; not by way of its directory, which may have gone meanwhile */
    struct fs_run *of = (struct fs_run *)(uintptr_t)job->about;
    if (!is_trusted(of) && run_listed_at(of->run) < deferred->arrived)
        renew(of, deferred->arrived);
    fs_resume(deferred);
    fs_deferred_free(deferred);
    fs_leave(of);
}

void fs_with_listing(fuse_req_t req, fuse_ino_t ino, const char *name, struct fuse_file_info *fi,
                     fs_operation operation)
{
    struct fs *fs = fs_of(req);
    struct fs_run *of = fs_run_of(fs, ino);
    if (!fs_enter(of)) {
        forest_open_first(req, of, ino, name, fi, operation);
        return;
    }
    if (is_trusted(of)) {
        operation(req, ino, name, fi);
        fs_leave(of);
        return;
    }
    struct fs_deferred *deferred = calloc(1, sizeof *deferred);
    if (!deferred || fs_defer(deferred, req, ino, name, fi, operation) < 0) {
        free(deferred);
        (void)fuse_reply_err(req, ENOMEM);
        fs_leave(of);
        return;
    }
    deferred->job = (struct job){.run = run_listing_job, .about = of};
    workers_submit(fs->listers, &deferred->job);
}
