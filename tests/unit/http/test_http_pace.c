/* How many requests run at once: one halving a burst, one more after a round of good answers, bounds. */
#include "http/http_pace.h"

#include "testing.h"

static struct http_pace pace;

/* COUNT attempts started and answered well. */
static void good_answers(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        http_pace_good(&pace, http_pace_start(&pace));
}

Test(http_pace, begins_with_all_and_never_passes_them)
{
    http_pace_init(&pace, 8);
    cr_assert_eq(pace.allowed, 8);
    good_answers(1000);
    cr_assert_eq(pace.allowed, 8);
}

Test(http_pace, one_burst_of_refusals_halves_once)
{
    uint64_t attempts[8];
    http_pace_init(&pace, 8);
    for (size_t i = 0; i < COUNT(attempts); i++)
        attempts[i] = http_pace_start(&pace);
    for (size_t i = 0; i < COUNT(attempts); i++)
        http_pace_throttled(&pace, attempts[i]);
    cr_assert_eq(pace.allowed, 4);
    http_pace_throttled(&pace, http_pace_start(&pace));
    cr_assert_eq(pace.allowed, 2);
}

Test(http_pace, one_is_always_allowed)
{
    static const unsigned mosts[] = {1, 2, 3, 32};
    for (size_t i = 0; i < COUNT(mosts); i++) {
        http_pace_init(&pace, mosts[i]);
        for (int n = 0; n < 100; n++)
            http_pace_throttled(&pace, http_pace_start(&pace));
        cr_assert_eq(pace.allowed, 1);
    }
}

Test(http_pace, grows_by_one_after_as_many_good_answers_as_are_allowed)
{
    http_pace_init(&pace, 5);
    for (int n = 0; n < 3; n++)
        http_pace_throttled(&pace, http_pace_start(&pace));
    for (unsigned allowed = 1; allowed < 5; allowed++) {
        good_answers(allowed - 1);
        cr_assert_eq(pace.allowed, allowed);
        good_answers(1);
        cr_assert_eq(pace.allowed, allowed + 1);
    }
}

/* What was on the wire already tells nothing of the fewer that are allowed now. */
Test(http_pace, answers_from_before_a_halving_do_not_count)
{
    http_pace_init(&pace, 8);
    uint64_t before[4];
    for (size_t i = 0; i < COUNT(before); i++)
        before[i] = http_pace_start(&pace);
    http_pace_throttled(&pace, http_pace_start(&pace));
    for (size_t i = 0; i < COUNT(before); i++)
        http_pace_good(&pace, before[i]);
    cr_assert_eq(pace.allowed, 4);
    good_answers(3);
    http_pace_throttled(&pace, http_pace_start(&pace));
    good_answers(1);
    cr_assert_eq(pace.allowed, 2, "a halving begins a new round");
}
