/* Which entries of a directory are fetched ahead when its files are opened in turn. */
#include "run/siblings.h"

#include "testing.h"

static struct siblings siblings;

static void set_up(void)
{
    siblings_init(&siblings);
}

static void tear_down(void)
{
    siblings_done(&siblings);
}

TestSuite(siblings, .init = set_up, .fini = tear_down);

static const int directories[SIBLINGS_TRAILS + 1];

/* Opens entry INDEX; how many entries are to be fetched, checked to be the next ones not asked for yet. */
static size_t opened(const void *directory, size_t index, size_t *asked)
{
    size_t from = 0;
    size_t to = 0;
    if (!siblings_opened(&siblings, directory, index, &from, &to))
        return 0;
    cr_assert_gt(from, index, "what is opened is not fetched ahead");
    cr_assert_geq(from, *asked, "nothing is asked for twice");
    cr_assert_gt(to, from);
    *asked = to;
    return to - from;
}

Test(siblings, a_first_file_fetches_nothing)
{
    size_t asked = 0;
    cr_assert_eq(opened(&directories[0], 0, &asked), 0);
    cr_assert_eq(opened(&directories[1], 7, &asked), 0);
}

/* grep -r over a large directory: in the end all are asked for once, in growing batches. */
Test(siblings, files_in_turn_fetch_the_next_ones_each_once)
{
    size_t asked = 0;
    unsigned batches = 0;
    for (size_t i = 0; i < 1000; i++) {
        size_t count = opened(&directories[0], i, &asked);
        batches += count > 0;
        cr_assert_leq(count, 64 + 1);
        if (i > 1)
            cr_assert_gt(asked, i, "entry %zu was asked for before it is opened", i);
    }
    cr_assert_lt(batches, 60);
}

Test(siblings, a_few_entries_may_be_passed_over)
{
    size_t asked = 0;
    (void)opened(&directories[0], 0, &asked);
    cr_assert_gt(opened(&directories[0], 3, &asked), 0);
    for (size_t i = 6; i < 200; i += 3)
        (void)opened(&directories[0], i, &asked);
    cr_assert_gt(asked, 197);
}

Test(siblings, opening_a_file_again_changes_nothing)
{
    size_t asked = 0;
    (void)opened(&directories[0], 0, &asked);
    (void)opened(&directories[0], 1, &asked);
    size_t before = asked;
    for (int i = 0; i < 5; i++)
        cr_assert_eq(opened(&directories[0], 1, &asked), 0);
    cr_assert_eq(asked, before);
}

Test(siblings, files_in_no_order_fetch_nothing)
{
    static const size_t order[] = {50, 3, 90, 20, 70, 10, 100, 5, 0};
    size_t asked = 0;
    for (size_t i = 0; i < COUNT(order); i++)
        cr_assert_eq(opened(&directories[0], order[i], &asked), 0);
}

Test(siblings, directories_are_remembered_at_the_same_time)
{
    size_t asked[SIBLINGS_TRAILS] = {0};
    for (size_t index = 0; index < 50; index++)
        for (size_t i = 0; i < SIBLINGS_TRAILS; i++)
            (void)opened(&directories[i], index, &asked[i]);
    for (size_t i = 0; i < SIBLINGS_TRAILS; i++)
        cr_assert_gt(asked[i], 50);
}

Test(siblings, one_directory_more_than_remembered_is_only_slower)
{
    size_t asked = 0;
    for (size_t index = 0; index < 10; index++)
        for (size_t i = 0; i < COUNT(directories); i++)
            cr_assert_eq(opened(&directories[i], index, &asked), 0);
}

/* Where there was no room, the rest is asked for again. */
Test(siblings, what_was_not_reached_is_asked_for_again)
{
    size_t from;
    size_t to;
    size_t asked = 0;
    (void)opened(&directories[0], 0, &asked);
    cr_assert(siblings_opened(&siblings, &directories[0], 1, &from, &to));
    siblings_reached(&siblings, &directories[0], from + 1);
    size_t again = 0;
    for (size_t i = 2; i < 8 && !again; i++)
        if (siblings_opened(&siblings, &directories[0], i, &again, &to))
            cr_assert_eq(again, from + 1 > i + 1 ? from + 1 : i + 1);
    cr_assert(again);
    siblings_reached(&siblings, &directories[1], 5);
}
