/* The one reading interface; see reader.h. */
#include "reader/reader.h"

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

void reader_close(struct reader *r)
{
    if (r)
        r->ops->close(r);
}
