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

/* Reads a small object whole. -ENODATA where there is none, or a larger one. */
static int read_object(const struct archive *archive, const struct object *object, uint64_t max,
                       const struct wait *wait, char **ret_bytes, size_t *ret_len, struct error *err)
{
    const struct archives_config *config = &archive->all->config;
    struct reader *reader;
    size_t n = 1;
    size_t done = 0;
    if (!object->key || object->size > max)
        return -ENODATA;
    _cleanup_free_ char *bytes = malloc(object->size + 1);
    if (!bytes)
        return error_errno(err, ENOMEM, "%s", object->key);
    int result = config->open(config->context, object, &reader, err);
    if (result < 0)
        return result;
    for (; result == 0 && n && done < object->size; done += result == 0 ? n : 0)
        result = reader_pread(reader, bytes + done, object->size - done, done, wait, &n, err);
    reader_close(reader);
    if (result == 0 && done < object->size)
        result = error_set(err, EIO, "%s: cut short", object->key);
    if (result < 0)
        return result;
    *ret_bytes = TAKE_PTR(bytes);
    *ret_len = done;
    return 0;
}

/* Made by whoever can write to the bucket: believed as far as it is sound and of this object. */
static struct toc *load_sidecar(struct archive *archive, const unsigned char *sha256, const struct wait *wait)
{
    size_t len;
    struct error err = {0};
    struct toc *toc = NULL;
    if (archive->all->config.verify && sha256)
        return NULL;
    _cleanup_free_ char *bytes = NULL;
    if (read_object(archive, &archive->objects.sidecar, ARCHIVES_SIDECAR_MAX, wait, &bytes, &len, NULL) < 0)
        return NULL;
    if (toc_read(bytes, len, &toc, &err) < 0)
        (void)error_prefix(&err, -err.code, "not used");
    else if (!toc->complete || toc->decoded_size > DECODED_SIZE_MAX ||
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

/* What the .sha256sum beside it says (run-outputs.md §4): *RET_KNOWN is DIGEST, or NULL where it says nothing of that form. Fails
   where it cannot be read and nothing may be believed without it. */
static int read_sha256sum(const struct archive *archive, const struct wait *wait,
                          unsigned char digest[MEMBER_SHA256_SIZE], const unsigned char **ret_known,
                          struct error *err)
{
    size_t len;
    char digits[RUNFS_SHA256_HEX_LEN + 1];
    _cleanup_free_ char *text = NULL;
    int result = read_object(archive, &archive->objects.sha256sum, 4096, wait, &text, &len, err);
    bool known = result == 0 && runfs_companion_parse(text, len, digits, NULL) == 0 &&
                 hex_parse(digest, MEMBER_SHA256_SIZE, digits);
    *ret_known = known ? digest : NULL;
    return result == -ENODATA || !archive->all->config.verify ? 0 : result;
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

static void keep_chunk(void *context, uint64_t number, const void *data, size_t len,
                       const struct hash128 *hash)
{
    struct archive *archive = context;
    chunk_put(archive, number, data, len, hash);
    lock_take(&archive->lock);
    early_chunk(&archive->early, number, hash);
    (void)pthread_cond_broadcast(&archive->changed);
    lock_drop(&archive->lock);
}

static void pass_begins(void *context, const struct codec *codec)
{
    struct archive *archive = context;
    lock_take(&archive->lock);
    early_begin(&archive->early, codec);
    lock_drop(&archive->lock);
}

static void meet_member(void *context, const struct tar_member *member)
{
    struct archive *archive = context;
    lock_take(&archive->lock);
    early_member(&archive->early, member);
    lock_drop(&archive->lock);
}

static void note_progress(const struct decoder *decoder)
{
    struct archive *archive = decoder->archive;
    struct pass_progress progress;
    pass_progress(decoder->pass, &progress);
    atomic_store(&archive->encoded, progress.encoded);
    cache_note_progress(archive->all->cache);
    lock_take(&archive->lock);
    archive->early.trusted = progress.trusted;
    (void)pthread_cond_broadcast(&archive->changed);
    lock_drop(&archive->lock);
}

static int begin_pass(struct decoder *decoder, const unsigned char *sha256, struct error *err)
{
    struct archive *archive = decoder->archive;
    struct archives *all = archive->all;
    decoder->alone = !atomic_exchange(&all->parallel, true);
    decoder->config = (struct pass_config){
        .threads = decoder->alone ? thread_cores() : 1,
        .tar = &archives_tar_limits,
        .etag = archive->stream.etag,
        .note = note_member,
        .chunk = keep_chunk,
        .context = archive,
    };
    if (sha256)
        decoder->config.sha256 = memcpy(decoder->sha256, sha256, sizeof decoder->sha256);
    if (!all->config.verify || !sha256) { /* else nothing is given out before all of it was compared */
        decoder->config.begins = pass_begins;
        decoder->config.member = meet_member;
    }
    int result = all->config.open(all->config.context, &archive->objects.archive, &decoder->encoded, err);
    return result < 0 ? result
                      : pass_open(&decoder->config, decoder->encoded, &all->wait, &decoder->pass, err);
}

/* What came of looking for a table. */
static void settle(struct archive *archive, struct toc *toc, int result, const struct error *err)
{
    const struct archives_config *config = &archive->all->config;
    if (result == 0 && toc->problem[0] && config->note)
        config->note(archive->objects.archive.key, toc->problem);
    lock_take(&archive->lock);
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
    (void)pthread_cond_broadcast(&archive->changed);
    lock_drop(&archive->lock);
    if (config->ended)
        config->ended(config->context, archive);
}

void table_fail(struct archive *archive, int result, const struct error *err)
{
    settle(archive, NULL, result, err);
}

bool table_find(struct archive *archive, unsigned char ret_sha256[MEMBER_SHA256_SIZE], bool *ret_has_sha256)
{
    _cleanup_strbuf_ struct strbuf identity = STRBUF_INIT(IDENTITY_MAX);
    const struct wait *wait = &archive->all->wait;
    struct error err = {0};
    const unsigned char *sha256;
    int result = read_sha256sum(archive, wait, ret_sha256, &sha256, &err);
    *ret_has_sha256 = sha256;
    archive_identity(archive, &identity);
    if (result == 0 && identity.failed)
        result = error_errno(&err, identity.failed, "%s", archive->objects.archive.key);
    if (result < 0) {
        table_fail(archive, result, &err);
        return true;
    }
    struct toc *toc = load_kept(archive, strbuf_text(&identity), identity.len, sha256);
    if (!toc)
        toc = load_sidecar(archive, sha256, wait);
    if (toc)
        settle(archive, toc, 0, NULL);
    return toc;
}

/* The table of a pass that has come to its end, where it may be used: an archive that is to be compared to its end and could not
   be is damaged. */
static int take_result(const struct archive *archive, const struct pass_result *found,
                       const unsigned char *sha256, struct error *err)
{
    const struct archives_config *config = &archive->all->config;
    _cleanup_strbuf_ struct strbuf identity = STRBUF_INIT(IDENTITY_MAX);
    if (config->verify && sha256 && !found->toc->has_sha256)
        return error_set(err, EBADMSG, "%s: %s", archive->objects.archive.key, found->toc->problem);
    archive_identity(archive, &identity);
    const struct blob_id id = blob_table(strbuf_text(&identity), identity.len);
    if (found->toc->complete && config->disk && !identity.failed)
        blob_write(config->disk, &id, clock_real_ms(), found->bytes, found->len);
    return 0;
}

bool table_step(struct decoder *decoder, const unsigned char *sha256)
{
    struct archive *archive = decoder->archive;
    struct pass_result found = {0};
    struct error err = {0};
    int result = decoder->pass ? 0 : begin_pass(decoder, sha256, &err);
    if (result == 0 && (result = pass_step(decoder->pass, &err)) > 0) {
        note_progress(decoder);
        return true;
    }
    if (result == 0)
        result = pass_finish(decoder->pass, &found, &err);
    decoder_close(decoder);
    if (result < 0)
        (void)error_prefix(&err, result, "%s", archive->objects.archive.key);
    else
        result = take_result(archive, &found, sha256, &err);
    free(found.bytes);
    if (result < 0)
        toc_free(found.toc);
    settle(archive, found.toc, result, &err);
    return false;
}

/* What is damaged stays so; what could not be read may work now. */
bool table_has_failed(const struct archive *archive)
{
    return archive->failure == -EBADMSG ||
           (archive->failure && clock_ms() < archive->failed_at + FAILURE_KEPT_MS);
}

static uint64_t deadline_of(const struct archive *archive, const struct wait *wait)
{
    return wait_deadline(wait, cache_progress_at(archive->all->cache));
}

/* Waits once for what the job brings. The lock is held. */
static int await_change(struct archive *archive, const struct wait *wait, struct error *err)
{
    const char *key = archive->objects.archive.key;
    archive->failure = 0;
    int result = archive->working ? 0 : job_start(archive);
    if (result < 0)
        return error_errno(err, -result, "%s", key);
    result = wait_on(wait, &archive->lock, &archive->changed, deadline_of(archive, wait));
    if (result == -EINTR)
        return error_errno(err, EINTR, "%s", key);
    if (clock_ms() < deadline_of(archive, wait))
        return 0;
    return error_set(err, ETIMEDOUT, "%s: timed out: no progress for %.1f s", key,
                     (double)wait->timeout_ms / 1000);
}

int table_await(struct archive *archive, archive_ready_fn ready, void *context, const struct wait *wait,
                struct error *err)
{
    struct wait own = *wait;
    int result = 0;
    if (!own.since_ms)
        own.since_ms = clock_ms();
    if (wait->timeout_ms && !archive->toc && archive->working)
        (void)pthread_cond_broadcast(&archive->changed); /* for the job, which may do nothing */
    archive->waiters++;
    while (result == 0 && !archive->toc && !(ready && ready(archive, context))) {
        if (table_has_failed(archive))
            result = error_set(err, -archive->failure, "%s", archive->why.message);
        else
            result = wait->timeout_ms ? await_change(archive, &own, err) : -EAGAIN;
    }
    archive->waiters--;
    return result;
}

int archive_table(struct archive *archive, const struct wait *wait, const struct toc **ret_toc,
                  struct error *err)
{
    lock_take(&archive->lock);
    int result = table_await(archive, NULL, NULL, wait, err);
    if (result == 0)
        *ret_toc = archive->toc;
    lock_drop(&archive->lock);
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
    lock_take(&archive->lock);
    int result = table_await(archive, is_known, &question, wait, err);
    if (result == 0)
        *ret_toc = archive->toc;
    lock_drop(&archive->lock);
    return result;
}

/* A table of our own, where it can be told without a server that it is right; NULL where it cannot. */
static struct toc *load_at_hand(struct archive *archive)
{
    struct archives *all = archive->all;
    const struct object *companion = &archive->objects.sha256sum;
    _cleanup_strbuf_ struct strbuf identity = STRBUF_INIT(IDENTITY_MAX);
    unsigned char digest[MEMBER_SHA256_SIZE];
    if (companion->key && !all->config.here(all->config.context, companion))
        return NULL;
    const unsigned char *sha256;
    if (read_sha256sum(archive, &all->wait, digest, &sha256, NULL) < 0)
        return NULL;
    archive_identity(archive, &identity);
    return identity.failed ? NULL : load_kept(archive, strbuf_text(&identity), identity.len, sha256);
}

int archive_table_kept(struct archive *archive, const struct toc **ret_toc)
{
    lock_take(&archive->lock);
    bool needed = !archive->toc && !archive->working;
    lock_drop(&archive->lock);
    struct toc *toc = needed ? load_at_hand(archive) : NULL;
    lock_take(&archive->lock);
    if (toc && !archive->toc && !archive->working) /* else the job brings one of its own */
        archive->toc = TAKE_PTR(toc);
    int result = archive->toc ? 0 : -EAGAIN;
    if (result == 0)
        *ret_toc = archive->toc;
    lock_drop(&archive->lock);
    toc_free(toc);
    return result;
}
