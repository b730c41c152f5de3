/* The directory of the disk cache: made where it is missing, refused where it is not safe, left alone where it cannot be
   written to; no symbolic link in it is followed. */
#include <errno.h>
#include <sys/mount.h>

#include "disk_test.h"

#define SIZE 300

TestSuite(directory, .init = scratch_open, .fini = scratch_close);

static void refused(const char *name, int code, const char *text)
{
    struct disk *disk;
    struct error err = {0};
    assert_refused(disk_try(scratch_path("%s", name), &disk, &err), code, &err, text);
}

/* Whether a block can be saved and loaded. */
static bool works(struct disk *disk)
{
    struct disk_object *object = disk_object_of(disk, "key", SIZE);
    bool saved = save_block(object, 0) == 0 && load_block(object, 0);
    disk_object_free(object);
    return saved;
}

static void fill(const char *name)
{
    struct disk *disk = disk_here(name);
    cr_assert(works(disk));
    disk_close(disk);
}

/* A name of a file of the object above. */
static const char *object_file(const char *suffix)
{
    struct disk *disk = disk_here("cache");
    struct disk_object *object = disk_object_of(disk, "key", SIZE);
    const char *name = file_of("cache", object, suffix);
    disk_object_free(object);
    disk_close(disk);
    return name;
}

Test(directory, is_made_with_its_parents_and_for_the_user_alone)
{
    struct stat st;
    struct disk *disk = disk_here("a/b/cache");
    cr_assert_eq(stat(scratch_path("a/b/cache"), &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0700);
    cr_assert_str_eq(disk_directory(disk), scratch_path("a/b/cache"));
    cr_assert(works(disk));
    disk_close(disk);
}

Test(directory, is_not_made_where_nobody_asks)
{
    struct disk_config config = {.directory = scratch_path("none")};
    struct disk *disk;
    struct error err = {0};
    assert_refused(disk_open(&config, &disk, &err), ENOENT, &err, "none");
    cr_assert_not(exists("none"));
}

Test(directory, limits_that_are_not_said_are_parts_of_the_file_system)
{
    struct disk_config config = {.directory = scratch_path("cache"), .make = true};
    struct disk *disk;
    struct error err;
    assert_ok(disk_open(&config, &disk, &err), &err);
    cr_assert_gt(disk_size_max(disk), 0);
    cr_assert_gt(disk_free_min(disk), 0);
    cr_assert_leq(disk_size_max(disk) / 4, disk_free_min(disk));
    disk_close(disk);
    disk = disk_of_size("cache", 12345678);
    cr_assert_eq(disk_size_max(disk), 12345678);
    disk_close(disk);
}

Test(directory, of_another_user_is_refused)
{
    if (geteuid() != 0)
        cr_skip_test("only root can give a directory away");
    scratch_mkdir("cache");
    cr_assert_eq(chown(scratch_path("cache"), 65534, 65534), 0);
    refused("cache", EPERM, "must be yours");
    cr_assert_not(exists("cache/objects"));
}

Test(directory, that_others_may_write_to_is_refused)
{
    static const mode_t modes[] = {0770, 0702, 0777, 01777};
    scratch_mkdir("cache");
    for (size_t i = 0; i < COUNT(modes); i++) {
        cr_assert_eq(chmod(scratch_path("cache"), modes[i]), 0);
        refused("cache", EPERM, "nobody else may write");
    }
    cr_assert_eq(chmod(scratch_path("cache"), 0755), 0);
    fill("cache");
}

Test(directory, parts_of_it_are_held_to_the_same)
{
    static const char *const parts[] = {"cache/objects", "cache/listings"};
    fill("cache");
    for (size_t i = 0; i < COUNT(parts); i++) {
        cr_assert_eq(chmod(scratch_path("%s", parts[i]), 0777), 0);
        refused("cache", EPERM, "not safe");
        cr_assert_eq(chmod(scratch_path("%s", parts[i]), 0700), 0);
    }
    fill("cache");
}

Test(directory, a_file_in_its_place_is_refused)
{
    scratch_write("cache", "not a directory");
    refused("cache", ENOTDIR, "not a directory");
    cr_assert_eq(size_of_file("cache"), strlen("not a directory"));
}

Test(directory, a_link_in_its_place_is_refused)
{
    scratch_mkdir("target");
    cr_assert_eq(symlink(scratch_path("target"), scratch_path("cache")), 0);
    refused("cache", ENOTDIR, "symbolic link");
    refused("cache/", ENOTDIR, "symbolic link");
    cr_assert_not(exists("target/objects"));
}

/* Something else in the place of a part. Whatever becomes of it, the target of a link is not touched. */
static void in_place_of(const char *part, bool link)
{
    char command[1024];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", scratch_path("%s", part));
    cr_assert_eq(system(command), 0);
    if (link)
        cr_assert_eq(symlink(scratch_path("target"), scratch_path("%s", part)), 0);
    else
        cr_assert_eq(mkfifo(scratch_path("%s", part), 0600), 0);
}

Test(directory, links_and_pipes_in_place_of_its_directories_are_refused)
{
    static const char *const parts[] = {"cache/objects", "cache/listings", "cache/space"};
    scratch_mkdir("target");
    for (size_t i = 0; i < COUNT(parts); i++)
        for (int link = 0; link < 2; link++) {
            struct disk *disk = NULL;
            struct error err = {0};
            fill("cache");
            in_place_of(parts[i], link);
            int result = disk_try(scratch_path("cache"), &disk, &err);
            cr_assert_lt(result, 0, "%s, link %d", parts[i], link);
            cr_assert_neq(err.message[0], '\0');
            cr_assert_eq(rmdir(scratch_path("target")), 0, "something was made in the target");
            scratch_mkdir("target");
            cr_assert_eq(unlink(scratch_path("%s", parts[i])), 0);
        }
}

Test(directory, links_and_pipes_in_place_of_an_objects_files_are_not_followed)
{
    static const char *const suffixes[] = {".map", ".data"};
    scratch_write("target", "untouched");
    for (size_t i = 0; i < COUNT(suffixes); i++)
        for (int link = 0; link < 2; link++) {
            fill("cache");
            in_place_of(object_file(suffixes[i]), link);
            struct disk *disk = disk_here("cache");
            struct disk_object *object = disk_object_of(disk, "key", SIZE);
            cr_assert_not(load_block(object, 0));
            (void)save_block(object, 0);
            (void)load_block(object, 0);
            disk_object_free(object);
            disk_close(disk);
            char *text = scratch_read("target");
            cr_assert_str_eq(text, "untouched");
            free(text);
            (void)unlink(scratch_path("%s", object_file(".map")));
            (void)unlink(scratch_path("%s", object_file(".data")));
        }
    fill("cache");
}

Test(directory, a_link_in_place_of_a_shard_is_not_followed)
{
    char shard[128];
    fill("cache");
    scratch_mkdir("target");
    (void)snprintf(shard, sizeof shard, "%.16s", object_file(".map"));
    in_place_of(shard, true);
    struct disk *disk = disk_here("cache");
    cr_assert_not(works(disk));
    disk_close(disk);
    cr_assert_eq(rmdir(scratch_path("target")), 0, "something was made in the target");
}

/* As a cache on a read-only disk. */
static void make_read_only(const char *name)
{
    const char *path = scratch_path("%s", name);
    own_mounts();
    cr_assert_eq(mount(path, path, NULL, MS_BIND, NULL), 0);
    cr_assert_eq(mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
}

Test(directory, that_is_read_only_is_read_only)
{
    fill("cache");
    make_read_only("cache");
    struct disk *disk = disk_here("cache");
    struct disk_object *object = disk_object_of(disk, "key", SIZE);
    struct disk_object *other = disk_object_of(disk, "other", SIZE);
    cr_assert(load_block(object, 0));
    cr_assert_eq(disk_object_claim(object, 0), DISK_THERE);
    cr_assert_eq(disk_object_claim(other, 0), DISK_UNUSABLE);
    cr_assert_not(load_block(other, 0));
    for (int i = 0; i < 3; i++) {
        cr_assert_lt(save_block(other, 0), 0);
        cr_assert_lt(save_block(object, 0), 0);
    }
    cr_assert_eq(disk_notes, 1, "said once, not %u times", disk_notes);
    disk_object_free(object);
    disk_object_free(other);
    disk_close(disk);
}

Test(directory, that_is_read_only_and_empty_is_refused)
{
    scratch_mkdir("cache");
    make_read_only("cache");
    refused("cache", ENOENT, "cache");
}
