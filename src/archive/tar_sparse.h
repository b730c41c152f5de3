/* Sparse maps: which parts of a file are stored. Collected entry by entry from any of the four forms. */
#ifndef RUNFS_ARCHIVE_TAR_SPARSE_H
#define RUNFS_ARCHIVE_TAR_SPARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "archive/tar.h"
#include "archive/tar_header.h"

struct tar_sparse {
    struct reader_extent *extents; /* owned; without empty ones */
    size_t count;
    size_t capacity;
    uint64_t entries;  /* seen, empty ones too */
    uint64_t stored;   /* bytes in all */
    const char *fault; /* the first thing that is wrong with the map, NULL while nothing is */
};

/* Adds an entry; what is wrong with it becomes the map's fault. 0 or -ENOMEM. */
int tar_sparse_add(struct tar_sparse *sparse, uint64_t offset, uint64_t size);

/* Adds COUNT entries of the old GNU form, up to the first that is blank. 0 or -ENOMEM. */
int tar_sparse_add_old(struct tar_sparse *sparse, const struct tar_old_extent *extents, size_t count);

/* The map is complete: holds it against the size of the file and the bytes stored for it, and says where in the stream
   each part lies, the first at OFFSET. */
void tar_sparse_finish(struct tar_sparse *sparse, uint64_t size, uint64_t stored, uint64_t offset);

/* Empties the map; keeps its memory unless that is much. */
void tar_sparse_clear(struct tar_sparse *sparse);

/* Frees what it holds. */
void tar_sparse_done(struct tar_sparse *sparse);

/* The map of pax 1.0, which stands before the data as decimal numbers on lines: a count, then offset and size of
   each. */
struct tar_map {
    bool counted;
    bool complete;
    uint64_t wanted; /* numbers that are still to come */
    uint64_t number; /* the one that is being read */
    size_t digits;
    uint64_t offset; /* of the entry whose size comes next */
};

/* Reads the next block of a map. Sets map->complete with its end or with a fault. 0 or -ENOMEM. */
int tar_map_read(struct tar_map *map, struct tar_sparse *sparse, const unsigned char block[TAR_BLOCK_SIZE]);

#endif
