#include "reader/reader.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

#define PASS_STEP (1024U * 1024) /* what a cache has in one piece */

int reader_pread(struct reader *r, void *buf, size_t len, uint64_t offset, const struct wait *wait,
                 size_t *ret_n, struct error *err)
{
    if (offset >= r->size || len == 0) {
        *ret_n = 0;
        return 0;
    }
    if (len > r->size - offset)
        len = (size_t)(r->size - offset);
    return r->ops->pread(r, buf, len, offset, wait, ret_n, err);
}

static void free_copy(struct loan *loan)
{
    free(loan->owners[0]);
}

int reader_lend_copy(struct reader *r, size_t len, uint64_t offset, const struct wait *wait,
                     struct loan *ret_loan, struct error *err)
{
    _cleanup_free_ char *bytes = malloc(len);
    size_t n;
    if (!bytes)
        return error_errno(err, ENOMEM, "read");
    int result = r->ops->pread(r, bytes, len, offset, wait, &n, err);
    if (result < 0)
        return result;
    *ret_loan = (struct loan){.pieces = {{bytes, n}}, .count = 1, .len = n, .release = free_copy};
    ret_loan->owners[0] = TAKE_PTR(bytes);
    return 0;
}

static void free_nothing(struct loan *loan)
{
    (void)loan;
}

int reader_lend(struct reader *r, size_t len, uint64_t offset, const struct wait *wait, struct loan *ret_loan,
                struct error *err)
{
    if (offset >= r->size || len == 0) {
        *ret_loan = (struct loan){.release = free_nothing};
        return 0;
    }
    if (len > r->size - offset)
        len = (size_t)(r->size - offset);
    return r->ops->lend ? r->ops->lend(r, len, offset, wait, ret_loan, err)
                        : reader_lend_copy(r, len, offset, wait, ret_loan, err);
}

int reader_pass(struct reader *r, uint64_t offset, const struct wait *wait,
                int (*take)(void *context, const void *bytes, size_t len, struct error *err), void *context,
                struct error *err)
{
    int result = 0;
    while (result == 0 && offset < r->size) {
        struct loan loan;
        result = reader_lend(r, PASS_STEP - (size_t)(offset % PASS_STEP), offset, wait, &loan, err);
        if (result < 0)
            return result;
        for (unsigned i = 0; result == 0 && i < loan.count; i++)
            result = take(context, loan.pieces[i].iov_base, loan.pieces[i].iov_len, err);
        offset += loan.len;
        loan_release(&loan);
    }
    return result;
}

void loan_release(struct loan *loan)
{
    loan->release(loan);
}

void reader_close(struct reader *r)
{
    if (r)
        r->ops->close(r);
}
