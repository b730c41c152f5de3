/* Reserving space: the limit holds whatever is under way, and whoever is killed. */
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "disk/space.h"
#include "disk_test.h"

#define MIB (1024ULL * 1024)
#define MAX (64 * MIB)

static pthread_mutex_t lies_lock = PTHREAD_MUTEX_INITIALIZER; /* guards the four below */
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static uint64_t lies; /* bytes that lie in the directory, by what the eviction below says */
static unsigned evictions;
static bool held; /* an eviction does not end */
static int dir_fd = -1;

/* Evicts whatever is asked for. */
static int evict(void *context, uint64_t target, uint64_t *ret_taken)
{
    (void)context;
    (void)pthread_mutex_lock(&lies_lock);
    while (held && target < UINT64_MAX)
        (void)pthread_cond_wait(&changed, &lies_lock);
    evictions += target < UINT64_MAX;
    if (lies > target)
        lies = target;
    *ret_taken = lies;
    (void)pthread_mutex_unlock(&lies_lock);
    return 0;
}

static void set_held(bool hold)
{
    (void)pthread_mutex_lock(&lies_lock);
    held = hold;
    (void)pthread_cond_broadcast(&changed);
    (void)pthread_mutex_unlock(&lies_lock);
}

/* Bytes are written; how many lie there then. */
static uint64_t add_bytes(uint64_t bytes)
{
    (void)pthread_mutex_lock(&lies_lock);
    lies += bytes;
    uint64_t now = lies;
    (void)pthread_mutex_unlock(&lies_lock);
    return now;
}

static struct space space_here(uint64_t size_max)
{
    struct space space = {.size_max = size_max, .free_min = 1, .evict = evict};
    cr_assert_eq(space_open(&space, dir_fd), 0);
    return space;
}

static uint64_t count_in_file(void)
{
    uint64_t words[3] = {0};
    int fd = openat(dir_fd, "space", O_RDONLY | O_CLOEXEC);
    cr_assert_eq(read(fd, words, sizeof words), (ssize_t)sizeof words);
    (void)close(fd);
    return words[1]; /* of a little-endian machine, as all of these tests' are */
}

static void set_up(void)
{
    scratch_open();
    dir_fd = open(scratch_path("."), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_geq(dir_fd, 0);
}

static void tear_down(void)
{
    (void)close(dir_fd);
    scratch_close();
}

TestSuite(space, .init = set_up, .fini = tear_down);

Test(space, what_is_reserved_is_counted_and_what_is_not_used_given_back)
{
    struct space space = space_here(MAX);
    cr_assert_eq(space_reserve(&space, MIB), 0);
    uint64_t batch = count_in_file();
    cr_assert_geq(batch, MIB);
    cr_assert_leq(batch, MAX / 8);
    cr_assert_eq(space_reserve(&space, MIB), 0);
    cr_assert_eq(count_in_file(), batch, "a batch lasts for more than one block");
    space_return(&space, MIB);
    space_close(&space);
    cr_assert_eq(count_in_file(), MIB);
}

Test(space, small_things_are_settled_in_the_end)
{
    struct space space = space_here(MAX);
    cr_assert_eq(space_reserve(&space, MIB), 0);
    space_spend(&space, 3 * MIB);
    space_close(&space);
    cr_assert_eq(count_in_file(), 4 * MIB);
}

Test(space, where_it_does_not_fit_something_is_evicted)
{
    struct space space = space_here(MAX);
    for (unsigned i = 0; i < 200; i++) {
        cr_assert_eq(space_reserve(&space, MIB), 0);
        cr_assert_leq(add_bytes(MIB), MAX + MIB, "an eviction may count before the block is there");
    }
    (void)pthread_mutex_lock(&lies_lock);
    cr_assert_gt(evictions, 0);
    cr_assert_lt(evictions, 40, "not for every block");
    (void)pthread_mutex_unlock(&lies_lock);
    space_close(&space);
    cr_assert_geq(lies, MAX / 2, "no more than needed");
    cr_assert_leq(count_in_file(), MAX);
}

Test(space, what_can_never_fit_is_refused)
{
    struct space space = space_here(MIB);
    cr_assert_eq(space_reserve(&space, 2 * MIB), -ENOSPC);
    cr_assert_eq(space_reserve(&space, MIB), 0);
    space_close(&space);
}

Test(space, a_count_that_is_lost_or_wrong_is_made_anew)
{
    static const char *const wrong[] = {"", "x", "runfsspc", "runfsspc1234567812345678",
                                        "something longer than it"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        scratch_write("space", wrong[i]);
        lies = 10 * MIB;
        struct space space = space_here(MAX);
        cr_assert_eq(space_reserve(&space, MIB), 0);
        space_return(&space, MIB);
        space_close(&space);
        cr_assert_eq(count_in_file(), 10 * MIB, "'%s'", wrong[i]);
    }
}

Test(space, every_wrong_byte_of_the_count_is_noticed)
{
    lies = 5 * MIB;
    for (uint64_t i = 0; i < 32; i++) {
        struct space space = space_here(MAX);
        cr_assert_eq(space_reserve(&space, MIB), 0);
        flip_byte("space", i);
        space_return(&space, MIB);
        cr_assert_eq(space_reserve(&space, 20 * MIB), 0);
        space_return(&space, 20 * MIB);
        space_close(&space);
        cr_assert_eq(count_in_file(), 5 * MIB, "byte %zu", (size_t)i);
    }
}

/* What this process has reserved and not written yet is not in the files that are counted. */
Test(space, counting_anew_forgets_no_reservation)
{
    struct space space = space_here(MAX);
    cr_assert_eq(space_reserve(&space, MIB), 0);
    uint64_t batch = count_in_file();
    lies = MIB;
    flip_byte("space", 9);
    cr_assert_eq(space_reserve(&space, batch), 0);
    cr_assert_geq(count_in_file(), MIB + batch);
    space_close(&space);
}

/* As another process would hold it. */
static int lock_elsewhere(void)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    int fd = openat(dir_fd, "space", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    cr_assert_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
    return fd;
}

Test(space, a_process_that_holds_the_count_is_not_waited_for_without_end)
{
    struct space space = space_here(MAX);
    int fd = lock_elsewhere();
    cr_assert_eq(space_reserve(&space, MIB), -EAGAIN);
    (void)close(fd);
    cr_assert_eq(space_reserve(&space, MIB), 0);
    space_close(&space);
}

Test(space, an_eviction_that_does_not_end_is_not_waited_for)
{
    struct space space = space_here(MAX);
    int result = 0;
    set_held(true);
    while (result == 0 && lies < 2 * MAX)
        if ((result = space_reserve(&space, MIB)) == 0)
            (void)add_bytes(MIB);
    cr_assert_eq(result, -EAGAIN);
    cr_assert_leq(lies, MAX);
    for (int i = 0; i < 100; i++)
        cr_assert_eq(space_reserve(&space, 2 * MIB), -EAGAIN);
    space_return(&space, MIB);
    cr_assert_eq(space_reserve(&space, MIB), 0, "what is reserved can be used meanwhile");
    set_held(false);
    while ((result = space_reserve(&space, MIB)) == -EAGAIN)
        continue;
    cr_assert_eq(result, 0);
    space_close(&space);
}

Test(space, bytes_that_others_need_are_left_free)
{
    struct space space = {.size_max = UINT64_MAX / 2, .free_min = UINT64_MAX / 4, .evict = evict};
    cr_assert_eq(space_open(&space, dir_fd), 0);
    cr_assert_eq(space_reserve(&space, MIB), -ENOSPC);
    lies = 100 * MIB;
    cr_assert_eq(ftruncate(space.fd, 0), 0);
    cr_assert_eq(space_reserve(&space, MIB), -ENOSPC);
    cr_assert_eq(lies, 0, "some of ours has to go");
    space_close(&space);
}

/* A cache directory, filled by several processes at once. */

static void fill(unsigned who)
{
    char key[32];
    struct disk *disk = disk_of_size("cache", MAX);
    for (unsigned i = 0; i < 60; i++) {
        (void)snprintf(key, sizeof key, "%u-%u", who, i / 8);
        struct disk_object *object = disk_object_of(disk, key, 8 * MIB);
        (void)save_block(object, i % 8);
        disk_object_free(object);
    }
    disk_close(disk);
}

Test(space, several_processes_at_once_keep_the_limit)
{
    pid_t pids[4];
    uint64_t most = 0;
    unsigned left = COUNT(pids);
    struct disk *disk = disk_of_size("cache", MAX);
    for (unsigned i = 0; i < COUNT(pids); i++)
        if ((pids[i] = fork()) == 0) {
            fill(i);
            _exit(0);
        }
    while (left) {
        uint64_t now = taken_below("cache");
        most = now > most ? now : most;
        while (waitpid(-1, NULL, WNOHANG) > 0)
            left--;
        (void)usleep(1000);
    }
    /* a block that each is writing while another one counts */
    cr_assert_leq(most, MAX + COUNT(pids) * MIB, "%zu", (size_t)most);
    cr_assert_geq(most, MAX / 2);
    disk_close(disk);
}
