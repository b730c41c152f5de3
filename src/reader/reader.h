/* The one reading interface: everything readable is a reader, and readers stack (a member is a slice of a
   decoded stream of a cached object). */
#ifndef RUNFS_READER_READER_H
#define RUNFS_READER_READER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/error.h"
#include "base/wait.h"

struct reader;

/* Bytes that a reader lends: in order, in one piece or two. To be given back with loan_release(), before the reader is
   closed. */
struct loan {
    struct iovec pieces[2];
    unsigned count;
    size_t len;      /* of all pieces */
    void *owners[2]; /* the lender's own */
    void (*release)(struct loan *loan);
};

struct reader_ops {
    /* Reads up to LEN bytes at OFFSET into BUF and stores the count; short only at the end of the data. Never
       waits longer than WAIT allows: -EAGAIN with a zero timeout where it would have to wait, -ETIMEDOUT
       otherwise. Other errors: -ESTALE (the source changed), -EIO, -EACCES, -ENOMEM. Thread-safe. */
    int (*pread)(struct reader *r, void *buf, size_t len, uint64_t offset, const struct wait *wait,
                 size_t *ret_n, struct error *err);
    /* Likewise, but lends the bytes instead of copying them. NULL where there is nothing to lend. */
    int (*lend)(struct reader *r, size_t len, uint64_t offset, const struct wait *wait, struct loan *ret_loan,
                struct error *err);
    void (*close)(struct reader *r);
};

/* Embedded as the first member of each kind of reader. */
struct reader {
    const struct reader_ops *ops;
    uint64_t size; /* bytes in all, fixed when the reader is made */
};

/* Calls the reader's pread, see reader_ops. Past the end it stores 0. */
int reader_pread(struct reader *r, void *buf, size_t len, uint64_t offset, const struct wait *wait,
                 size_t *ret_n, struct error *err);

/* Lends up to LEN bytes at OFFSET; a reader that cannot lend reads into memory that the loan owns. */
int reader_lend(struct reader *r, size_t len, uint64_t offset, const struct wait *wait, struct loan *ret_loan,
                struct error *err);

/* The same by way of the reader's pread, for readers that can lend some ranges only. */
int reader_lend_copy(struct reader *r, size_t len, uint64_t offset, const struct wait *wait,
                     struct loan *ret_loan, struct error *err);

void loan_release(struct loan *loan);

/* Gives all from OFFSET to the end to TAKE, piece by piece in order, until that returns a failure, which is returned. */
int reader_pass(struct reader *r, uint64_t offset, const struct wait *wait,
                int (*take)(void *context, const void *bytes, size_t len, struct error *err), void *context,
                struct error *err);

/* Closes and frees a reader; NULL is allowed. No pread may be under way. */
void reader_close(struct reader *r);

/* A reader of the regular file FD, which it takes over (closed with the reader, or at once on failure). SIZE
   is the size it promises: a file that was written to since reads as -ESTALE; one that was replaced under its
   name is not noticed. */
int reader_open_fd(int fd, uint64_t size, struct reader **ret_reader, struct error *err);

#endif
