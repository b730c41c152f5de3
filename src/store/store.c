/* The door to object stores; see store.h. */
#include "store/store.h"

void store_close(struct store *store)
{
    if (store)
        store->ops->close(store);
}
