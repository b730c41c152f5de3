/* Threads of a library: they take no signals, so that those reach the thread that waits for them. */
#ifndef RUNFS_BASE_THREAD_H
#define RUNFS_BASE_THREAD_H

#include <pthread.h>
#include <stddef.h>

/* Like pthread_create, with every signal blocked in the new thread. STACK_BYTES is its stack, 0 for the default. Returns 0
   or a positive errno. */
int thread_create(pthread_t *ret_thread, size_t stack_bytes, void *(*run)(void *context), void *context);

/* Waits until THREAD has ended, under no lock and on a thread that may wait. */
void thread_join(pthread_t thread);

/* How many threads can run at the same time. */
unsigned thread_cores(void);

#endif
