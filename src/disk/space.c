/* Reserving space; see space.h. */
#include "disk/space.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/clock.h"
#include "base/thread.h"

#define MAGIC         "runfsspc"
#define BATCH_MAX     (8U * 1024 * 1024)
#define TRY_NS        1000000 /* between two tries to lock the file */
#define TRIES         1000    /* a stopped process must not stop us for longer than a second */
#define RESERVE_TRIES 200     /* nor for more than this in all where a block waits to be written */
#define EVICT_MS      200     /* so long after an eviction began it is waited for */
#define EVICTIONS_MAX 3       /* others may take what an eviction has freed */

/* Bytes of the file that are locked. */
enum { COUNT_LOCK, EVICTION_LOCK };

struct record {
    char magic[8];
    uint64_t taken;
    uint64_t generation;
    uint64_t hash;
};

/* The locks are of the open file description, so that they end with the process whatever happens to it. */
static int set_lock(const struct space *space, off_t byte, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    int result = fcntl(space->fd, F_OFD_SETLK, &lock) < 0 ? -errno : 0;
    return result == -EACCES ? -EAGAIN : result;
}

static int lock_byte(const struct space *space, off_t byte, unsigned tries)
{
    const struct timespec pause = {.tv_nsec = TRY_NS};
    int result = set_lock(space, byte, F_WRLCK);
    lock_assert_none("waits for other processes");
    while (result == -EAGAIN && --tries) {
        (void)nanosleep(&pause, NULL);
        result = set_lock(space, byte, F_WRLCK);
    }
    return result;
}

/* Locks the count for the calling thread alone. TRIES is as often as is tried where other processes hold it. */
static int count_enter(struct space *space, unsigned tries)
{
    lock_take(&space->lock);
    while (space->asking)
        lock_wait(&space->lock, &space->changed);
    space->asking = true;
    tries = space->foreign && tries == RESERVE_TRIES ? 1 : tries;
    lock_drop(&space->lock);
    int result = lock_byte(space, COUNT_LOCK, tries);
    lock_take(&space->lock);
    space->foreign = result == -EAGAIN;
    space->asking = result == 0;
    if (result < 0)
        (void)pthread_cond_broadcast(&space->changed);
    lock_drop(&space->lock);
    return result;
}

static void count_leave(struct space *space)
{
    (void)set_lock(space, COUNT_LOCK, F_UNLCK);
    lock_take(&space->lock);
    space->asking = false;
    (void)pthread_cond_broadcast(&space->changed);
    lock_drop(&space->lock);
}

static uint64_t hash_of(const struct record *record)
{
    return htole64(XXH3_64bits(record, offsetof(struct record, hash)));
}

static bool read_record(const struct space *space, uint64_t *ret_taken, uint64_t *ret_generation)
{
    struct record record;
    if (pread(space->fd, &record, sizeof record, 0) != (ssize_t)sizeof record ||
        memcmp(record.magic, MAGIC, 8) != 0 || record.hash != hash_of(&record))
        return false;
    *ret_taken = le64toh(record.taken);
    *ret_generation = le64toh(record.generation);
    return true;
}

static void write_record(const struct space *space, uint64_t taken, uint64_t generation)
{
    struct record record = {.taken = htole64(taken), .generation = htole64(generation)};
    memcpy(record.magic, MAGIC, 8);
    record.hash = hash_of(&record);
    if (pwrite(space->fd, &record, sizeof record, 0) != (ssize_t)sizeof record)
        (void)!ftruncate(space->fd, 0); /* counted by the next reservation */
}

/* What was reserved in an older generation is not in the count of a newer one. The lock is held. */
static void follow_generation(struct space *space, uint64_t generation)
{
    if (generation <= space->generation)
        return;
    space->reserved = 0;
    space->generation = generation;
}

/* How many bytes may be taken in all, given what is free on the file system now. */
static uint64_t limit_now(const struct space *space, uint64_t taken)
{
    struct statvfs fs;
    if (fstatvfs(space->directory_fd, &fs) < 0)
        return space->size_max;
    uint64_t available = (uint64_t)fs.f_bavail * fs.f_frsize;
    uint64_t more = available > space->free_min ? available - space->free_min : 0;
    /* where too little is free for others, some of ours has to go */
    uint64_t limit = available < space->free_min && taken > space->free_min - available
                         ? taken - (space->free_min - available)
                     : available < space->free_min ? 0
                                                   : taken + more;
    return limit < space->size_max ? limit : space->size_max;
}

/* Some more than is needed now, so that not every block asks; little of a small cache. */
static uint64_t batch_of(const struct space *space, uint64_t bytes)
{
    uint64_t batch = space->size_max / 16 < BATCH_MAX ? space->size_max / 16 : BATCH_MAX;
    return bytes > batch ? bytes : batch;
}

/* From here on room is made before it is needed. */
static uint64_t high_water(uint64_t limit)
{
    return limit - limit / 64;
}

/* What may stay so that WANTED bytes fit, and some more, or every few blocks would look at all files again. Where they can
   never fit, at least what is too much goes. */
static uint64_t eviction_target(struct space *space, uint64_t limit, uint64_t wanted)
{
    lock_take(&space->lock);
    uint64_t least = batch_of(space, wanted) + space->reserved;
    lock_drop(&space->lock);
    uint64_t slack = limit / 10 > least ? limit / 10 : least;
    return wanted > limit ? limit : limit > slack ? limit - slack : 0;
}

static bool read_count(struct space *space, uint64_t *ret_taken, uint64_t *ret_generation)
{
    if (count_enter(space, TRIES) < 0)
        return false;
    bool known = read_record(space, ret_taken, ret_generation);
    count_leave(space);
    return known;
}

/* Evicts down to TARGET and counts what is there then, what was reserved since the eviction began, and what is reserved
   here and not used; some of it twice until the next count. */
static int evict_and_count(struct space *space, uint64_t target, uint64_t *ret_taken)
{
    uint64_t before = 0;
    uint64_t now;
    uint64_t generation;
    uint64_t taken;
    bool known = read_count(space, &before, &generation);
    (void)atomic_exchange(&space->spent, 0);
    int result = space->evict(space->context, target, &taken);
    if (result == 0)
        result = count_enter(space, TRIES);
    if (result < 0)
        return result;
    if (known && read_record(space, &now, &generation) && now > before)
        taken += now - before;
    lock_take(&space->lock);
    uint64_t clock = clock_real_ms();
    space->generation = clock > space->generation ? clock : space->generation + 1;
    generation = space->generation;
    uint64_t reserved = space->reserved;
    lock_drop(&space->lock);
    write_record(space, taken + reserved, generation);
    count_leave(space);
    *ret_taken = taken;
    return 0;
}

/* Sees that the count is known, and that WANTED bytes fit. */
static int make_room(struct space *space, uint64_t wanted)
{
    uint64_t taken;
    uint64_t generation;
    int result = lock_byte(space, EVICTION_LOCK, TRIES);
    if (result < 0)
        return result;
    if (!read_count(space, &taken, &generation))
        result = evict_and_count(space, UINT64_MAX, &taken);
    uint64_t limit = result < 0 ? 0 : limit_now(space, taken);
    if (result == 0 && taken + wanted > high_water(limit))
        result = evict_and_count(space, eviction_target(space, limit, wanted), &taken);
    (void)set_lock(space, EVICTION_LOCK, F_UNLCK);
    return result;
}

/* The lock is held. */
static void end_eviction(struct space *space, int result)
{
    space->evicting = false;
    space->evict_result = result;
    space->evictions++;
    (void)pthread_cond_broadcast(&space->changed);
}

static void *evictor_thread(void *context)
{
    struct space *space = context;
    lock_take(&space->lock);
    for (;;) {
        while (!space->evictor_due && !atomic_load(&space->closing))
            lock_wait(&space->lock, &space->changed);
        if (atomic_load(&space->closing))
            break;
        space->evictor_due = false;
        uint64_t wanted = space->wanted;
        space->wanted = 0;
        lock_drop(&space->lock);
        int result = make_room(space, wanted);
        lock_take(&space->lock);
        end_eviction(space, result);
    }
    lock_drop(&space->lock);
    return NULL;
}

/* Lets the evictor make room for WANTED bytes. The lock is held. */
static void request_eviction(struct space *space, uint64_t wanted)
{
    if (wanted > space->wanted)
        space->wanted = wanted;
    if (space->evicting)
        return;
    if (!space->evictor_runs)
        space->evictor_runs = thread_create(&space->evictor, 0, evictor_thread, space) == 0;
    if (!space->evictor_runs)
        return;
    space->evicting = space->evictor_due = true;
    space->evicting_since = clock_ms();
    (void)pthread_cond_broadcast(&space->changed);
}

int space_open(struct space *space, int directory_fd)
{
    struct stat st;
    lock_init(&space->lock, LOCK_SPACE);
    (void)pthread_cond_init(&space->changed, NULL);
    space->directory_fd = directory_fd;
    space->fd = openat(directory_fd, "space", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (space->fd < 0)
        return -errno;
    return fstat(space->fd, &st) == 0 && S_ISREG(st.st_mode) ? 0 : -EINVAL;
}

/* Gives back what was reserved and not used, and settles what was spent. */
static void give_back(struct space *space)
{
    uint64_t taken;
    uint64_t generation;
    if ((!space->reserved && !space->spent) || count_enter(space, TRIES) < 0)
        return;
    if (read_record(space, &taken, &generation)) {
        follow_generation(space, generation);
        taken += space->spent;
        write_record(space, taken > space->reserved ? taken - space->reserved : 0, generation);
    }
    count_leave(space);
}

void space_close(struct space *space)
{
    if (space->fd >= 0) {
        lock_take(&space->lock);
        atomic_store(&space->closing, true);
        (void)pthread_cond_broadcast(&space->changed);
        lock_drop(&space->lock);
        if (space->evictor_runs)
            thread_join(space->evictor);
        give_back(space);
        (void)close(space->fd);
    }
    space->fd = -1;
    (void)pthread_cond_destroy(&space->changed);
    lock_done(&space->lock);
}

/* Takes a batch for BYTES, or these alone, out of what is left. -ENOSPC where they can never fit, -EBUSY where room must be
   made or the count is lost. */
static int ask(struct space *space, uint64_t bytes)
{
    uint64_t taken;
    uint64_t generation;
    uint64_t batch = batch_of(space, bytes);
    int result = count_enter(space, RESERVE_TRIES);
    if (result < 0)
        return result;
    if (!read_record(space, &taken, &generation)) {
        count_leave(space);
        return -EBUSY;
    }
    taken += atomic_exchange(&space->spent, 0);
    uint64_t limit = limit_now(space, taken);
    uint64_t granted = taken + batch <= limit ? batch : taken + bytes <= limit ? bytes : 0;
    write_record(space, taken + granted, generation);
    lock_take(&space->lock);
    follow_generation(space, generation);
    space->reserved += granted;
    if (granted && taken + granted > high_water(limit))
        request_eviction(space, batch);
    lock_drop(&space->lock);
    count_leave(space);
    return granted ? 0 : bytes > limit && taken <= limit ? -ENOSPC : -EBUSY;
}

/* Waits until an eviction has ended since there were EVICTIONS of them; -EAGAIN where it takes too long. The lock is
   held. */
static int await_eviction(struct space *space, uint64_t bytes, unsigned evictions)
{
    request_eviction(space, bytes);
    while (space->evicting && space->evictions == evictions)
        if (!lock_wait_until(&space->lock, &space->changed, space->evicting_since + EVICT_MS))
            return -EAGAIN;
    return space->evictions == evictions ? -EAGAIN : space->evict_result;
}

int space_reserve(struct space *space, uint64_t bytes)
{
    uint64_t taken;
    uint64_t generation;
    int result = 0;
    if (space->fd < 0)
        return -ENOSPC;
    lock_assert_none("reserves space");
    bool known = read_record(space, &taken, &generation);
    lock_take(&space->lock);
    if (known)
        follow_generation(space, generation);
    unsigned first = space->evictions;
    while (result == 0 && space->reserved < bytes) {
        uint64_t missing = bytes - space->reserved;
        unsigned evictions = space->evictions;
        lock_drop(&space->lock);
        result = ask(space, missing);
        lock_take(&space->lock);
        if (result == -EBUSY)
            result = evictions - first < EVICTIONS_MAX ? await_eviction(space, missing, evictions) : -ENOSPC;
    }
    if (result == 0)
        space->reserved -= bytes;
    lock_drop(&space->lock);
    return result;
}

void space_spend(struct space *space, uint64_t bytes)
{
    atomic_fetch_add(&space->spent, bytes);
}

void space_return(struct space *space, uint64_t bytes)
{
    lock_take(&space->lock);
    space->reserved += bytes;
    lock_drop(&space->lock);
}

int space_shrink(struct space *space, uint64_t target, uint64_t *ret_before, uint64_t *ret_after)
{
    if (space->fd < 0)
        return -EROFS;
    lock_take(&space->lock);
    while (space->evicting)
        lock_wait(&space->lock, &space->changed);
    space->evicting = true;
    space->evicting_since = clock_ms();
    lock_drop(&space->lock);
    int result = lock_byte(space, EVICTION_LOCK, TRIES);
    if (result == 0) {
        result = space->evict(space->context, UINT64_MAX, ret_before);
        if (result == 0)
            result = evict_and_count(space, target, ret_after);
        (void)set_lock(space, EVICTION_LOCK, F_UNLCK);
    }
    lock_take(&space->lock);
    end_eviction(space, result);
    lock_drop(&space->lock);
    return result;
}
