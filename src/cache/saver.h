/* Writing fetched blocks to disk, behind their readers, on a thread of its own. */
#ifndef RUNFS_CACHE_SAVER_H
#define RUNFS_CACHE_SAVER_H

#include "cache/pool.h"

/* Starts the thread where there is a disk cache; 0 or a positive errno. */
int saver_open(struct cache *cache);

/* Writes what is left and ends the thread. */
void saver_close(struct cache *cache);

/* Takes a block whose fetch has ended: to be written where it is whole, and to have its claim ended. The lock is held. */
void saver_take(struct block *block);

#endif
