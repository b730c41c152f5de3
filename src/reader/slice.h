/* Parts of a reader as readers of their own: one stretch of it, or a sparse file put together from several. */
#ifndef RUNFS_READER_SLICE_H
#define RUNFS_READER_SLICE_H

#include "reader/reader.h"

/* A part of a sparse file that is no hole. */
struct reader_extent {
    uint64_t offset; /* in the file */
    uint64_t size;
    uint64_t at; /* in what holds the file: an archive's decoded stream */
};

/* A reader of SIZE bytes from OFFSET on of WHOLE, which it takes over (closed with the reader, or at once on failure).
   -EINVAL where they lie beyond its end. */
int reader_open_slice(struct reader *whole, uint64_t offset, uint64_t size, struct reader **ret_reader,
                      struct error *err);

/* A reader of a file of SIZE bytes whose COUNT extents (copied; ascending, without overlaps) lie in WHOLE; the rest is zeros.
   Likewise. */
int reader_open_sparse(struct reader *whole, const struct reader_extent *extents, size_t count, uint64_t size,
                       struct reader **ret_reader, struct error *err);

#endif
