/* Tables of contents on disk: there whole or not at all, and only for the identity that they were kept for. */
#include "disk/blob.h"

#include "base/clock.h"
#include "disk/identity.h"

#include <dirent.h>

#include "testing.h"

static struct disk *disk;

static void open_disk(void)
{
    struct disk_config config = {
        .directory = scratch_path("cache"), .size_max = 10 << 20, .free_min = 1, .make = true};
    struct error err = {0};
    assert_ok(disk_open(&config, &disk, &err), &err);
}

static void set_up(void)
{
    scratch_open();
    open_disk();
}

static void tear_down(void)
{
    disk_close(disk);
    scratch_close();
}

TestSuite(table, .init = set_up, .fini = tear_down);

static void keep_at(const char *identity, size_t len, const char *text, uint64_t made_ms)
{
    const struct blob_id id = blob_table(identity, len);
    blob_write(disk, &id, made_ms, text, strlen(text));
}

static void keep(const char *identity, const char *text)
{
    keep_at(identity, strlen(identity), text, 1000);
}

/* Whether TEXT is kept for IDENTITY, or nothing where TEXT is NULL. */
static bool holds_since(const char *identity, size_t identity_len, const char *text, uint64_t since_ms)
{
    struct blob blob = {0};
    const struct blob_id id = blob_table(identity, identity_len);
    bool found = blob_read(disk, &id, since_ms, &blob);
    bool same = text ? found && blob.len == strlen(text) && memcmp(blob.bytes, text, blob.len) == 0 : !found;
    free(blob.bytes);
    return same;
}

static bool holds(const char *identity, const char *text)
{
    return holds_since(identity, strlen(identity), text, 0);
}

/* The one file in the directory of tables. */
static const char *table_file(void)
{
    static char name[300];
    const struct dirent *entry;
    unsigned count = 0;
    DIR *directory = opendir(scratch_path("cache/tables"));
    cr_assert(directory);
    while ((entry = readdir(directory))) {
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(name, sizeof name, "cache/tables/%s", entry->d_name);
        count++;
    }
    (void)closedir(directory);
    cr_assert_eq(count, 1);
    return name;
}

Test(table, what_was_kept_is_read)
{
    cr_assert(holds("a", NULL));
    keep("a", "first");
    keep("b", "second");
    cr_assert(holds("a", "first"));
    cr_assert(holds("b", "second"));
    cr_assert(holds("c", NULL));
}

Test(table, a_later_one_takes_the_place_of_an_earlier_one)
{
    keep("a", "first, and longer");
    keep("a", "second");
    cr_assert(holds("a", "second"));
    (void)table_file();
}

Test(table, it_outlives_the_process)
{
    keep("a", "first");
    disk_close(disk);
    open_disk();
    cr_assert(holds("a", "first"));
}

Test(table, identities_with_nul_bytes_are_told_apart_to_the_last_byte)
{
    keep_at("a\0b", 3, "first", 1000);
    cr_assert(holds_since("a\0c", 3, NULL, 0));
    cr_assert(holds_since("a", 1, NULL, 0));
    cr_assert(holds_since("a\0b", 3, "first", 0));
}

Test(table, one_is_not_older_than_asked_for)
{
    uint64_t now = clock_real_ms();
    keep_at("a", 1, "first", now - 5000);
    cr_assert(holds_since("a", 1, "first", now - 5000));
    cr_assert(holds_since("a", 1, NULL, now - 4999));
    keep_at("a", 1, "second", now + 3600000);
    cr_assert(holds_since("a", 1, NULL, now), "one from the future is not trusted for longer");
}

Test(table, the_file_of_another_identity_is_not_taken)
{
    char name[512];
    keep("a", "first");
    (void)snprintf(name, sizeof name, "%s", scratch_path("%s", table_file()));
    cr_assert_eq(rename(name, scratch_path("of a")), 0);
    keep("b", "second");
    (void)snprintf(name, sizeof name, "%s", scratch_path("%s", table_file()));
    cr_assert_eq(rename(scratch_path("of a"), name), 0);
    cr_assert(holds("b", NULL));
}

Test(table, every_wrong_byte_costs_all_of_it)
{
    keep("identity", "first");
    char byte;
    int fd = open(scratch_path("%s", table_file()), O_RDWR | O_CLOEXEC);
    for (off_t i = 0; pread(fd, &byte, 1, i) == 1; i++) {
        char wrong = (char)(byte ^ 0x10);
        cr_assert_eq(pwrite(fd, &wrong, 1, i), 1);
        cr_assert(holds("identity", NULL), "byte %d", (int)i);
        cr_assert_eq(pwrite(fd, &byte, 1, i), 1);
    }
    cr_assert_eq(close(fd), 0);
    cr_assert(holds("identity", "first"));
}

Test(table, a_file_that_is_cut_is_none)
{
    for (off_t len = 0; len < 40 + 1 + 5; len++) {
        keep("a", "first");
        cr_assert_eq(truncate(scratch_path("%s", table_file()), len), 0);
        cr_assert(holds("a", NULL), "%d bytes", (int)len);
    }
}

/* What is replaced gives its room to what replaces it. */
Test(table, renewing_one_takes_no_more_room)
{
    static char text[1 << 20];
    uint64_t words[3];
    memset(text, 't', sizeof text - 1);
    for (int i = 0; i < 50; i++)
        keep("a", text);
    disk_close(disk);
    int fd = open(scratch_path("cache/space"), O_RDONLY | O_CLOEXEC);
    cr_assert_eq(read(fd, words, sizeof words), (ssize_t)sizeof words);
    (void)close(fd);
    cr_assert_leq(words[1], 2 * sizeof text);
    open_disk();
}

Test(table, an_identity_that_is_too_long_is_not_kept)
{
    static char identity[IDENTITY_MAX + 1];
    memset(identity, 'i', sizeof identity);
    keep_at(identity, sizeof identity, "x", 1000);
    cr_assert(holds_since(identity, sizeof identity, NULL, 0));
    keep_at(identity, sizeof identity - 1, "x", 1000);
    cr_assert(holds_since(identity, sizeof identity - 1, "x", 0));
}

Test(table, a_link_in_its_place_is_not_followed)
{
    keep("a", "first");
    cr_assert_eq(rename(scratch_path("%s", table_file()), scratch_path("elsewhere")), 0);
    char *place = strdup(scratch_path("elsewhere"));
    char name[300];
    keep("a", "first");
    (void)snprintf(name, sizeof name, "%s", scratch_path("%s", table_file()));
    cr_assert_eq(unlink(name), 0);
    cr_assert_eq(symlink(place, name), 0);
    cr_assert(holds("a", NULL));
    free(place);
}
