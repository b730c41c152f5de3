#include "base/thread.h"

#include <signal.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/wait.h"

int thread_create(pthread_t *ret_thread, size_t stack_bytes, void *(*run)(void *context), void *context)
{
    pthread_attr_t attributes;
    sigset_t all;
    sigset_t before;
    int code = pthread_attr_init(&attributes);
    if (code)
        return code;
    if (stack_bytes)
        code = pthread_attr_setstacksize(&attributes, stack_bytes);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* the new thread inherits it */
    if (!code)
        code = pthread_create(ret_thread, &attributes, run, context);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    return code;
}

void thread_join(pthread_t thread)
{
    assert_may_block("joins a thread");
    (void)pthread_join(thread, NULL);
}

unsigned thread_cores(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores > 1 ? (unsigned)cores : 1;
}
