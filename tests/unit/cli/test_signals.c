/* Signals that ask a command to end. */
#include <criterion/criterion.h>
#include <errno.h>
#include <unistd.h>

#include "cli/signals.h"

Test(signals, what_was_ignored_stays_ignored, .timeout = 20)
{
    struct cancel stop = CANCEL_INIT;
    struct signals signals;
    cr_assert_neq(signal(SIGHUP, SIG_IGN), SIG_ERR);
    signals_begin(&signals, &stop);
    cr_assert_eq(kill(getpid(), SIGHUP), 0);
    cr_assert_eq(kill(getpid(), SIGTERM), 0); /* would come second */
    while (!cancel_requested(&stop))
        (void)usleep(1000);
    signals_end(&signals);
    cr_assert_eq(signals.number, SIGTERM);
}

Test(signals, a_signal_is_noted, .timeout = 20)
{
    struct cancel stop = CANCEL_INIT;
    struct signals signals;
    cr_assert_neq(signal(SIGHUP, SIG_DFL), SIG_ERR);
    signals_begin(&signals, &stop);
    cr_assert_eq(kill(getpid(), SIGHUP), 0);
    while (!cancel_requested(&stop))
        (void)usleep(1000);
    signals_end(&signals);
    cr_assert_eq(signals.number, SIGHUP);
}

Test(signals, without_one_the_end_is_not_waited_for, .timeout = 20)
{
    struct cancel stop = CANCEL_INIT;
    struct signals signals;
    for (int i = 0; i < 1000; i++) {
        signals_begin(&signals, &stop);
        signals_end(&signals);
        cr_assert_eq(signals.number, 0);
    }
    cr_assert_not(cancel_requested(&stop));
}
