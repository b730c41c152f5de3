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

#define MAGIC      "runfsspc"
#define BATCH_MAX  (8U * 1024 * 1024)
#define LOCK_TRIES 1000
#define LOCK_PAUSE_NS                                                                                        \
    1000000 /* another process may be evicting; a stopped one must not stop us for longer than a second */

struct record {
    char magic[8];
    uint64_t taken;
    uint64_t generation;
    uint64_t hash;
};

static int set_lock(const struct space *space, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    return fcntl(space->fd, F_OFD_SETLK, &lock) < 0 ? -errno : 0;
}

/* The file is locked by an open file description, so that the lock ends with the process whatever happens to it. */
static int lock_file(const struct space *space)
{
    const struct timespec pause = {.tv_nsec = LOCK_PAUSE_NS};
    int result = set_lock(space, F_WRLCK);
    for (int i = 0; (result == -EAGAIN || result == -EACCES) && i < LOCK_TRIES; i++) {
        (void)nanosleep(&pause, NULL);
        result = set_lock(space, F_WRLCK);
    }
    return result == -EACCES ? -EAGAIN : result;
}

static void unlock_file(const struct space *space)
{
    (void)set_lock(space, F_UNLCK);
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

/* Reads the count. What was reserved before others counted anew is not in it. The file is locked. */
static bool read_taken(struct space *space, uint64_t *ret_taken)
{
    uint64_t generation;
    if (!read_record(space, ret_taken, &generation))
        return false;
    if (generation != space->generation)
        space->reserved = 0;
    space->generation = generation;
    return true;
}

static void write_taken(const struct space *space, uint64_t taken)
{
    struct record record = {.taken = htole64(taken), .generation = htole64(space->generation)};
    memcpy(record.magic, MAGIC, 8);
    record.hash = hash_of(&record);
    if (pwrite(space->fd, &record, sizeof record, 0) != (ssize_t)sizeof record)
        (void)!ftruncate(space->fd, 0); /* counted anew by whoever asks next */
}

/* Counts what lies in the directory once no more than TARGET bytes do, and what is reserved here. */
static int count_anew(struct space *space, uint64_t target, uint64_t *ret_taken)
{
    uint64_t taken;
    int result = space->evict(space->context, target, &taken);
    if (result < 0)
        return result;
    uint64_t now = clock_real_ms();
    space->generation = now > space->generation ? now : space->generation + 1;
    *ret_taken = taken + space->reserved;
    return 0;
}

int space_open(struct space *space, int directory_fd)
{
    struct stat st;
    (void)pthread_mutex_init(&space->lock, NULL);
    space->directory_fd = directory_fd;
    space->reserved = 0;
    space->generation = 0;
    space->spent = 0;
    space->fd = openat(directory_fd, "space", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (space->fd < 0)
        return -errno;
    return fstat(space->fd, &st) == 0 && S_ISREG(st.st_mode) ? 0 : -EINVAL;
}

/* Gives back what was reserved and not used, and settles what was spent. */
void space_close(struct space *space)
{
    uint64_t taken;
    if (space->fd >= 0 && (space->reserved || space->spent) && lock_file(space) == 0) {
        if (read_taken(space, &taken)) {
            taken += space->spent;
            write_taken(space, taken > space->reserved ? taken - space->reserved : 0);
        }
        unlock_file(space);
    }
    if (space->fd >= 0)
        (void)close(space->fd);
    space->fd = -1;
    (void)pthread_mutex_destroy(&space->lock);
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

/* Evicts until there is room for BATCH; where there cannot be, at least what is too much goes. */
static int make_room(struct space *space, uint64_t batch, uint64_t limit, uint64_t *taken)
{
    /* a tenth more than is needed, or every few blocks would look at all files again */
    uint64_t slack = limit / 10 > batch + space->reserved ? limit / 10 : batch + space->reserved;
    uint64_t target = batch > limit ? limit : limit > slack ? limit - slack : 0;
    if (batch > limit && *taken <= limit)
        return -ENOSPC;
    int result = count_anew(space, target, taken);
    if (result == 0 && *taken + batch > limit_now(space, *taken))
        result = -ENOSPC;
    return result;
}

/* The file is locked. Counts anew where the count is lost, evicts where BATCH does not fit. */
static int reserve_locked(struct space *space, uint64_t batch)
{
    uint64_t spent = atomic_exchange(&space->spent, 0);
    uint64_t taken;
    int result = 0;
    if (!read_taken(space, &taken))
        result = count_anew(space, UINT64_MAX, &taken);
    if (result < 0)
        return result;
    taken += spent;
    uint64_t limit = limit_now(space, taken);
    if (taken + batch > limit)
        result = make_room(space, batch, limit, &taken);
    write_taken(space, result == 0 ? taken + batch : taken);
    if (result == 0)
        space->reserved += batch;
    return result;
}

static int reserve_more(struct space *space, uint64_t bytes)
{
    uint64_t batch = batch_of(space, bytes);
    int result = lock_file(space);
    if (result < 0)
        return result;
    result = reserve_locked(space, batch);
    if (result == -ENOSPC && batch > bytes)
        result = reserve_locked(space, bytes);
    unlock_file(space);
    return result;
}

/* Whether nobody has counted anew since: then what was reserved is good. */
static bool is_current(const struct space *space)
{
    uint64_t taken;
    uint64_t generation;
    return read_record(space, &taken, &generation) && generation == space->generation;
}

int space_reserve(struct space *space, uint64_t bytes)
{
    int result = 0;
    if (space->fd < 0)
        return -ENOSPC;
    (void)pthread_mutex_lock(&space->lock);
    if (!is_current(space))
        space->reserved = 0;
    if (space->reserved < bytes)
        result = reserve_more(space, bytes - space->reserved);
    /* others may have counted anew meanwhile, and made less of what there was */
    if (result == 0 && space->reserved < bytes)
        result = reserve_more(space, bytes - space->reserved);
    if (result == 0)
        space->reserved = space->reserved > bytes ? space->reserved - bytes : 0;
    (void)pthread_mutex_unlock(&space->lock);
    return result;
}

void space_spend(struct space *space, uint64_t bytes)
{
    atomic_fetch_add(&space->spent, bytes);
}

void space_return(struct space *space, uint64_t bytes)
{
    (void)pthread_mutex_lock(&space->lock);
    space->reserved += bytes;
    (void)pthread_mutex_unlock(&space->lock);
}

int space_shrink(struct space *space, uint64_t target, uint64_t *ret_before, uint64_t *ret_after)
{
    uint64_t before;
    uint64_t after;
    if (space->fd < 0)
        return -EROFS;
    (void)pthread_mutex_lock(&space->lock);
    int result = lock_file(space);
    if (result == 0) {
        result = space->evict(space->context, UINT64_MAX, &before);
        if (result == 0)
            result = count_anew(space, target, &after);
        if (result == 0)
            write_taken(space, after);
        unlock_file(space);
    }
    if (result == 0) {
        *ret_before = before;
        *ret_after = after - space->reserved;
    }
    (void)pthread_mutex_unlock(&space->lock);
    return result;
}
