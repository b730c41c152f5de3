#include "cli/signals.h"

#include "base/thread.h"

#define SIGNAL_WAKE SIGURG /* ends the waiting; its default is to be ignored */

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

/* All threads have them blocked: they are accepted here. */
static void *wait_for_signal(void *context)
{
    struct signals *signals = context;
    sigset_t set;
    int number = SIGNAL_WAKE;
    fill_signals(&set);
    (void)sigaddset(&set, SIGNAL_WAKE);
    while (number == SIGNAL_WAKE && !atomic_load(&signals->done))
        if (sigwait(&set, &number) != 0)
            return NULL;
    if (number != SIGNAL_WAKE) {
        signals->number = number;
        cancel_request(signals->stop);
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
    (void)pthread_kill(signals->thread, SIGNAL_WAKE);
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
