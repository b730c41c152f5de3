/* Copying one file: into a part that is named after the object, so that a later fetch can resume it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/common/output.h"
#include "cli/fetch.h"

#define PIECE     (1024U * 1024)
#define NAME_SIZE SHA256_TEXT

/* A file being copied. */
struct copying {
    struct fetch *fetch;
    const struct fetch_item *item;
    int fd; /* of the part */
    char part[NAME_SIZE];
    uint64_t have; /* bytes that the part had */
    bool check;    /* there is something to compare with */
    struct digest sum;
};

/* The part's name is a digest of the object's version. EXPECTED is its SHA-256, or "". */
static int name_part(struct copying *copying, const char *expected, struct error *err)
{
    const struct node *node = copying->item->node;
    _cleanup_digest_ struct digest sum = {0};
    char version[64];
    int len = snprintf(version, sizeof version, "%" PRIu64 " %" PRId64, node->size, node->mtime_ns);
    int result = digest_begin(&sum, DIGEST_SHA256, err);
    if (result == 0)
        result = digest_add(&sum, copying->item->path, strlen(copying->item->path) + 1, err);
    if (result == 0)
        result = digest_add(&sum, node_etag(node), strlen(node_etag(node)) + 1, err);
    if (result == 0)
        result = digest_add(&sum, expected, strlen(expected) + 1, err);
    if (result == 0)
        result = digest_add(&sum, version, (size_t)len, err);
    return result < 0 ? result : digest_end_text(&sum, copying->part, err);
}

static int open_part(struct copying *copying)
{
    struct stat st;
    copying->fd = openat(copying->fetch->target.parts, copying->part,
                         O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (copying->fd < 0 || fstat(copying->fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
        return -EPERM;
    /* size and time alone do not identify the object: start again */
    bool unknown = !copying->check && !node_etag(copying->item->node)[0];
    if (unknown || (uint64_t)st.st_size > copying->item->node->size) {
        if (ftruncate(copying->fd, 0) < 0)
            return -errno;
        st.st_size = 0;
    }
    copying->have = (uint64_t)st.st_size;
    return lseek(copying->fd, st.st_size, SEEK_SET) < 0 ? -errno : 0;
}

/* Hashes what the part has already. */
static int hash_part(struct copying *copying, struct error *err)
{
    _cleanup_free_ char *piece = copying->have ? malloc(PIECE) : NULL;
    uint64_t offset = 0;
    if (copying->have && !piece)
        return error_errno(err, ENOMEM, "fetch");
    while (offset < copying->have) {
        ssize_t n = pread(copying->fd, piece, PIECE, (off_t)offset);
        if (n <= 0)
            return error_errno(err, n < 0 ? errno : EIO, "its part");
        int result = digest_add(&copying->sum, piece, (size_t)n, err);
        if (result < 0)
            return result;
        offset += (uint64_t)n;
    }
    return 0;
}

static bool is_full(int result)
{
    return result == -ENOSPC || result == -EDQUOT;
}

/* Where the disk is full, nothing else fits either. */
static int write_error(struct copying *copying, int result, struct error *err)
{
    struct fetch *fetch = copying->fetch;
    if (is_full(result) && atomic_exchange(&fetch->full, true)) {
        result = -EINTR; /* it was reported by another thread */
    } else if (is_full(result)) {
        (void)error_errno(err, -result, "%s/%s: cannot write; what is whole stays, a later fetch goes on",
                          fetch->target.name, copying->item->path);
        fetch_failed(fetch, err);
        result = -EINTR;
    }
    if (result == -EINTR)
        cancel_request(&fetch->stop);
    return error_errno(err, -result, "%s/%s", fetch->target.name, copying->item->path);
}

static int write_bytes(void *context, const void *bytes, size_t len, struct error *err)
{
    struct copying *copying = context;
    struct fetch *fetch = copying->fetch;
    if (cancel_requested(&fetch->stop))
        return error_errno(err, EINTR, "fetch");
    int result = copying->check ? digest_add(&copying->sum, bytes, len, err) : 0;
    if (result < 0)
        return result;
    result = output_write_all(copying->fd, bytes, len);
    if (result < 0)
        return write_error(copying, result, err);
    progress_add(&fetch->progress, len);
    return 0;
}

static int copy_bytes(struct copying *copying, struct error *err)
{
    const struct node *node = copying->item->node;
    progress_add(&copying->fetch->progress, copying->have);
    if (copying->have == node->size)
        return 0;
    return command_run_read(&copying->fetch->source, node, copying->have, write_bytes, copying, err);
}

/* What is not what it should be does not stay, not even in part. */
static int check_sum(struct copying *copying, const char *expected, struct error *err)
{
    char text[SHA256_TEXT];
    if (!copying->check)
        return 0;
    int result = digest_end_text(&copying->sum, text, err);
    if (result < 0 || strcmp(text, expected) == 0)
        return result;
    (void)unlinkat(copying->fetch->target.parts, copying->part, 0);
    return error_set(err, EBADMSG, "%s: its SHA-256 is %s, %s says %s: not copied", copying->item->path, text,
                     copying->item->node->member ? "the archive's table" : "its .sha256sum", expected);
}

/* A file system may report at the end only that there is no room. */
static int place_part(struct copying *copying, struct error *err)
{
    struct fetch *fetch = copying->fetch;
    int result = fetch_finish(fetch, copying->item, copying->fd);
    if (result == 0 && close(TAKE_FD(copying->fd)) < 0)
        result = -errno;
    if (result < 0)
        return write_error(copying, result, err);
    result = fetch_target_place(&fetch->target, copying->part, copying->item->path, err);
    return is_full(result) ? write_error(copying, result, err) : result;
}

static int run_copying(struct copying *copying, struct error *err)
{
    char expected[SHA256_TEXT];
    int result = fetch_expected(copying->fetch, copying->item, expected, err);
    if (result == 0)
        result = name_part(copying, expected, err);
    if (result < 0)
        return result;
    copying->check = expected[0] != '\0';
    result = open_part(copying);
    if (result < 0)
        return write_error(copying, result, err);
    if (copying->check)
        result = digest_begin(&copying->sum, DIGEST_SHA256, err);
    if (result == 0 && copying->check)
        result = hash_part(copying, err);
    if (result == 0)
        result = copy_bytes(copying, err);
    if (result == 0)
        result = check_sum(copying, expected, err);
    return result < 0 ? result : place_part(copying, err);
}

int fetch_file(struct fetch *fetch, const struct fetch_item *item, struct error *err)
{
    struct copying copying = {.fetch = fetch, .item = item, .fd = -1};
    if (item->node->problem)
        return error_set(err, EIO, "%s: %s", item->path, node_problem(item->node));
    int result = run_copying(&copying, err);
    digest_done(&copying.sum);
    if (copying.fd >= 0)
        (void)close(copying.fd);
    if (result < 0)
        files_name_error(fetch->source.run, item->node, err);
    return result;
}
