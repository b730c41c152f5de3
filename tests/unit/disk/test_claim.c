/* Claims: one fetch of a block between processes. Two handles on a directory stand for two processes, for an open file
   description's locks know no others. */
#include <signal.h>
#include <sys/wait.h>

#include "disk_test.h"

#define SIZE (3 * DISK_BLOCK)

static struct disk *disks[2];
static struct disk_object *objects[2];

static void set_up(void)
{
    scratch_open();
    for (int i = 0; i < 2; i++) {
        disks[i] = disk_here("cache");
        objects[i] = disk_object_of(disks[i], "key", SIZE);
    }
}

static void tear_down(void)
{
    for (int i = 0; i < 2; i++) {
        disk_object_free(objects[i]);
        disk_close(disks[i]);
    }
    scratch_close();
}

TestSuite(claim, .init = set_up, .fini = tear_down);

Test(claim, what_one_has_claimed_is_foreign_to_the_other)
{
    cr_assert_eq(disk_object_claim(objects[0], 0), DISK_CLAIMED);
    cr_assert_eq(disk_object_claim(objects[1], 0), DISK_FOREIGN);
    cr_assert_eq(disk_object_claim(objects[1], 1), DISK_CLAIMED, "another block");
    cr_assert_eq(disk_object_claim(objects[0], 1), DISK_FOREIGN);
    disk_object_release(objects[1], 1);
    disk_object_release(objects[0], 0);
    cr_assert_eq(disk_object_claim(objects[1], 0), DISK_CLAIMED, "given up without a block");
    disk_object_release(objects[1], 0);
}

Test(claim, what_has_come_meanwhile_is_there)
{
    cr_assert_eq(disk_object_claim(objects[0], 0), DISK_CLAIMED);
    cr_assert_eq(save_block(objects[0], 0), 0);
    cr_assert(load_block(objects[1], 0), "even before the claim ends");
    disk_object_release(objects[0], 0);
    cr_assert_eq(disk_object_claim(objects[1], 0), DISK_THERE);
    cr_assert(disk_object_knows(objects[1], 0));
    cr_assert(load_block(objects[1], 0));
    cr_assert_eq(objects[1]->claims, 0);
}

Test(claim, it_ends_with_its_holder)
{
    cr_assert_eq(disk_object_claim(objects[0], 0), DISK_CLAIMED);
    struct disk *disk = objects[0]->disk;
    disk_object_free(objects[0]);
    objects[0] = NULL;
    disk_tidy(disk);
    cr_assert_eq(disk_object_claim(objects[1], 0), DISK_CLAIMED);
    disk_object_release(objects[1], 0);
}

Test(claim, it_ends_with_a_killed_process)
{
    int ends[2];
    char byte;
    cr_assert_eq(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct disk *own = disk_here("cache");
        struct disk_object *its = disk_object_of(own, "key", SIZE);
        byte = disk_object_claim(its, 0) == DISK_CLAIMED;
        (void)!write(ends[1], &byte, 1);
        for (;;)
            (void)pause();
    }
    cr_assert_eq(read(ends[0], &byte, 1), 1);
    cr_assert_eq(byte, 1);
    cr_assert_eq(disk_object_claim(objects[0], 0), DISK_FOREIGN);
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    cr_assert_eq(disk_object_claim(objects[0], 0), DISK_CLAIMED);
    disk_object_release(objects[0], 0);
}

Test(claim, a_block_that_is_wrong_can_be_claimed)
{
    cr_assert_eq(save_block(objects[0], 0), 0);
    flip_byte(file_of("cache", objects[0], ".data"), 10);
    cr_assert_eq(disk_object_claim(objects[1], 0), DISK_THERE, "its entry says so");
    cr_assert_not(load_block(objects[1], 0));
    cr_assert_eq(disk_object_claim(objects[1], 0), DISK_CLAIMED);
    disk_object_release(objects[1], 0);
}

/* Others may remove an object while it is claimed: the claim is worth nothing then, and nothing breaks. */
Test(claim, it_survives_the_end_of_its_files)
{
    cr_assert_eq(disk_object_claim(objects[0], 0), DISK_CLAIMED);
    cr_assert_eq(disk_object_claim(objects[0], 1), DISK_CLAIMED);
    cr_assert_eq(unlink(scratch_path("%s", file_of("cache", objects[0], ".map"))), 0);
    cr_assert_eq(save_block(objects[0], 0), 0);
    disk_object_release(objects[0], 0);
    disk_object_release(objects[0], 1);
    cr_assert_eq(objects[0]->claims, 0);
    cr_assert_eq(disk_object_claim(objects[1], 1), DISK_CLAIMED);
    disk_object_release(objects[1], 1);
    cr_assert(load_block(objects[1], 0));
}

/* Of many processes that want a block at once just one gets to fetch it, and all get it. */
Test(claim, there_is_one_flight_between_processes)
{
    pid_t pids[6];
    unsigned fetched = 0;
    for (size_t i = 0; i < COUNT(pids); i++) {
        pids[i] = fork();
        if (pids[i])
            continue;
        struct disk *own = disk_here("cache");
        struct disk_object *its = disk_object_of(own, "key", SIZE);
        int fetches = 0;
        for (uint64_t number = 0; number < 3; number++)
            while (!load_block(its, number)) {
                if (disk_object_claim(its, number) != DISK_CLAIMED) {
                    (void)usleep(500);
                    continue;
                }
                (void)usleep(5000);
                fetches += save_block(its, number) == 0;
                disk_object_release(its, number);
            }
        disk_object_free(its);
        disk_close(own);
        _exit(fetches);
    }
    for (size_t i = 0; i < COUNT(pids); i++) {
        int status;
        (void)waitpid(pids[i], &status, 0);
        cr_assert(WIFEXITED(status));
        fetched += (unsigned)WEXITSTATUS(status);
    }
    cr_assert_eq(fetched, 3);
}
