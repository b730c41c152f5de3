/* Getting an archive's table of contents: from disk, from the sidecar beside it, or by a pass; see archives.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runfs/artifact.h>

#include "archive/pass.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/hex.h"
#include "base/thread.h"
#include "disk/blob.h"
#include "unpack/archives_internal.h"
#include "unpack/etags.h"

#define FAILURE_KEPT_MS 1000
#define PAUSE_MS        30000 /* a pass that nobody waits for is given up after so long */

const struct tar_limits archives_tar_limits = {
    .members = ARCHIVES_MEMBERS_MAX,
    .name_bytes = TAR_NAME_BYTES_MAX,
    .hole_bytes = TAR_HOLE_BYTES_MAX,
};

/* Whether a table is one of this very object. */
static bool fits(const struct archive *archive, const struct toc *toc, const unsigned char *sha256)
{
    const struct object *object = &archive->objects.archive;
    if (toc->object_size != object->size)
        return false;
    if (sha256 && toc->has_sha256)
        return memcmp(toc->sha256, sha256, sizeof toc->sha256) == 0;
    return object->etag[0] && etags_have(toc->etag, object->etag);
}

/* A table of our own, made from what had the ETag that it was read with; by time where there is none. */
static struct toc *load_kept(struct archive *archive, const char *identity, size_t identity_len,
                             const unsigned char *sha256)
{
    struct blob blob;
    struct toc *toc = NULL;
    const struct blob_id id = blob_table(identity, identity_len);
    if (!archive->all->config.disk || !blob_read(archive->all->config.disk, &id, 0, &blob))
        return NULL;
    _cleanup_free_ void *bytes = blob.bytes;
    if (toc_read(bytes, blob.len, &toc, NULL) < 0)
        return NULL;
    bool right = toc->complete && toc->object_size == archive->objects.archive.size &&
                 (!sha256 || !toc->has_sha256 || memcmp(toc->sha256, sha256, sizeof toc->sha256) == 0) &&
                 (!archive->all->config.verify || !sha256 || toc->has_sha256);
    if (right)
        return toc;
    toc_free(toc);
    return NULL;
}

/* Reads a small object whole; NULL where that fails. */
static char *read_object(const struct archive *archive, const struct object *object, uint64_t max,
                         const struct wait *wait, size_t *ret_len)
{
    const struct archives_config *config = &archive->all->config;
    struct reader *reader;
    size_t n = 0;
    if (!object->key || object->size > max || config->open(config->context, object, &reader, NULL) < 0)
        return NULL;
    char *bytes = malloc(object->size + 1);
    size_t done = 0;
    while (bytes && done < object->size &&
           reader_pread(reader, bytes + done, object->size - done, done, wait, &n, NULL) == 0 && n)
        done += n;
    reader_close(reader);
    if (!bytes || done < object->size) {
        free(bytes);
        return NULL;
    }
    *ret_len = done;
    return bytes;
}

/* Made by whoever can write to the bucket: believed as far as it is sound and of this object. */
static struct toc *load_sidecar(struct archive *archive, const unsigned char *sha256, const struct wait *wait)
{
    size_t len;
    struct error err = {0};
    struct toc *toc = NULL;
    if (archive->all->config.verify && sha256)
        return NULL;
    _cleanup_free_ char *bytes =
        read_object(archive, &archive->objects.sidecar, ARCHIVES_SIDECAR_MAX, wait, &len);
    if (!bytes)
        return NULL;
    if (toc_read(bytes, len, &toc, &err) < 0)
        (void)error_prefix(&err, -err.code, "not used");
    else if (!toc->complete || toc->decoded_size > CACHE_DECODED_SIZE ||
             toc->members->member_count > ARCHIVES_MEMBERS_MAX || !toc->chunk_count != !toc->decoded_size ||
             !fits(archive, toc, sha256))
        (void)error_set(&err, EINVAL, "not used: it is of another object, or not complete");
    if (!err.code)
        return toc;
    if (archive->all->config.note)
        archive->all->config.note(archive->objects.sidecar.key, err.message);
    toc_free(toc);
    return NULL;
}

/* What the .sha256sum beside it says (run-outputs.md §4): false where it says nothing of that form. */
static bool read_sha256sum(const struct archive *archive, const struct wait *wait,
                           unsigned char ret_sha256[MEMBER_SHA256_SIZE])
{
    size_t len;
    char digits[RUNFS_SHA256_HEX_LEN + 1];
    _cleanup_free_ char *text = read_object(archive, &archive->objects.sha256sum, 4096, wait, &len);
    return text && runfs_companion_parse(text, len, digits, NULL) == 0 &&
           hex_parse(ret_sha256, MEMBER_SHA256_SIZE, digits);
}

static void note_member(void *context, const char *name, const char *why)
{
    const struct archive *archive = context;
    char text[512];
    if (!archive->all->config.note)
        return;
    (void)snprintf(text, sizeof text, "member '%.300s': %s", name, why);
    archive->all->config.note(archive->objects.archive.key, text);
}

/* What an earlier pass left may come from bytes that were damaged on their way. */
static bool is_kept(const struct archive *archive, uint64_t number, const void *data)
{
    bool unused;
    _cleanup_free_ char *kept = disk_object_knows(archive->disk, number) ? malloc(TOC_CHUNK_SIZE) : NULL;
    return kept && disk_object_load(archive->disk, number, kept, TOC_CHUNK_SIZE, &unused) == 0 &&
           memcmp(kept, data, TOC_CHUNK_SIZE) == 0;
}

static bool keep_on_disk(const struct archive *archive, uint64_t number, const void *data)
{
    return archive->disk && (is_kept(archive, number, data) ||
                             disk_object_save(archive->disk, number, data, TOC_CHUNK_SIZE, false) == 0);
}

static void keep_chunk(void *context, uint64_t number, const void *data)
{
    struct archive *archive = context;
    atomic_fetch_add(&archive->all->decoded, TOC_CHUNK_SIZE);
    cache_note_progress(archive->all->cache);
    bool on_disk = keep_on_disk(archive, number, data);
    (void)pthread_mutex_lock(&archive->lock);
    early_chunk(&archive->early, number, data, on_disk);
    (void)pthread_cond_broadcast(&archive->changed);
    (void)pthread_mutex_unlock(&archive->lock);
}

static void pass_begins(void *context, const struct codec *codec)
{
    struct archive *archive = context;
    (void)pthread_mutex_lock(&archive->lock);
    early_begin(&archive->early, codec);
    (void)pthread_mutex_unlock(&archive->lock);
}

static void meet_member(void *context, const struct tar_member *member)
{
    struct archive *archive = context;
    (void)pthread_mutex_lock(&archive->lock);
    early_member(&archive->early, member);
    (void)pthread_mutex_unlock(&archive->lock);
}

/* The lock is held. */
static bool is_wanted(const struct archive *archive)
{
    return archive->waiters || !TAILQ_EMPTY(&archive->requests);
}

/* Pauses while nobody waits. */
static bool go_on(void *context, uint64_t encoded, uint64_t decoded, uint64_t trusted)
{
    struct archive *archive = context;
    struct archives *all = archive->all;
    uint64_t began = clock_ms();
    (void)decoded;
    atomic_store(&archive->encoded, encoded);
    (void)pthread_mutex_lock(&archive->lock);
    archive->early.trusted = trusted;
    (void)pthread_cond_broadcast(&archive->changed);
    while (!is_wanted(archive) && !cancel_requested(&all->ending) && clock_ms() < began + PAUSE_MS &&
           !archive_must_go(archive)) {
        struct timespec until = clock_timespec(clock_ms() + WAIT_SLICE_MS);
        (void)pthread_cond_clockwait(&archive->changed, &archive->lock, CLOCK_MONOTONIC, &until);
    }
    bool wanted = is_wanted(archive) && !cancel_requested(&all->ending);
    (void)pthread_mutex_unlock(&archive->lock);
    return wanted;
}

/* What was read of an archive that could not be compared to its end. */
static int refuse(const struct archive *archive, struct pass_result *found, struct error *err)
{
    int result = error_set(err, EBADMSG, "%s: %s", archive->objects.archive.key, found->toc->problem);
    toc_free(found->toc);
    free(found->bytes);
    return result;
}

static int pass_over(struct archive *archive, const char *identity, size_t identity_len,
                     const unsigned char *sha256, const struct wait *wait, struct toc **ret_toc,
                     struct error *err)
{
    const struct archives_config *config = &archive->all->config;
    struct pass_config pass = {
        .tar = &archives_tar_limits,
        .etag = archive->stream.etag,
        .sha256 = sha256,
        .note = note_member,
        .chunk = keep_chunk,
        .go_on = go_on,
        .context = archive,
    };
    if (!config->verify || !sha256) { /* else nothing is told before all of it was compared */
        pass.begins = pass_begins;
        pass.member = meet_member;
    }
    struct pass_result found;
    struct reader *encoded;
    int result = config->open(config->context, &archive->objects.archive, &encoded, err);
    if (result < 0)
        return result;
    bool alone = !atomic_exchange(&archive->all->parallel, true);
    pass.threads = alone ? thread_cores() : 1;
    result = pass_run(&pass, encoded, wait, &found, err);
    if (alone)
        atomic_store(&archive->all->parallel, false);
    reader_close(encoded);
    if (result < 0)
        return error_prefix(err, result, "%s", archive->objects.archive.key);
    if (config->verify && sha256 && !found.toc->has_sha256)
        return refuse(archive, &found, err);
    const struct blob_id id = blob_table(identity, identity_len);
    if (found.toc->complete && config->disk)
        blob_write(config->disk, &id, clock_real_ms(), found.bytes, found.len);
    free(found.bytes);
    *ret_toc = found.toc;
    return 0;
}

static int get_table(struct archive *archive, struct toc **ret_toc, struct error *err)
{
    struct archives *all = archive->all;
    _cleanup_strbuf_ struct strbuf identity = STRBUF_INIT(IDENTITY_MAX);
    struct wait wait = {.timeout_ms = all->config.timeout_ms, .shutdown = &all->ending};
    unsigned char digest[MEMBER_SHA256_SIZE];
    const unsigned char *sha256 = read_sha256sum(archive, &wait, digest) ? digest : NULL;
    archive_identity(archive, &identity);
    if (identity.failed)
        return error_errno(err, identity.failed, "%s", archive->objects.archive.key);
    *ret_toc = load_kept(archive, strbuf_text(&identity), identity.len, sha256);
    if (!*ret_toc)
        *ret_toc = load_sidecar(archive, sha256, &wait);
    if (*ret_toc)
        return 0;
    if (!archives_begin(all))
        return error_errno(err, EINTR, "%s", archive->objects.archive.key);
    int result = pass_over(archive, strbuf_text(&identity), identity.len, sha256, &wait, ret_toc, err);
    archives_end(all);
    return result;
}

/* What came of a pass. The lock is held. */
static void settle(struct archive *archive, struct toc *toc, int result, const struct error *err)
{
    if (result == 0) {
        archive->toc = toc;
    } else {
        archive->failure = result;
        archive->failed_at = clock_ms();
        archive->why = *err;
    }
    /* what is known of an archive whose pass was given up, or could not read on, is as good as before */
    if (result == 0 || result == -EBADMSG)
        early_clear(&archive->early);
    atomic_store(&archive->encoded, 0);
    (void)pthread_cond_broadcast(&archive->changed);
}

static void *pass_thread(void *context)
{
    struct archive *archive = context;
    const struct archives_config *config = &archive->all->config;
    struct toc *toc = NULL;
    struct error err = {0};
    int result = get_table(archive, &toc, &err);
    (void)pthread_mutex_lock(&archive->lock);
    settle(archive, toc, result, &err);
    (void)pthread_mutex_unlock(&archive->lock);
    if (toc && toc->problem[0] && config->note)
        config->note(archive->objects.archive.key, toc->problem);
    if (config->ended)
        config->ended(config->context, archive);
    (void)pthread_mutex_lock(&archive->lock);
    archive->pass.runs = false;
    (void)pthread_cond_broadcast(&archive->changed);
    (void)pthread_mutex_unlock(&archive->lock);
    return NULL;
}

/* Whether the last failure still stands. What is damaged stays so; what could not be read, or was given up, may work now. */
static bool has_failed(const struct archive *archive)
{
    if (archive->failure == -EBADMSG)
        return true;
    return archive->failure && archive->failure != -ECANCELED &&
           clock_ms() < archive->failed_at + FAILURE_KEPT_MS;
}

/* 0 or -errno. The lock is held. */
static int start_pass(struct archive *archive)
{
    if (!archive->pass.runs)
        archive->failure = 0;
    return archive_thread_start(archive, &archive->pass, pass_thread);
}

bool table_go_on(struct archive *archive)
{
    if (has_failed(archive))
        return false;
    int result = start_pass(archive);
    if (result < 0) {
        archive->failure = result;
        archive->failed_at = clock_ms();
        (void)error_errno(&archive->why, -result, "%s", archive->objects.archive.key);
    }
    return result == 0;
}

/* The lock is held. */
static int await(struct archive *archive, archive_ready_fn ready, void *context, const struct wait *wait,
                 struct error *err)
{
    while (!archive->toc && !(ready && ready(archive, context))) {
        if (has_failed(archive))
            return error_set(err, -archive->failure, "%s", archive->why.message);
        if (wait->timeout_ms == 0)
            return -EAGAIN;
        if (wait_cancelled(wait))
            return error_errno(err, EINTR, "%s", archive->objects.archive.key);
        int result = start_pass(archive);
        if (result < 0)
            return error_errno(err, -result, "%s", archive->objects.archive.key);
        struct timespec until = clock_timespec(clock_ms() + WAIT_SLICE_MS);
        (void)pthread_cond_clockwait(&archive->changed, &archive->lock, CLOCK_MONOTONIC, &until);
    }
    return 0;
}

int table_await(struct archive *archive, archive_ready_fn ready, void *context, const struct wait *wait,
                struct error *err)
{
    archive->waiters++;
    (void)pthread_cond_broadcast(&archive->changed);
    int result = await(archive, ready, context, wait, err);
    archive->waiters--;
    return result;
}

int archive_table(struct archive *archive, const struct wait *wait, const struct toc **ret_toc,
                  struct error *err)
{
    (void)pthread_mutex_lock(&archive->lock);
    int result = table_await(archive, NULL, NULL, wait, err);
    if (result == 0)
        *ret_toc = archive->toc;
    (void)pthread_mutex_unlock(&archive->lock);
    return result;
}

/* A question for a name. */
struct question {
    const char *path;
    struct archive_member *answer;
};

static bool is_known(const struct archive *archive, void *context)
{
    const struct question *question = context;
    return early_find(&archive->early, question->path, &question->answer->file, question->answer->link);
}

int archive_find(struct archive *archive, const char *path, const struct wait *wait,
                 const struct toc **ret_toc, struct archive_member *ret_member, struct error *err)
{
    struct question question = {path, ret_member};
    (void)pthread_mutex_lock(&archive->lock);
    int result = table_await(archive, is_known, &question, wait, err);
    if (result == 0)
        *ret_toc = archive->toc;
    (void)pthread_mutex_unlock(&archive->lock);
    return result;
}

/* A table of our own, where it can be told without a server that it is right; NULL where it cannot. */
static struct toc *load_at_hand(struct archive *archive)
{
    struct archives *all = archive->all;
    const struct object *companion = &archive->objects.sha256sum;
    _cleanup_strbuf_ struct strbuf identity = STRBUF_INIT(IDENTITY_MAX);
    struct wait wait = {.timeout_ms = all->config.timeout_ms, .shutdown = &all->ending};
    unsigned char digest[MEMBER_SHA256_SIZE];
    if (companion->key && !all->config.here(all->config.context, companion))
        return NULL;
    const unsigned char *sha256 = read_sha256sum(archive, &wait, digest) ? digest : NULL;
    archive_identity(archive, &identity);
    return identity.failed ? NULL : load_kept(archive, strbuf_text(&identity), identity.len, sha256);
}

int archive_table_kept(struct archive *archive, const struct toc **ret_toc)
{
    (void)pthread_mutex_lock(&archive->lock);
    bool needed = !archive->toc && !archive->pass.runs;
    (void)pthread_mutex_unlock(&archive->lock);
    struct toc *toc = needed ? load_at_hand(archive) : NULL;
    (void)pthread_mutex_lock(&archive->lock);
    if (toc && !archive->toc && !archive->pass.runs) /* else a pass brings one of its own */
        settle(archive, TAKE_PTR(toc), 0, NULL);
    int result = archive->toc ? 0 : -EAGAIN;
    if (result == 0)
        *ret_toc = archive->toc;
    (void)pthread_mutex_unlock(&archive->lock);
    toc_free(toc);
    return result;
}
