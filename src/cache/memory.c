/* Memory of blocks; see memory.h. */
#include "cache/memory.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "cache/cache.h"

#define SMALL (64U * 1024)           /* below: the allocator's */
#define LARGE (CACHE_BLOCK_SIZE / 2) /* from here on: a whole block's, used again */

static void *map(size_t len)
{
    void *data = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return data == MAP_FAILED ? NULL : data;
}

void *memory_take(struct memory *memory, size_t len)
{
    if (len < SMALL)
        return malloc(len);
    if (len < LARGE)
        return map(len);
    return memory->count ? memory->spares[--memory->count] : map(CACHE_BLOCK_SIZE);
}

void memory_give(struct memory *memory, void *data, size_t len)
{
    if (len < SMALL)
        free(data);
    else if (len < LARGE)
        (void)munmap(data, len);
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
