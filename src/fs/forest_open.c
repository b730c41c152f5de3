/* Looking names up among all runs, and opening what they name: by workers, a share of them for each run, so that one that is slow
   or fails keeps nobody else waiting. See forest.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/wait.h"
#include "fs/forest_internal.h"

#define FAILURE_KEPT_MS 1000
#define PATH_MAX_BYTES  1024

/* An operation that waits for a run, or for the names of runs. */
struct forest_job {
    struct fs_deferred deferred;
    struct forest_run *run;  /* pinned; NULL: for names */
    struct cancel cancelled; /* the caller got a fatal signal */
};

/* A level has nothing to be opened: it is looked for whenever its name is not known. */
static bool is_open(const struct forest_run *run)
{
    return run->shown.run;
}

/* Opens it, without the lock. */
static int open_now(struct forest_run *run, const struct wait *wait, struct run **ret_run, struct error *err)
{
    struct run *host = run->shown.fs->own.run;
    if (run->form == RUNS_LEVEL)
        return runs_find_level(host, run->name, wait, err);
    return runs_open(host, run->name, wait, ret_run, err);
}

static void show_run(struct forest_run *run, struct run *opened)
{
    struct fs_run *of = &run->shown;
    of->run = opened;
    of->tree = run_tree(opened);
    atomic_store(&of->used_at, clock_ms());
    atomic_store(&of->valid_until, run_listed_at(opened) + of->fs->config.refresh_ms);
    fs_watch_early(of);
}

/* The lock is held. */
static int open_locked(struct forest_run *run, const struct wait *wait, struct error *err)
{
    struct run *opened = NULL;
    struct error why = {0};
    run->opening = true;
    (void)pthread_mutex_unlock(&run->lock);
    int result = open_now(run, wait, &opened, &why);
    (void)pthread_mutex_lock(&run->lock);
    run->opening = false;
    run->failure = result == -EINTR ? 0 : result;
    run->failed_at = clock_ms();
    if (opened)
        show_run(run, opened);
    (void)pthread_cond_broadcast(&run->changed);
    return result < 0 ? error_set(err, -result, "%s", why.message) : 0;
}

/* Whether the last failure still stands: for a moment, but that nothing is there only for who waited for that very answer. */
static bool has_failed(const struct forest_run *run, const struct wait *wait)
{
    if (!run->failure)
        return false;
    return run->failed_at >= wait->since_ms ||
           (run->failure != -ENOENT && clock_ms() < run->failed_at + FAILURE_KEPT_MS);
}

int forest_run_open(struct forest_run *run, const struct wait *wait, struct error *err)
{
    int result = 0;
    (void)pthread_mutex_lock(&run->lock);
    while (run->opening && !wait_cancelled(wait)) {
        struct timespec until = clock_timespec(clock_ms() + WAIT_SLICE_MS);
        (void)pthread_cond_clockwait(&run->changed, &run->lock, CLOCK_MONOTONIC, &until);
    }
    if (run->opening)
        result = error_errno(err, EINTR, "%s", run->name);
    else if (!is_open(run) && has_failed(run, wait))
        result = error_errno(err, -run->failure, "%s", run->name);
    else if (!is_open(run))
        result = open_locked(run, wait, err);
    (void)pthread_mutex_unlock(&run->lock);
    return result;
}

/* Has what was just opened show. */
static int name_opened(struct forest *forest, struct forest_run *run, struct error *err)
{
    struct fs_run *of = &run->shown;
    int64_t mtime_ns = (int64_t)clock_real_ms() * 1000000;
    (void)pthread_mutex_lock(&run->lock);
    bool known = of->run;
    if (known) {
        tree_lock_read(of->tree);
        mtime_ns = tree_root(of->tree)->mtime_ns;
        tree_unlock(of->tree);
    }
    (void)pthread_mutex_unlock(&run->lock);
    return forest_name(forest, run, mtime_ns, !known, err);
}

/* Opens what is pinned, and has it show. */
static int open_and_name(struct forest *forest, struct forest_run *run, const struct wait *wait,
                         struct error *err)
{
    int result = forest_run_open(run, wait, err);
    if (result == -ENOENT)
        forest_unname(forest, run);
    return result < 0 ? result : name_opened(forest, run, err);
}

/* The request may have been answered, and be no more. */
static void finish_job(struct forest_job *job)
{
    if (job->run)
        forest_unpin(job->run->shown.fs->forest, job->run);
    fs_deferred_free(&job->deferred);
}

/* Opens what the job waits for. What fails is answered, but for -ENOENT. */
static int open_for(struct forest_job *job)
{
    struct fs *fs = fs_of(job->deferred.req);
    struct error err = {0};
    struct wait wait = {
        .timeout_ms = fs->config.timeout_ms,
        .since_ms = job->deferred.arrived,
        .cancelled = &job->cancelled,
        .shutdown = &fs->ending,
    };
    int result = open_and_name(fs->forest, job->run, &wait, &err);
    fuse_req_interrupt_func(job->deferred.req, NULL, NULL);
    if (result == 0 || result == -ENOENT)
        return result;
    if (result != -EINTR)
        fs_warn(fs, &err);
    (void)fuse_reply_err(job->deferred.req, fs_errno(result));
    return result;
}

static void on_interrupt(fuse_req_t req, void *context)
{
    (void)req;
    cancel_request(&((struct forest_job *)context)->cancelled);
}

/* Hands an operation to a worker. RUN, which is pinned, may be NULL. */
static void submit(fuse_req_t req, fuse_ino_t ino, const char *name, struct fuse_file_info *fi,
                   fs_operation operation, struct forest_run *run, void (*work)(struct job *job))
{
    struct fs *fs = fs_of(req);
    struct forest_job *job = calloc(1, sizeof *job);
    if (!job || fs_defer(&job->deferred, req, ino, name, fi, operation) < 0) {
        free(job);
        (void)fuse_reply_err(req, ENOMEM);
        if (run)
            forest_unpin(fs->forest, run);
        return;
    }
    cancel_init(&job->cancelled);
    job->run = run;
    job->deferred.job = (struct job){.run = work, .about = run};
    if (run)
        fuse_req_interrupt_func(req, on_interrupt, job);
    workers_submit(fs->openers, &job->deferred.job);
}

/* Answers a lookup in the mount's own tree from what is there; false where that is nothing. */
static bool answer_known(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct fs_run *own = &fs_of(req)->own;
    struct fuse_entry_param entry;
    tree_lock_read(own->tree);
    struct node *node = tree_lookup(fs_node(own, parent), name, strlen(name));
    if (node)
        fs_entry(own, node, &entry);
    tree_unlock(own->tree);
    if (node && fuse_reply_entry(req, &entry) < 0)
        fs_forget(own, node, 1);
    return node;
}

/* There is no such entry, and that is so until UNTIL (clock_ms). */
static void answer_missing(fuse_req_t req, uint64_t until)
{
    uint64_t now = clock_ms();
    struct fuse_entry_param entry = {.entry_timeout = until > now ? (double)(until - now) / 1000 : 0};
    (void)fuse_reply_entry(req, &entry);
}

static uint64_t missing_until(struct forest *forest, const struct forest_run *run)
{
    (void)pthread_mutex_lock(&forest->lock);
    uint64_t until = run->missing_until;
    (void)pthread_mutex_unlock(&forest->lock);
    return until;
}

static void run_lookup(struct job *base)
{
    struct forest_job *job = (struct forest_job *)base;
    const struct fs_deferred *deferred = &job->deferred;
    struct forest *forest = fs_of(deferred->req)->forest;
    int result = open_for(job);
    if (result == -ENOENT || (result == 0 && !answer_known(deferred->req, deferred->ino, deferred->name)))
        answer_missing(deferred->req, missing_until(forest, job->run));
    finish_job(job);
}

/* The path of NAME in PARENT; false where that is none for a run or a level. */
static bool path_of(struct fs_run *own, fuse_ino_t parent, const char *name, struct strbuf *path)
{
    tree_lock_read(own->tree);
    int result = tree_path(fs_node(own, parent), path);
    tree_unlock(own->tree);
    strbuf_addf(path, "%s%s", path->len ? "/" : "", name);
    return result == 0 && !path->failed && runs_form_of(strbuf_text(path)) != RUNS_NOTHING;
}

bool forest_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct fs *fs = fs_of(req);
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(PATH_MAX_BYTES);
    if (!fs->forest || fs_run_of(fs, parent) != &fs->own)
        return false;
    if (answer_known(req, parent, name))
        return true;
    if (!path_of(&fs->own, parent, name, &path)) {
        answer_missing(req, clock_ms() + fs->config.refresh_ms);
        return true;
    }
    struct forest_run *run = forest_pin(fs->forest, strbuf_text(&path));
    uint64_t until = run ? missing_until(fs->forest, run) : 0;
    if (!run) {
        (void)fuse_reply_err(req, ENOMEM);
    } else if (until > clock_ms()) {
        answer_missing(req, until);
        forest_unpin(fs->forest, run);
    } else {
        submit(req, parent, name, NULL, NULL, run, run_lookup);
    }
    return true;
}

/* Goes on with an operation in a run that was closed. */
static void run_operation(struct job *base)
{
    struct forest_job *job = (struct forest_job *)base;
    struct fs_deferred *deferred = &job->deferred;
    int result = open_for(job);
    if (result == 0)
        fs_with_listing(deferred->req, deferred->ino, deferred->name, deferred->has_fi ? &deferred->fi : NULL,
                        deferred->operation);
    else if (result == -ENOENT)
        (void)fuse_reply_err(deferred->req, ENOENT);
    finish_job(job);
}

void forest_open_first(fuse_req_t req, struct fs_run *of, fuse_ino_t ino, const char *name,
                       struct fuse_file_info *fi, fs_operation operation)
{
    struct forest_run *run = forest_pin(of->fs->forest, ((struct forest_run *)of)->name);
    if (run)
        submit(req, ino, name, fi, operation, run, run_operation);
    else
        (void)fuse_reply_err(req, ENOMEM);
}

/* The runs in the cache. */
struct kept_names {
    struct forest_kept *names;
    size_t count;
    size_t capacity;
};

/* Without memory a run is left out until the next time. */
static void add_kept(void *context, const char *name, uint64_t listed_ms)
{
    struct kept_names *kept = context;
    char *copy = array_room(kept->names, kept->count, kept->capacity) == 0 ? strdup(name) : NULL;
    if (copy)
        kept->names[kept->count++] = (struct forest_kept){copy, (int64_t)listed_ms * 1000000};
}

/* Looks into the mount's own directories, for which the names in the cache are looked up. */
static void run_names(struct job *base)
{
    struct forest_job *job = (struct forest_job *)base;
    struct fs *fs = fs_of(job->deferred.req);
    struct kept_names kept = {0};
    runs_each_kept(fs->own.run, add_kept, &kept);
    forest_name_kept(fs->forest, kept.names, kept.count);
    for (size_t i = 0; i < kept.count; i++)
        free(kept.names[i].name);
    free(kept.names);
    fs_resume(&job->deferred);
    finish_job(job);
}

bool forest_open_directory(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct fs *fs = fs_of(req);
    if (!fs->forest || fs_run_of(fs, ino) != &fs->own)
        return false;
    submit(req, ino, NULL, fi, fs_open_directory, NULL, run_names);
    return true;
}
