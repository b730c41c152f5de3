#include "cli/signals.h"

#include <time.h>

#include "base/thread.h"

#define LOOK_NS 100000000

/* What the caller had us ignore, as nohup(1) does, stays ignored: a blocked signal would come all the same. */
static void add_signal(sigset_t *set, int number)
{
    struct sigaction action;
    if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_IGN)
        (void)sigaddset(set, number);
}

static void fill_signals(sigset_t *set)
{
    (void)sigemptyset(set);
    add_signal(set, SIGINT);
    add_signal(set, SIGTERM);
    add_signal(set, SIGHUP);
}

/* All threads have them blocked: they wait here. */
static void *wait_for_signal(void *context)
{
    const struct timespec pause = {.tv_nsec = LOOK_NS};
    struct signals *signals = context;
    sigset_t set;
    fill_signals(&set);
    while (!atomic_load(&signals->done)) {
        int number = sigtimedwait(&set, NULL, &pause);
        if (number <= 0)
            continue;
        signals->number = number;
        cancel_request(signals->stop);
        break;
    }
    return NULL;
}

void signals_begin(struct signals *signals, struct cancel *stop)
{
    sigset_t set;
    *signals = (struct signals){.stop = stop};
    fill_signals(&set);
    (void)pthread_sigmask(SIG_BLOCK, &set, &signals->before);
    signals->watched = thread_create(&signals->thread, 0, wait_for_signal, signals) == 0;
    if (!signals->watched)
        (void)pthread_sigmask(SIG_SETMASK, &signals->before, NULL);
}

void signals_end(struct signals *signals)
{
    if (!signals->watched)
        return;
    atomic_store(&signals->done, true);
    (void)pthread_join(signals->thread, NULL);
    (void)pthread_sigmask(SIG_SETMASK, &signals->before, NULL);
}

void signals_die(const struct signals *signals)
{
    if (!signals->number)
        return;
    (void)signal(signals->number, SIG_DFL);
    (void)raise(signals->number);
}
