/* Lending blocks instead of copying them: one or two at a time, and never so that readers wait for one another. */
#include <errno.h>

#include "cache_test.h"

#define LONG_MS 600000

static const struct wait patient = {.timeout_ms = LONG_MS};
static const struct wait at_once = {0};

static struct reader *reader;

static void set_up(void)
{
    cache_set_up();
    reader = open_object("k", 20 * BLOCK + 1000);
    fake.at_once = true;
}

static void tear_down(void)
{
    reader_close(reader);
    cache_tear_down();
}

TestSuite(lend, .init = set_up, .fini = tear_down);

/* Whether the loan holds the pattern's LEN bytes from OFFSET on. */
static bool is_right(const struct loan *loan, uint64_t offset, size_t len)
{
    size_t done = 0;
    for (unsigned i = 0; i < loan->count; i++) {
        const struct iovec *piece = &loan->pieces[i];
        if (pattern_check(piece->iov_base, piece->iov_len, offset + done) != piece->iov_len)
            return false;
        done += piece->iov_len;
    }
    return done == len && loan->len == len;
}

Test(lend, lends_one_block_or_two)
{
    struct error err;
    struct loan loan;
    assert_ok(reader_lend(reader, 5000, 10, &patient, &loan, &err), &err);
    cr_assert_eq(loan.count, 1);
    cr_assert(is_right(&loan, 10, 5000));
    cr_assert_eq(users_of(0), 1, "it stays while it is lent");
    loan_release(&loan);
    cr_assert_eq(users_of(0), 0);
    assert_ok(reader_lend(reader, BLOCK, BLOCK / 2, &patient, &loan, &err), &err);
    cr_assert_eq(loan.count, 2);
    cr_assert(is_right(&loan, BLOCK / 2, BLOCK));
    loan_release(&loan);
    cr_assert_eq(users_of(0) + users_of(1), 0);
}

Test(lend, more_than_two_blocks_are_copied)
{
    struct error err;
    struct loan loan;
    assert_ok(reader_lend(reader, 2 * BLOCK + 2, BLOCK - 1, &patient, &loan, &err), &err);
    cr_assert(is_right(&loan, BLOCK - 1, 2 * BLOCK + 2));
    loan_release(&loan);
    for (uint64_t i = 0; i < 4; i++)
        cr_assert_eq(users_of(i), 0);
}

Test(lend, ends_with_the_object)
{
    struct error err;
    struct loan loan;
    assert_ok(reader_lend(reader, BLOCK, 20 * BLOCK + 10, &patient, &loan, &err), &err);
    cr_assert(is_right(&loan, 20 * BLOCK + 10, 990));
    loan_release(&loan);
    assert_ok(reader_lend(reader, 10, 20 * BLOCK + 1000, &patient, &loan, &err), &err);
    cr_assert_eq(loan.len, 0);
    loan_release(&loan);
}

Test(lend, where_it_may_not_wait_it_lends_what_is_here_or_nothing)
{
    struct error err = {0};
    struct loan loan;
    cr_assert_eq(reader_lend(reader, 10, 0, &at_once, &loan, &err), -EAGAIN);
    assert_ok(read_range(reader, 0, 10, &patient, &err), &err);
    assert_ok(reader_lend(reader, 10, 0, &at_once, &loan, &err), &err);
    loan_release(&loan);
    cr_assert_eq(reader_lend(reader, 10, BLOCK - 5, &at_once, &loan, &err), -EAGAIN);
    cr_assert_eq(users_of(0), 0);
    assert_ok(read_range(reader, BLOCK, 10, &patient, &err), &err);
    assert_ok(reader_lend(reader, 10, BLOCK - 5, &at_once, &loan, &err), &err);
    cr_assert(is_right(&loan, BLOCK - 5, 10));
    loan_release(&loan);
}

Test(lend, a_failure_of_either_block_holds_none)
{
    struct error err = {0};
    struct loan loan;
    fake.at_once = false;
    fake.refusal = -EACCES;
    cr_assert_eq(reader_lend(reader, 10, BLOCK - 5, &patient, &loan, &err), -EACCES);
    cr_assert_eq(users_of(0) + users_of(1), 0);
    fake.refusal = 0;
    fake.at_once = true;
    assert_ok(read_range(reader, 2 * BLOCK, 10, &patient, &err), &err);
    fake.refusal = -EACCES;
    cr_assert_eq(reader_lend(reader, 10, 3 * BLOCK - 5, &patient, &loan, &err), -EACCES);
    cr_assert_eq(users_of(2) + users_of(3), 0);
    fake.refusal = 0;
}

struct lender {
    unsigned seed;
    unsigned wrong;
};

static void *lend_pairs(void *context)
{
    struct lender *lender = context;
    struct error err;
    struct loan loan;
    for (int i = 0; i < 6; i++) {
        uint64_t offset = ((uint64_t)rand_r(&lender->seed) % 19 + 1) * BLOCK - 1000;
        if (reader_lend(reader, 2000, offset, &patient, &loan, &err) < 0) {
            lender->wrong++;
            continue;
        }
        lender->wrong += !is_right(&loan, offset, 2000);
        loan_release(&loan);
    }
    return NULL;
}

/* Where each held one block and waited for the other, two could hold the whole pool. */
static void lend_in_a_pool_of(uint64_t blocks)
{
    pthread_t threads[4];
    struct lender lenders[COUNT(threads)];
    reader_close(reader);
    cache_replace(blocks * BLOCK, 0);
    reader = open_object("k", 20 * BLOCK + 1000);
    for (unsigned i = 0; i < COUNT(threads); i++) {
        lenders[i] = (struct lender){.seed = i};
        cr_assert_eq(pthread_create(&threads[i], NULL, lend_pairs, &lenders[i]), 0);
    }
    for (unsigned i = 0; i < COUNT(threads); i++) {
        (void)pthread_join(threads[i], NULL);
        cr_assert_eq(lenders[i].wrong, 0);
    }
    cr_assert_leq(cache_used(), blocks * BLOCK);
}

Test(lend, many_lenders_of_pairs_in_a_pool_of_two)
{
    lend_in_a_pool_of(2);
}

Test(lend, many_lenders_of_pairs_in_a_pool_of_one)
{
    lend_in_a_pool_of(1);
}
