/* Arrays that grow. */
#include "base/array.h"

#include "testing.h"

Test(array, keeps_its_items_while_it_grows)
{
    unsigned *items = NULL;
    size_t count = 0;
    size_t capacity = 0;
    for (unsigned i = 0; i < 10000; i++) {
        cr_assert_eq(array_room(items, count, capacity), 0);
        items[count++] = i;
    }
    for (unsigned i = 0; i < 10000; i++)
        cr_assert_eq(items[i], i);
    free(items);
}

Test(array, stays_as_it_is_where_it_cannot_grow)
{
    static char one;
    char *items = &one;
    size_t count = SIZE_MAX;
    size_t capacity = SIZE_MAX;
    cr_assert_eq(array_room(items, count, capacity), -ENOMEM);
    cr_assert(items == &one && capacity == SIZE_MAX);
}
