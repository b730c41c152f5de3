/* A local file as a reader: right bytes, or an error where the file is not what it was. */
#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "reader/reader.h"
#include "testing.h"

#define SIZE 300000U

static const struct wait patient = {.timeout_ms = 10000};
static const struct wait at_once = {0};

static struct reader *reader;

static struct reader *open_file(const char *name, uint64_t size)
{
    struct error err;
    struct reader *opened;
    int fd = open(scratch_path("%s", name), O_RDONLY | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    assert_ok(reader_open_fd(fd, size, &opened, &err), &err);
    return opened;
}

static void set_up(void)
{
    scratch_open();
    scratch_write_pattern("f", SIZE);
    reader = open_file("f", SIZE);
}

static void tear_down(void)
{
    reader_close(reader);
    scratch_close();
}

TestSuite(file, .init = set_up, .fini = tear_down);

static int read_at(uint64_t offset, size_t len, const struct wait *wait, struct error *err)
{
    _cleanup_free_ char *bytes = malloc(len);
    size_t n = 0;
    int result = reader_pread(reader, bytes, len, offset, wait, &n, err);
    if (result < 0)
        return result;
    size_t wanted = offset >= SIZE ? 0 : len < SIZE - offset ? len : (size_t)(SIZE - offset);
    cr_assert_eq(n, wanted);
    cr_assert_eq(pattern_check(bytes, n, offset), n);
    return 0;
}

Test(file, any_range_has_the_files_bytes)
{
    static const struct {
        uint64_t offset;
        size_t len;
    } ranges[] = {{0, 1},        {0, SIZE},       {0, 2 * SIZE}, {4095, 2},
                  {SIZE - 1, 1}, {SIZE - 1, 100}, {SIZE, 1},     {12345, 200000}};
    struct error err;
    cr_assert_eq(reader->size, SIZE);
    for (size_t i = 0; i < COUNT(ranges); i++)
        assert_ok(read_at(ranges[i].offset, ranges[i].len, &patient, &err), &err);
}

/* Which of the two is up to the page cache. */
Test(file, a_read_that_may_not_wait_gets_cached_bytes_or_eagain)
{
    struct error err;
    assert_ok(read_at(0, SIZE, &patient, &err), &err);
    int result = read_at(1000, 5000, &at_once, &err);
    cr_assert(result == 0 || result == -EAGAIN, "%d", result);
}

Test(file, an_empty_file_reads_as_nothing)
{
    reader_close(reader);
    scratch_write_pattern("empty", 0);
    reader = open_file("empty", 0);
    char byte;
    size_t n = 5;
    struct error err;
    assert_ok(reader_pread(reader, &byte, 1, 0, &patient, &n, &err), &err);
    cr_assert_eq(n, 0);
}

Test(file, a_file_that_became_shorter_is_stale_not_short)
{
    struct error err = {0};
    cr_assert_eq(truncate(scratch_path("f"), SIZE / 2), 0);
    assert_refused(read_at(SIZE / 2 - 10, 20, &patient, &err), ESTALE, &err, "file");
    assert_refused(read_at(0, 20, &patient, &err), ESTALE, &err, "changed");
    int result = read_at(0, 20, &at_once, &err);
    cr_assert(result == -ESTALE || result == -EAGAIN, "%d", result); /* up to the page cache */
}

Test(file, a_file_that_grew_is_stale)
{
    struct error err = {0};
    cr_assert_eq(truncate(scratch_path("f"), SIZE + 1), 0);
    assert_refused(read_at(0, 20, &patient, &err), ESTALE, &err, "changed");
}

Test(file, a_file_that_was_written_to_is_stale)
{
    struct error err = {0};
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1, .tv_nsec = 1}};
    scratch_write_pattern("f", SIZE);
    cr_assert_eq(utimensat(AT_FDCWD, scratch_path("f"), times, 0), 0); /* clocks of files are coarse */
    assert_refused(read_at(0, 20, &patient, &err), ESTALE, &err, "changed");
}

Test(file, a_file_replaced_under_its_name_is_read_on)
{
    struct error err;
    scratch_write_pattern("g", 10);
    cr_assert_eq(rename(scratch_path("g"), scratch_path("f")), 0);
    assert_ok(read_at(0, SIZE, &patient, &err), &err);
}

Test(file, a_size_that_is_not_the_files_is_stale)
{
    char bytes[20];
    size_t n;
    struct error err = {0};
    reader_close(reader);
    reader = open_file("f", SIZE + 5);
    assert_refused(reader_pread(reader, bytes, sizeof bytes, SIZE - 5, &patient, &n, &err), ESTALE, &err,
                   "shorter");
}

static void assert_not_opened(int fd)
{
    struct reader *opened = NULL;
    struct error err = {0};
    assert_refused(reader_open_fd(fd, 0, &opened, &err), EINVAL, &err, "not a regular file");
    cr_assert_null(opened);
    cr_assert_eq(fcntl(fd, F_GETFD), -1, "the descriptor is closed");
}

Test(file, only_regular_files_are_opened)
{
    int pair[2];
    assert_not_opened(open(scratch_path("."), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    assert_not_opened(open("/dev/null", O_RDONLY | O_CLOEXEC));
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_not_opened(pair[0]);
    (void)close(pair[1]);
}

struct worker {
    unsigned start;
    unsigned wrong;
};

static void *read_many(void *context)
{
    struct worker *worker = context;
    static _Thread_local char bytes[4096];
    for (unsigned i = 0; i < 200; i++) {
        uint64_t offset = (worker->start + i * 7919) % (SIZE - sizeof bytes);
        size_t n = 0;
        if (reader_pread(reader, bytes, sizeof bytes, offset, &patient, &n, NULL) < 0 ||
            pattern_check(bytes, sizeof bytes, offset) != sizeof bytes)
            worker->wrong++;
    }
    return NULL;
}

Test(file, threads_may_read_at_the_same_time)
{
    pthread_t threads[4];
    struct worker workers[4] = {{.start = 1}, {.start = 2000}, {.start = 30000}, {.start = 400}};
    for (size_t i = 0; i < COUNT(threads); i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, read_many, &workers[i]), 0);
    for (size_t i = 0; i < COUNT(threads); i++) {
        cr_assert_eq(pthread_join(threads[i], NULL), 0);
        cr_assert_eq(workers[i].wrong, 0);
    }
}
