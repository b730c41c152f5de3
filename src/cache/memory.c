/* Memory of blocks; see memory.h. */
#include "cache/memory.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "cache/cache.h"

/* The first size that is worth a whole block's memory. */
#define LARGE (CACHE_BLOCK_SIZE / 2)

void *memory_take(struct memory *memory, size_t len)
{
    if (len < LARGE)
        return malloc(len);
    if (memory->count)
        return memory->spares[--memory->count];
    void *data = mmap(NULL, CACHE_BLOCK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return data == MAP_FAILED ? NULL : data;
}

void memory_give(struct memory *memory, void *data, size_t len)
{
    if (len < LARGE)
        free(data);
    else if (memory->count < MEMORY_SPARES)
        memory->spares[memory->count++] = data;
    else
        (void)munmap(data, CACHE_BLOCK_SIZE);
}

void memory_trim(struct memory *memory)
{
    if (memory->count)
        (void)munmap(memory->spares[--memory->count], CACHE_BLOCK_SIZE);
}
