#include "reader/slice.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct slice {
    struct reader reader;
    struct reader *whole; /* owned */
    uint64_t offset;
};

static int slice_pread(struct reader *r, void *buf, size_t len, uint64_t offset, const struct wait *wait,
                       size_t *ret_n, struct error *err)
{
    struct slice *slice = (struct slice *)r;
    return reader_pread(slice->whole, buf, len, slice->offset + offset, wait, ret_n, err);
}

static int slice_lend(struct reader *r, size_t len, uint64_t offset, const struct wait *wait,
                      struct loan *ret_loan, struct error *err)
{
    struct slice *slice = (struct slice *)r;
    return reader_lend(slice->whole, len, slice->offset + offset, wait, ret_loan, err);
}

static void slice_close(struct reader *r)
{
    reader_close(((struct slice *)r)->whole);
    free(r);
}

static const struct reader_ops slice_ops = {.pread = slice_pread, .lend = slice_lend, .close = slice_close};

static bool is_within(const struct reader *whole, uint64_t offset, uint64_t size)
{
    return offset <= whole->size && size <= whole->size - offset;
}

int reader_open_slice(struct reader *whole, uint64_t offset, uint64_t size, struct reader **ret_reader,
                      struct error *err)
{
    struct slice *slice = is_within(whole, offset, size) ? calloc(1, sizeof *slice) : NULL;
    if (!slice) {
        int code = is_within(whole, offset, size) ? ENOMEM : EINVAL;
        reader_close(whole);
        return error_errno(err, code, "slice");
    }
    slice->reader = (struct reader){&slice_ops, size};
    slice->whole = whole;
    slice->offset = offset;
    *ret_reader = &slice->reader;
    return 0;
}

struct sparse {
    struct reader reader;
    struct reader *whole; /* owned */
    size_t count;
    struct reader_extent extents[];
};

/* The first extent that ends behind OFFSET; `count` where all end before it. */
static size_t find_extent(const struct sparse *sparse, uint64_t offset)
{
    size_t low = 0;
    size_t high = sparse->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct reader_extent *extent = &sparse->extents[middle];
        if (extent->offset + extent->size <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int sparse_pread(struct reader *r, void *buf, size_t len, uint64_t offset, const struct wait *wait,
                        size_t *ret_n, struct error *err)
{
    const struct sparse *sparse = (const struct sparse *)r;
    memset(buf, 0, len);
    for (size_t i = find_extent(sparse, offset); i < sparse->count; i++) {
        const struct reader_extent *extent = &sparse->extents[i];
        if (extent->offset >= offset + len)
            break;
        uint64_t from = extent->offset > offset ? extent->offset : offset;
        uint64_t end =
            extent->offset + extent->size < offset + len ? extent->offset + extent->size : offset + len;
        size_t n = 0;
        int result = reader_pread(sparse->whole, (char *)buf + (from - offset), (size_t)(end - from),
                                  extent->at + (from - extent->offset), wait, &n, err);
        if (result < 0)
            return result;
        if (n != end - from)
            return error_set(err, EIO, "the data of a sparse file ends early");
    }
    *ret_n = len;
    return 0;
}

static void sparse_close(struct reader *r)
{
    reader_close(((struct sparse *)r)->whole);
    free(r);
}

static const struct reader_ops sparse_ops = {.pread = sparse_pread, .close = sparse_close};

/* Whether the extents are what the header asks for. */
static bool are_sound(const struct reader *whole, const struct reader_extent *extents, size_t count,
                      uint64_t size)
{
    uint64_t end = 0;
    for (size_t i = 0; i < count; i++) {
        if (extents[i].offset < end || extents[i].size > size || extents[i].offset > size - extents[i].size ||
            !is_within(whole, extents[i].at, extents[i].size))
            return false;
        end = extents[i].offset + extents[i].size;
    }
    return true;
}

int reader_open_sparse(struct reader *whole, const struct reader_extent *extents, size_t count, uint64_t size,
                       struct reader **ret_reader, struct error *err)
{
    bool sound = are_sound(whole, extents, count, size);
    struct sparse *sparse = sound ? malloc(sizeof *sparse + count * sizeof *extents) : NULL;
    if (!sparse) {
        reader_close(whole);
        return error_errno(err, sound ? ENOMEM : EINVAL, "sparse file");
    }
    sparse->reader = (struct reader){&sparse_ops, size};
    sparse->whole = whole;
    sparse->count = count;
    if (count)
        memcpy(sparse->extents, extents, count * sizeof *extents);
    *ret_reader = &sparse->reader;
    return 0;
}
