/* Monotonic time. */
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
