/* Monotonic time, and what a waiter allows. */
#include "base/clock.h"

#include "testing.h"

Test(clock, never_goes_back)
{
    uint64_t last = clock_ms();
    for (int i = 0; i < 1000; i++) {
        uint64_t now = clock_ms();
        cr_assert_geq(now, last);
        last = now;
    }
}

Test(clock, converts_milliseconds)
{
    struct timespec time = clock_timespec(12345);
    cr_assert_eq(time.tv_sec, 12);
    cr_assert_eq(time.tv_nsec, 345000000);
    time = clock_timespec(999);
    cr_assert_eq(time.tv_sec, 0);
    cr_assert_eq(time.tv_nsec, 999000000);
}

Test(clock, a_wait_is_cancelled_by_its_own_flag_or_the_sessions)
{
    atomic_bool own = false;
    atomic_bool session = false;
    struct wait wait = {.timeout_ms = 1000};
    cr_assert_not(wait_cancelled(&wait));
    wait.cancelled = &own;
    wait.shutdown = &session;
    cr_assert_not(wait_cancelled(&wait));
    atomic_store(&own, true);
    cr_assert(wait_cancelled(&wait));
    atomic_store(&own, false);
    atomic_store(&session, true);
    cr_assert(wait_cancelled(&wait));
}
