/* Whether a file is in the directory already. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/fetch.h"
#include "run/checksum.h"
#include "unpack/etags.h"

#define NSEC 1000000000

int fetch_expected(struct fetch *fetch, const struct fetch_item *item, char ret_text[SHA256_TEXT],
                   struct error *err)
{
    _cleanup_strbuf_ struct strbuf sum = STRBUF_INIT(SHA256_TEXT);
    ret_text[0] = '\0';
    if (!item->node->member) {
        int result = checksum_read(fetch->source.run, item->node, &fetch->source.wait, ret_text, err);
        return result == -ENODATA ? 0 : result;
    }
    tree_lock_read(run_tree(fetch->source.run));
    int result = run_member_sha256(fetch->source.run, item->node, &sum);
    tree_unlock(run_tree(fetch->source.run));
    if (result == 0 && sum.len == SHA256_TEXT - 1)
        memcpy(ret_text, strbuf_text(&sum), SHA256_TEXT);
    return 0;
}

/* In an install tree what may be run may be run whatever the umask says */
static mode_t mode_of(const struct fetch *fetch, const struct node *node)
{
    mode_t mode = (mode_t)node_mode(node);
    mode_t mask = fetch->target.mask;
    if (fetch->flatten)
        return (0666 & ~mask) | (mode & 0111);
    return (node->member ? mode : 0666 | (mode & 0111)) & ~mask;
}

/* Where there are no extended attributes, size and time have to do. */
int fetch_finish(const struct fetch *fetch, const struct fetch_item *item, int fd)
{
    const struct node *node = item->node;
    int64_t seconds = node->mtime_ns / NSEC - (node->mtime_ns % NSEC < 0);
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
                                {.tv_sec = seconds, .tv_nsec = (long)(node->mtime_ns - seconds * NSEC)}};
    const char *etag = node_etag(node);
    if (!node->member && etag[0])
        (void)fsetxattr(fd, FETCH_ETAG, etag, strlen(etag), 0);
    return fchmod(fd, mode_of(fetch, node)) < 0 || futimens(fd, times) < 0 ? -errno : 0;
}

static bool has_time(const struct stat *st, int64_t mtime_ns)
{
    return (int64_t)st->st_mtim.tv_sec * NSEC + st->st_mtim.tv_nsec == mtime_ns;
}

/* Whether the copy is known to be one of another object. */
static bool is_of_another(int fd, const char *etag)
{
    char known[NODE_ETAG_MAX];
    ssize_t len = etag[0] ? fgetxattr(fd, FETCH_ETAG, known, sizeof known) : -1;
    return len >= 0 && ((size_t)len != strlen(etag) || memcmp(known, etag, (size_t)len) != 0);
}

static int add_sum(void *sum, const void *bytes, size_t len, struct error *err)
{
    return digest_add(sum, bytes, len, err);
}

static bool has_sha256(struct fetch *fetch, struct reader *file, const char *expected)
{
    _cleanup_digest_ struct digest sum = {0};
    char text[SHA256_TEXT];
    return digest_begin(&sum, DIGEST_SHA256, NULL) == 0 &&
           reader_pass(file, 0, &fetch->source.wait, add_sum, &sum, NULL) == 0 &&
           digest_end_text(&sum, text, NULL) == 0 && strcmp(text, expected) == 0;
}

/* Whether the bytes themselves are the right ones, as far as there is something to compare them with. */
static bool has_content(struct fetch *fetch, const struct fetch_item *item, int fd)
{
    const char *etag = node_etag(item->node);
    char expected[SHA256_TEXT];
    char etags[ETAGS_TEXT_MAX];
    struct reader *file;
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0 || reader_open_fd(copy, item->node->size, &file, NULL) < 0)
        return false;
    bool right = false;
    if (fetch_expected(fetch, item, expected, NULL) == 0 && expected[0])
        right = has_sha256(fetch, file, expected);
    else if (!item->node->member && etag[0])
        right = etags_of(file, &fetch->source.wait, etags, NULL) == 0 && etags_have(etags, etag);
    reader_close(file);
    return right;
}

/* What is in an archive is known by its SHA-256 alone: times are often all the same there. */
static bool is_right(struct fetch *fetch, const struct fetch_item *item, int fd, const struct stat *st)
{
    bool known = !item->node->member && has_time(st, item->node->mtime_ns) &&
                 !is_of_another(fd, node_etag(item->node));
    return known || has_content(fetch, item, fd);
}

static bool has_mode(const struct fetch *fetch, const struct fetch_item *item, const struct stat *st)
{
    return !item->node->member || (st->st_mode & 07777) == mode_of(fetch, item->node);
}

bool fetch_is_here(struct fetch *fetch, const struct fetch_item *item)
{
    const char *name;
    struct stat st;
    int parent;
    if (fetch_target_open_parent(&fetch->target, item->path, &parent, &name, NULL) < 0)
        return false;
    _cleanup_close_ int fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    (void)close(parent);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size != item->node->size ||
        !is_right(fetch, item, fd, &st))
        return false;
    if (fetch->dry_run || (has_time(&st, item->node->mtime_ns) && has_mode(fetch, item, &st)))
        return true;
    return fetch_finish(fetch, item, fd) == 0;
}
