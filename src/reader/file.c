/* A local file as a reader: answers from the page cache at once, and waits for the disk only where it may. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "base/wait.h"
#include "reader/reader.h"

struct file_reader {
    struct reader reader;
    int fd;                /* owned */
    struct timespec mtime; /* as opened: a file that was written to since gives no mixed bytes */
};

/* Bytes read after the file was changed could mix old and new content. */
static int check_unchanged(const struct file_reader *f, struct error *err)
{
    struct stat st;
    if (fstat(f->fd, &st) < 0)
        return error_errno(err, EIO, "fstat");
    if (st.st_mtim.tv_sec != f->mtime.tv_sec || st.st_mtim.tv_nsec != f->mtime.tv_nsec ||
        (uint64_t)st.st_size != f->reader.size)
        return error_set(err, ESTALE, "the file changed while it was open");
    return 0;
}

static int file_pread(struct reader *r, void *buf, size_t len, uint64_t offset, const struct wait *wait,
                      size_t *ret_n, struct error *err)
{
    struct file_reader *f = (struct file_reader *)r;
    bool nowait = wait->timeout_ms == 0;
    size_t done = 0;
    lock_assert_none("reads a file");
    if (!nowait)
        assert_may_wait("reads a file");
    while (done < len) {
        struct iovec iov = {(char *)buf + done, len - done};
        ssize_t n = preadv2(f->fd, &iov, 1, (off_t)(offset + done), nowait ? RWF_NOWAIT : 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && nowait && (errno == EAGAIN || errno == EOPNOTSUPP))
            return -EAGAIN;
        if (n < 0)
            return error_errno(err, errno, "read");
        if (n == 0)
            return error_set(err, ESTALE, "the file became shorter while it was open");
        done += (size_t)n;
    }
    int result = check_unchanged(f, err);
    if (result < 0)
        return result;
    *ret_n = done;
    return 0;
}

static void file_close(struct reader *r)
{
    struct file_reader *f = (struct file_reader *)r;
    assert_may_block("closes a file");
    (void)close(f->fd);
    free(f);
}

static const struct reader_ops file_ops = {.pread = file_pread, .close = file_close};

int reader_open_fd(int fd, uint64_t size, struct reader **ret_reader, struct error *err)
{
    _cleanup_close_ int owned = fd;
    struct stat st;
    assert_may_block("opens a file");
    if (fstat(fd, &st) < 0)
        return error_errno(err, errno, "fstat");
    if (!S_ISREG(st.st_mode))
        return error_set(err, EINVAL, "not a regular file");
    struct file_reader *f = calloc(1, sizeof *f);
    if (!f)
        return error_errno(err, ENOMEM, "open");
    f->reader = (struct reader){&file_ops, size};
    f->fd = TAKE_FD(owned);
    f->mtime = st.st_mtim;
    *ret_reader = &f->reader;
    return 0;
}
