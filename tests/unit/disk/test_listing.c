/* Listings on disk: whole or not there, of whoever made them, no older than asked for. */
#include "disk/listing.h"

#include <errno.h>
#include <sys/wait.h>

#include "disk_test.h"

#define MANY 3000

static const struct cache_scope scope = {"http://server", "bucket", "run/"};

static struct disk *disk;

static void set_up(void)
{
    scratch_open();
    disk = disk_here("cache");
}

static void tear_down(void)
{
    disk_close(disk);
    scratch_close();
}

TestSuite(listing, .init = set_up, .fini = tear_down);

/* Object I of a listing that has the mark MARK. KEY holds its key. */
static struct object object_at(unsigned i, unsigned mark, char key[64])
{
    static const char *const etags[] = {"", "e", "6a96be40-72", "\"quoted\""};
    int len = snprintf(key, 64, "logs/%03u/%x%s", i / 100, i * 2654435761U, i % 5 ? "" : "\xff\x01 name");
    return (struct object){
        .key = key,
        .key_len = (size_t)len,
        .etag = etags[i % COUNT(etags)],
        .size = i % 7 ? (uint64_t)i << (i % 40) : mark,
        .mtime_ns = (int64_t)i * 1000000007,
    };
}

static void write_listing(struct disk *to, const char *access, unsigned count, unsigned mark, uint64_t began)
{
    char key[64];
    struct listing_writer *writer = listing_writer_open(to, &scope, access);
    for (unsigned i = 0; i < count; i++) {
        struct object object = object_at(i, mark, key);
        listing_writer_add(writer, &object);
    }
    listing_writer_close(writer, began);
}

/* What a reading has found. */
struct found {
    unsigned count;
    unsigned mark;
    bool wrong;
};

static int check_object(void *context, const struct object *object, struct error *err)
{
    struct found *found = context;
    char key[64];
    if (found->count == 0)
        found->mark = (unsigned)object->size;
    struct object wanted = object_at(found->count, found->mark, key);
    found->wrong = found->wrong || object->key_len != wanted.key_len || object->size != wanted.size ||
                   object->mtime_ns != wanted.mtime_ns || strcmp(object->etag, wanted.etag) != 0 ||
                   memcmp(object->key, wanted.key, wanted.key_len) != 0 ||
                   object->key[object->key_len] != '\0';
    found->count++;
    (void)err;
    return 0;
}

/* Reads; *RET_FOUND says what came out. */
static int read_listing(const char *access, uint64_t since, struct found *ret_found)
{
    uint64_t began = 0;
    struct error err = {0};
    *ret_found = (struct found){0};
    int result = listing_read(disk, &scope, access, since, check_object, ret_found, &began, &err);
    cr_assert_not(ret_found->wrong);
    if (result < 0)
        cr_assert_eq(err.code, -result);
    else
        cr_assert_geq(began, since);
    return result;
}

static void found_is(const char *access, uint64_t since, unsigned count, unsigned mark)
{
    struct found found;
    cr_assert_eq(read_listing(access, since, &found), 0);
    cr_assert_eq(found.count, count);
    cr_assert_eq(found.mark, mark, "mark %u", found.mark);
}

static void nothing_is_found(const char *access, uint64_t since)
{
    struct found found;
    cr_assert_eq(read_listing(access, since, &found), -ENOENT);
    cr_assert_eq(found.count, 0);
}

static const char *only_file(void)
{
    static char name[256];
    char command[512];
    (void)snprintf(command, sizeof command, "ls '%s'", scratch_path("cache/listings"));
    FILE *out = popen(command, "re");
    char line[128] = "";
    cr_assert(fgets(line, sizeof line, out));
    (void)pclose(out);
    line[strcspn(line, "\n")] = '\0';
    (void)snprintf(name, sizeof name, "cache/listings/%s", line);
    return name;
}

Test(listing, is_read_as_it_was_written)
{
    uint64_t now = clock_real_ms();
    nothing_is_found("me", 0);
    write_listing(disk, "me", MANY, 1, now);
    found_is("me", 0, MANY, 1);
    found_is("me", now, MANY, 1);
    disk_close(disk);
    disk = disk_here("cache");
    found_is("me", now, MANY, 1);
    write_listing(disk, "me", 1, 2, now);
    found_is("me", now, 1, 2);
}

Test(listing, is_not_older_than_asked_for)
{
    uint64_t now = clock_real_ms();
    write_listing(disk, "me", 10, 1, now - 5000);
    found_is("me", now - 5000, 10, 1);
    nothing_is_found("me", now - 4999);
}

/* A clock that was wrong must not make a listing last. */
Test(listing, from_the_future_is_for_offline_only)
{
    uint64_t now = clock_real_ms();
    write_listing(disk, "me", 10, 1, now + 3600000);
    nothing_is_found("me", now);
    found_is(NULL, 0, 10, 1);
}

Test(listing, of_others_is_not_given_out)
{
    write_listing(disk, "me", 10, 1, clock_real_ms());
    nothing_is_found("you", 0);
    nothing_is_found("", 0);
    write_listing(disk, "you", 20, 2, clock_real_ms());
    found_is("me", 0, 10, 1);
    found_is("you", 0, 20, 2);
}

Test(listing, of_another_place_is_not_given_out)
{
    static const struct cache_scope others[] = {{"http://server2", "bucket", "run/"},
                                                {"http://server", "bucket2", "run/"},
                                                {"http://server", "bucket", "run2/"}};
    write_listing(disk, "me", 10, 1, clock_real_ms());
    for (size_t i = 0; i < COUNT(others); i++) {
        struct found found = {0};
        uint64_t began;
        cr_assert_eq(listing_read(disk, &others[i], "me", 0, check_object, &found, &began, NULL), -ENOENT);
        cr_assert_eq(listing_read(disk, &others[i], NULL, 0, check_object, &found, &began, NULL), -ENOENT);
        cr_assert_eq(found.count, 0);
    }
}

Test(listing, the_newest_of_anybody_is_for_offline)
{
    uint64_t now = clock_real_ms();
    nothing_is_found(NULL, 0);
    write_listing(disk, "me", 10, 1, now - 3000);
    write_listing(disk, "you", 20, 2, now - 1000);
    write_listing(disk, "she", 30, 3, now - 2000);
    found_is(NULL, 0, 20, 2);
}

/* The newest one may be damaged. */
Test(listing, a_good_one_is_better_than_the_newest)
{
    uint64_t now = clock_real_ms();
    write_listing(disk, "you", 20, 2, now - 1000);
    flip_byte(only_file(), 48 + 60);
    write_listing(disk, "me", 10, 1, now - 3000);
    found_is(NULL, 0, 10, 1);
}

Test(listing, that_was_given_up_is_not_kept)
{
    write_listing(disk, "me", 10, 1, 0);
    nothing_is_found("me", 0);
    cr_assert_eq(taken_below("cache/listings"), 0);
    listing_writer_close(NULL, 1);
    cr_assert_null(listing_writer_open(NULL, &scope, "me"));
}

Test(listing, that_was_given_up_leaves_the_one_before)
{
    write_listing(disk, "me", 10, 1, clock_real_ms());
    write_listing(disk, "me", 20, 2, 0);
    found_is("me", 0, 10, 1);
}

Test(listing, every_wrong_byte_costs_all_of_it)
{
    write_listing(disk, "me", 20, 1, clock_real_ms());
    const char *name = only_file();
    for (uint64_t i = 0; i < size_of_file(name); i++) {
        flip_byte(name, i);
        nothing_is_found("me", 0);
        flip_byte(name, i);
    }
    found_is("me", 0, 20, 1);
}

Test(listing, that_is_cut_off_costs_all_of_it)
{
    write_listing(disk, "me", 20, 1, clock_real_ms());
    const char *name = only_file();
    for (uint64_t size = size_of_file(name); size--;) {
        cr_assert_eq(truncate(scratch_path("%s", name), (off_t)size), 0);
        nothing_is_found("me", 0);
        nothing_is_found(NULL, 0);
    }
}

Test(listing, in_the_place_of_another_one_is_not_taken_for_it)
{
    char mine[256];
    write_listing(disk, "me", 20, 1, clock_real_ms());
    (void)snprintf(mine, sizeof mine, "%s", only_file());
    char *bytes = malloc(size_of_file(mine));
    size_t len = (size_t)size_of_file(mine);
    int fd = open(scratch_path("%s", mine), O_RDONLY | O_CLOEXEC);
    cr_assert_eq(read(fd, bytes, len), (ssize_t)len);
    (void)close(fd);
    cr_assert_eq(unlink(scratch_path("%s", mine)), 0);
    write_listing(disk, "you", 10, 2, clock_real_ms());
    scratch_write_bytes(only_file(), bytes, len);
    free(bytes);
    nothing_is_found("you", 0);
}

Test(listing, links_and_pipes_are_not_followed)
{
    char name[256];
    write_listing(disk, "me", 20, 1, clock_real_ms());
    (void)snprintf(name, sizeof name, "%s", only_file());
    cr_assert_eq(rename(scratch_path("%s", name), scratch_path("target")), 0);
    cr_assert_eq(symlink(scratch_path("target"), scratch_path("%s", name)), 0);
    nothing_is_found("me", 0);
    nothing_is_found(NULL, 0);
    cr_assert_eq(unlink(scratch_path("%s", name)), 0);
    cr_assert_eq(mkfifo(scratch_path("%s", name), 0600), 0);
    nothing_is_found("me", 0);
    write_listing(disk, "me", 20, 1, clock_real_ms());
    found_is("me", 0, 20, 1);
}

static int refuse(void *context, const struct object *object, struct error *ret_err)
{
    (void)context, (void)object;
    return error_set(ret_err, E2BIG, "refused");
}

Test(listing, a_failure_of_whoever_takes_it_is_passed_on)
{
    struct error err = {0};
    uint64_t began = 77;
    write_listing(disk, "me", 20, 1, clock_real_ms());
    cr_assert_eq(listing_read(disk, &scope, "me", 0, refuse, NULL, &began, &err), -E2BIG);
    cr_assert_eq(began, 77);
    cr_assert_str_eq(err.message, "refused");
}

/* Each name is replaced as a whole, so a reader sees one listing or another. */
Test(listing, many_writers_and_readers_meet_whole_listings)
{
    pid_t pids[4];
    unsigned left = COUNT(pids);
    write_listing(disk, "me", MANY, 99, clock_real_ms());
    for (unsigned i = 0; i < COUNT(pids); i++)
        if ((pids[i] = fork()) == 0) {
            struct disk *own = disk_here("cache");
            for (int turn = 0; turn < 20; turn++)
                write_listing(own, "me", MANY, i, clock_real_ms());
            disk_close(own);
            _exit(0);
        }
    while (left) {
        struct found found;
        cr_assert_eq(read_listing("me", 0, &found), 0);
        cr_assert_eq(found.count, MANY);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            left--;
    }
    cr_assert_eq(disk_notes, 0);
}

Test(listing, on_a_busy_cache_is_given_up_in_silence)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    int fd = open(scratch_path("cache/space"), O_RDWR | O_CLOEXEC);
    cr_assert_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
    write_listing(disk, "me", 20, 1, clock_real_ms());
    (void)close(fd);
    cr_assert_eq(disk_notes, 0, "%s", disk_noted);
    nothing_is_found("me", 0);
}

/* What listing_each() has told. */
struct told {
    unsigned count;
    uint64_t newest_ms;
};

static void tell(void *context, const struct cache_scope *found, uint64_t began_ms)
{
    struct told *told = context;
    cr_assert_str_eq(found->endpoint, scope.endpoint);
    cr_assert_str_eq(found->bucket, scope.bucket);
    cr_assert_str_eq(found->prefix, scope.prefix);
    told->count++;
    if (began_ms > told->newest_ms)
        told->newest_ms = began_ms;
}

static struct told told_of(const char *access)
{
    struct told told = {0};
    listing_each(disk, access, tell, &told);
    return told;
}

Test(listing, all_that_are_there_can_be_told)
{
    cr_assert_eq(told_of(NULL).count, 0);
    write_listing(disk, "me", 5, 1, 1000);
    write_listing(disk, "you", 5, 1, 2000);
    cr_assert_eq(told_of(NULL).count, 2);
    cr_assert_eq(told_of(NULL).newest_ms, 2000);
    cr_assert_eq(told_of("me").count, 1);
    cr_assert_eq(told_of("me").newest_ms, 1000);
    cr_assert_eq(told_of("nobody").count, 0);
    scratch_write("cache/listings/0123456789abcdef0123456789abcdef-0123456789abcdef", "runfslst, or not");
    scratch_write("cache/listings/other", "");
    cr_assert_eq(told_of(NULL).count, 2);
}
