/* Arrays that grow: a pointer to items, their count and capacity, all zero at first, which their owner frees with free(3). */
#ifndef RUNFS_BASE_ARRAY_H
#define RUNFS_BASE_ARRAY_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

static inline void *array_grow(void *items, size_t *capacity, size_t size)
{
    size_t larger = *capacity ? 2 * *capacity : 16;
    void *grown = larger > *capacity ? reallocarray(items, larger, size) : NULL;
    if (grown)
        *capacity = larger;
    return grown;
}

/* Makes room for one more item behind COUNT. 0, or -ENOMEM: all stays as it is. ITEMS and CAPACITY are lvalues, a pointer and a
   size_t. */
#define array_room(items, count, capacity)                                                                   \
    __extension__({                                                                                          \
        void *grown_ = (items);                                                                              \
        if ((count) == (capacity) && (grown_ = array_grow(grown_, &(capacity), sizeof *(items))))            \
            (items) = grown_;                                                                                \
        grown_ ? 0 : -ENOMEM;                                                                                \
    })

#endif
