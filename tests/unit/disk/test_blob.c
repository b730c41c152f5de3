/* Tables of contents on disk: there whole or not at all, and only for the identity that they were kept for. */
#include "disk/blob.h"

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

static void keep(const char *identity, const char *text)
{
    table_write(disk, identity, strlen(identity), text, strlen(text));
}

static bool holds(const char *identity, const char *text)
{
    size_t len = 0;
    char *bytes = table_read(disk, identity, strlen(identity), &len);
    bool same = text ? bytes && len == strlen(text) && memcmp(bytes, text, len) == 0 : !bytes;
    free(bytes);
    return same;
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
    size_t len = 0;
    table_write(disk, "a\0b", 3, "first", 5);
    cr_assert_null(table_read(disk, "a\0c", 3, &len));
    cr_assert_null(table_read(disk, "a", 1, &len));
    char *bytes = table_read(disk, "a\0b", 3, &len);
    cr_assert(bytes);
    cr_assert_eq(len, 5);
    free(bytes);
}

Test(table, the_file_of_another_identity_is_not_taken)
{
    keep("a", "first");
    int fd = open(scratch_path("%s", table_file()), O_RDWR);
    cr_assert_eq(pwrite(fd, "b", 1, 4), 1); /* the name now says another thing than the file */
    cr_assert_eq(close(fd), 0);
    cr_assert(holds("a", NULL));
}

Test(table, a_file_that_is_cut_within_its_head_is_none)
{
    for (off_t len = 0; len <= 5; len++) {
        keep("a", "first");
        cr_assert_eq(truncate(scratch_path("%s", table_file()), len), 0);
        cr_assert(holds("a", NULL), "%d bytes", (int)len);
    }
}

Test(table, an_identity_that_is_too_long_is_not_kept)
{
    static char identity[IDENTITY_MAX + 1];
    size_t len = 0;
    memset(identity, 'i', sizeof identity);
    table_write(disk, identity, sizeof identity, "x", 1);
    cr_assert_null(table_read(disk, identity, sizeof identity, &len));
    table_write(disk, identity, sizeof identity - 1, "x", 1);
    char *bytes = table_read(disk, identity, sizeof identity - 1, &len);
    cr_assert(bytes);
    free(bytes);
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
