/* The threads of operations: every job once, in order, as many at once as are allowed. */
#include "fs/executor.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "testing.h"

#define MAX 4

struct test_job {
    struct job job;
    unsigned number;
    sem_t *gate; /* waited for, where there is one */
};

static struct executor *executor;
static struct executor_class classes[2]; /* the second has as many threads as it needs */
static unsigned order[10000];            /* complete as far as ENDED says, and only then to be read */
static atomic_uint places;
static atomic_uint ended;
static atomic_uint running;
static atomic_uint most;
static sem_t gate;

static void run(struct job *job)
{
    struct test_job *t = (struct test_job *)job;
    unsigned now = atomic_fetch_add(&running, 1) + 1;
    unsigned before = atomic_load(&most);
    while (now > before && !atomic_compare_exchange_weak(&most, &before, now))
        ;
    if (t->gate)
        (void)sem_wait(t->gate);
    atomic_fetch_sub(&running, 1);
    order[atomic_fetch_add(&places, 1)] = t->number;
    free(t);
    atomic_fetch_add(&ended, 1);
}

static void submit(unsigned number, const void *key, sem_t *wait_for)
{
    struct test_job *t = malloc(sizeof *t);
    *t = (struct test_job){.job = {.run = run, .key = (uintptr_t)key}, .number = number, .gate = wait_for};
    cr_assert_eq(executor_submit(executor, &t->job), 0);
}

static void open_pool(unsigned max, unsigned share)
{
    struct error err;
    executor_free(executor);
    classes[0] = (struct executor_class){max, share};
    classes[1] = (struct executor_class){1, 1};
    assert_ok(executor_open(classes, COUNT(classes), &executor, &err), &err);
}

static void set_up(void)
{
    (void)sem_init(&gate, 0, 0);
    open_pool(MAX, MAX);
}

static void tear_down(void)
{
    executor_free(executor);
    (void)sem_destroy(&gate);
}

TestSuite(executor, .init = set_up, .fini = tear_down);

Test(executor, each_job_runs_once)
{
    static bool seen[COUNT(order)];
    for (unsigned i = 0; i < COUNT(order); i++)
        submit(i, NULL, NULL);
    wait_until(atomic_load(&ended) == COUNT(order));
    for (size_t i = 0; i < COUNT(order); i++) {
        cr_assert_not(seen[order[i]], "job %u ran twice", order[i]);
        seen[order[i]] = true;
    }
    cr_assert_leq(atomic_load(&most), MAX);
}

Test(executor, one_thread_runs_jobs_in_order)
{
    open_pool(1, 1);
    submit(0, NULL, &gate);
    for (unsigned i = 1; i < 100; i++)
        submit(i, NULL, NULL);
    (void)sem_post(&gate);
    wait_until(atomic_load(&ended) == 100);
    for (unsigned i = 0; i < 100; i++)
        cr_assert_eq(order[i], i);
}

Test(executor, as_many_jobs_wait_at_once_as_there_are_threads)
{
    for (unsigned i = 0; i < 3 * MAX; i++)
        submit(i, NULL, &gate);
    wait_until(atomic_load(&running) == MAX);
    for (unsigned i = 0; i < 3 * MAX; i++)
        (void)sem_post(&gate);
    wait_until(atomic_load(&ended) == 3 * MAX);
    cr_assert_eq(atomic_load(&most), MAX);
}

/* A file that hangs leaves threads for the others. */
Test(executor, jobs_of_one_key_get_a_share_of_the_threads)
{
    static const int stuck;
    static const int other;
    open_pool(MAX, 2);
    for (unsigned i = 0; i < 20; i++)
        submit(i, &stuck, &gate);
    wait_until(atomic_load(&running) == 2);
    for (unsigned i = 0; i < 50; i++)
        submit(100 + i, i % 2 ? &other : NULL, NULL);
    wait_until(atomic_load(&ended) == 50);
    cr_assert_eq(atomic_load(&running), 2);
    for (unsigned i = 0; i < 20; i++)
        (void)sem_post(&gate);
    wait_until(atomic_load(&ended) == 70);
    for (unsigned i = 50; i < 70; i++)
        cr_assert_lt(order[i], 20);
}

/* Whatever a class waits for, another goes on. */
Test(executor, a_class_has_threads_of_its_own)
{
    static const int thing;
    for (unsigned i = 0; i < 3 * MAX; i++)
        submit(i, &thing, &gate);
    wait_until(atomic_load(&running) == MAX);
    struct test_job *t = malloc(sizeof *t);
    *t = (struct test_job){.job = {.run = run, .class = 1}, .number = 100};
    cr_assert_eq(executor_submit(executor, &t->job), 0);
    wait_until(atomic_load(&ended) == 1);
    for (unsigned i = 0; i < 3 * MAX; i++)
        (void)sem_post(&gate);
}

Test(executor, keys_take_turns)
{
    static const int keys[2];
    open_pool(1, 1);
    submit(0, NULL, &gate);
    for (unsigned i = 0; i < 10; i++)
        submit(10 + i, &keys[0], NULL);
    for (unsigned i = 0; i < 10; i++)
        submit(20 + i, &keys[1], NULL);
    (void)sem_post(&gate);
    wait_until(atomic_load(&ended) == 21);
    for (unsigned i = 0; i < 20; i++)
        cr_assert_eq(order[1 + i], (i % 2 ? 20 : 10) + i / 2);
}

Test(executor, closing_runs_what_is_queued)
{
    static const int thing;
    open_pool(2, 1);
    for (unsigned i = 0; i < 100; i++)
        submit(i, i % 3 ? &thing : NULL, NULL);
    executor_stop(executor);
    cr_assert_eq(atomic_load(&ended), 100);
    cr_assert_eq(executor_submit(executor, &(struct job){.run = run}), -EINTR);
}

static void *submit_many(void *context)
{
    unsigned start = *(unsigned *)context;
    for (unsigned i = 0; i < 1000; i++)
        submit(start + i, NULL, NULL);
    return NULL;
}

Test(executor, many_threads_may_submit)
{
    unsigned starts[] = {0, 1000, 2000, 3000};
    pthread_t threads[COUNT(starts)];
    for (size_t i = 0; i < COUNT(starts); i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, submit_many, &starts[i]), 0);
    for (size_t i = 0; i < COUNT(starts); i++)
        cr_assert_eq(pthread_join(threads[i], NULL), 0);
    wait_until(atomic_load(&ended) == 4000);
}

/* An urgent job goes before all that is queued, and has a thread where all others are busy. */
Test(executor, an_urgent_job_waits_for_nothing)
{
    static const int stuck;
    struct test_job *t = malloc(sizeof *t);
    struct test_job *late = malloc(sizeof *late);
    *t = *late = (struct test_job){.job = {.run = run, .key = (uintptr_t)&stuck}, .number = 100};
    late->number = 101;
    open_pool(1, 1);
    submit(0, &stuck, &gate);
    submit(1, &stuck, NULL);
    cr_assert_eq(executor_submit(executor, &t->job), 0);
    wait_until(atomic_load(&running) == 1);
    executor_hurry(executor, &t->job);
    wait_until(atomic_load(&ended) == 1);
    cr_assert_eq(order[0], 100);
    executor_hurry(executor, &late->job); /* before it is queued */
    cr_assert_eq(executor_submit(executor, &late->job), 0);
    wait_until(atomic_load(&ended) == 2);
    cr_assert_eq(order[1], 101);
    (void)sem_post(&gate);
    wait_until(atomic_load(&ended) == 4);
}

/* The linker leads thread_create() here (--wrap). */
int __real_thread_create(pthread_t *ret_thread, size_t stack_bytes, void *(*run)(void *context),
                         void *context);
int __wrap_thread_create(pthread_t *ret_thread, size_t stack_bytes, void *(*run)(void *context),
                         void *context);

static bool threads_are_scarce;

int __wrap_thread_create(pthread_t *ret_thread, size_t stack_bytes, void *(*run_thread)(void *context),
                         void *context)
{
    return threads_are_scarce ? EAGAIN : __real_thread_create(ret_thread, stack_bytes, run_thread, context);
}

/* A job is never run by the thread that submits it, which may hold locks or serve the kernel. */
Test(executor, jobs_wait_for_the_one_thread_where_no_other_can_be_had)
{
    threads_are_scarce = true;
    submit(0, NULL, &gate);
    wait_until(atomic_load(&running) == 1);
    for (unsigned i = 1; i < 10; i++)
        submit(i, NULL, NULL);
    cr_assert_eq(atomic_load(&ended), 0);
    (void)sem_post(&gate);
    wait_until(atomic_load(&ended) == 10);
    cr_assert_eq(atomic_load(&most), 1);
}

Test(executor, one_without_jobs_can_be_freed)
{
    open_pool(MAX, MAX);
    executor_free(NULL);
}
