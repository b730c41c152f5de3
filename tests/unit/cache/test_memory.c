/* Memory of blocks: large ones are used again, small ones are not kept. */
#include "cache/memory.h"

#include "cache/cache.h"
#include "testing.h"

#define LARGE CACHE_BLOCK_SIZE

Test(memory, a_large_one_is_used_again)
{
    struct memory memory = {0};
    char *data = memory_take(&memory, LARGE);
    data[0] = data[LARGE - 1] = 1;
    memory_give(&memory, data, LARGE);
    cr_assert_eq(memory.count, 1);
    cr_assert_eq(memory_take(&memory, LARGE - 5), data);
    cr_assert_eq(memory.count, 0);
    memory_give(&memory, data, LARGE - 5);
    memory_trim(&memory);
    memory_trim(&memory);
    cr_assert_eq(memory.count, 0);
}

Test(memory, a_small_one_is_not_kept)
{
    struct memory memory = {0};
    char *data = memory_take(&memory, 100);
    data[99] = 1;
    memory_give(&memory, data, 100);
    cr_assert_eq(memory.count, 0);
}

Test(memory, a_spare_one_is_large_enough_for_a_whole_block)
{
    struct memory memory = {0};
    char *data = memory_take(&memory, LARGE / 2);
    memory_give(&memory, data, LARGE / 2);
    data = memory_take(&memory, LARGE);
    memset(data, 1, LARGE);
    memory_give(&memory, data, LARGE);
    memory_trim(&memory);
}

Test(memory, only_so_many_are_kept)
{
    struct memory memory = {0};
    void *taken[MEMORY_SPARES + 5];
    for (size_t i = 0; i < COUNT(taken); i++)
        taken[i] = memory_take(&memory, LARGE);
    for (size_t i = 0; i < COUNT(taken); i++)
        memory_give(&memory, taken[i], LARGE);
    cr_assert_eq(memory.count, MEMORY_SPARES);
    while (memory.count)
        memory_trim(&memory);
}
