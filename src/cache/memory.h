/* Memory of blocks. All but small ones come from the kernel itself, since the allocator's heaps would keep much more than
   is in use; large ones are used again, since the kernel's zeroing costs as much as a copy. */
#ifndef RUNFS_CACHE_MEMORY_H
#define RUNFS_CACHE_MEMORY_H

#include <stddef.h>

#define MEMORY_SPARES 64

/* Guarded by the cache's lock. */
struct memory {
    void *spares[MEMORY_SPARES]; /* of CACHE_BLOCK_SIZE each, owned */
    unsigned count;
};

/* Memory for LEN bytes, at most CACHE_BLOCK_SIZE. NULL where there is none. */
void *memory_take(struct memory *memory, size_t len);

/* Gives it back; a large one is kept. */
void memory_give(struct memory *memory, void *data, size_t len);

/* Frees a spare one; nothing where there is none. */
void memory_trim(struct memory *memory);

#endif
