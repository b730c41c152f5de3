/* The same work on many things at once. */
#ifndef RUNFS_BASE_PARALLEL_H
#define RUNFS_BASE_PARALLEL_H

#include <stddef.h>

#define PARALLEL_MAX 64 /* threads */

/* Calls RUN with CONTEXT and each index below COUNT, in ascending order, THREADS of them at once where so many threads can
   be had, and returns when all are done. The caller's thread is one of them, the only one that takes signals;
   it holds no lock. */
void parallel_each(size_t count, unsigned threads, void (*run)(void *context, size_t index), void *context);

#endif
