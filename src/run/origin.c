/* Origins; see origin.h. What has been added is never changed, so that looking takes no lock. */
#include "run/origin.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/lock.h"
#include "run/run.h"

struct origins {
    struct lock lock; /* adding */
    _Atomic uint32_t count;
    struct origin list[ORIGINS_MAX]; /* those below COUNT are constant */
};

int origins_new(struct run *self, struct origins **ret_origins, struct error *err)
{
    struct origins *origins = calloc(1, sizeof *origins);
    if (!origins)
        return error_errno(err, ENOMEM, "run");
    lock_init(&origins->lock, LOCK_LEAF);
    origins->list[0].run = self;
    atomic_store(&origins->count, 1);
    *ret_origins = origins;
    return 0;
}

int origins_add(struct origins *origins, struct origin origin, uint16_t *ret_number, struct error *err)
{
    lock_take(&origins->lock);
    uint32_t number = atomic_load(&origins->count);
    if (number < ORIGINS_MAX) {
        origins->list[number] = origin;
        atomic_store(&origins->count, number + 1);
    }
    lock_drop(&origins->lock);
    if (number == ORIGINS_MAX)
        return error_set(err, ENOSPC, "more than %d other runs and local sources", ORIGINS_MAX);
    *ret_number = (uint16_t)number;
    return 0;
}

struct origin origins_at(const struct origins *origins, uint16_t number)
{
    return number < atomic_load(&origins->count) ? origins->list[number] : (struct origin){0};
}

uint16_t origins_count(const struct origins *origins)
{
    return (uint16_t)atomic_load(&origins->count);
}

void origins_close(struct origins *origins)
{
    if (!origins)
        return;
    for (uint16_t i = 1; i < origins_count(origins); i++) {
        run_close(origins->list[i].run);
        store_close(origins->list[i].store);
    }
    lock_done(&origins->lock);
    free(origins);
}
