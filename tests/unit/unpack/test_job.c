/* The job of an archive: what its work costs, and whose turn it is where there are more archives than decoders. */
#include <errno.h>

#include "archives_test.h"
#include "base/cleanup.h"
#include "base/digest.h"
#include "counted.h"
#include "unpack/archives_internal.h"

#define FRAME     (1U << 20)
#define BEGINNING (1U << 20) /* encoded bytes */
#define PASSES    4          /* at once */

static const char *const key = "a.tar.zst";
static const char *const stuck_keys[PASSES] = {"0.tar.zst", "1.tar.zst", "2.tar.zst", "3.tar.zst"};
static const struct wait patient = {.timeout_ms = 10000};
static struct error err;

TestSuite(job, .init = archives_set_up, .fini = archives_tear_down);

/* Waits for a table on a thread of its own. */
struct waiting {
    pthread_t thread;
    struct archive *archive;
    struct wait wait;
    struct cancel cancelled;
    int result;
    struct error err;
};

static void *await_table(void *context)
{
    struct waiting *waiting = context;
    const struct toc *toc;
    waiting->result = archive_table(waiting->archive, &waiting->wait, &toc, &waiting->err);
    return NULL;
}

static void start_waiting(struct waiting *waiting, struct archive *archive)
{
    cancel_init(&waiting->cancelled);
    waiting->archive = archive;
    waiting->wait.cancelled = &waiting->cancelled;
    cr_assert_eq(pthread_create(&waiting->thread, NULL, await_table, waiting), 0);
}

static int end_waiting(struct waiting *waiting)
{
    (void)pthread_join(waiting->thread, NULL);
    return waiting->result;
}

/* As many first passes as there may be, whose bytes do not come. */
static struct waiting stuck[PASSES];

static void start_stuck(void)
{
    for (size_t i = 0; i < PASSES; i++) {
        send_up_to(store(stuck_keys[i], "e", archive_bytes(2, FRAME)), BEGINNING);
        stuck[i] = (struct waiting){.wait = patient};
        start_waiting(&stuck[i], archive_at(stuck_keys[i]));
    }
    for (size_t i = 0; i < PASSES; i++)
        wait_until(stored_as(stuck_keys[i])->opened);
}

static void end_stuck(void)
{
    for (size_t i = 0; i < PASSES; i++)
        send_up_to(stored_as(stuck_keys[i]), 0);
    for (size_t i = 0; i < PASSES; i++)
        assert_ok(end_waiting(&stuck[i]), &stuck[i].err);
}

static void read_first_early(struct archive *archive)
{
    const struct toc *toc;
    struct archive_member member;
    struct reader *reader;
    size_t n = 0;
    _cleanup_free_ char *bytes = malloc(FILE_SIZE);
    assert_ok(archive_find(archive, "f00", &patient, &toc, &member, &err), &err);
    cr_assert_null(toc);
    assert_ok(archive_open_early(archive, member.file.offset, member.file.size, &reader, &err), &err);
    assert_ok(reader_pread(reader, bytes, FILE_SIZE, 0, &patient, &n, &err), &err);
    cr_assert(is_content(bytes, 0, 1));
    reader_close(reader);
}

/* The last chunk is a short one: the table has the hash of its bytes, the disk that of the whole block. */
Test(job, each_decoded_byte_is_written_once_hashed_once_and_not_read_back)
{
    const struct toc *toc;
    struct disk_stats disk;
    archives_config.pool_bytes = 10U << 20;
    archives_on_disk();
    struct stored *object = store(key, "e1", archive_bytes(1, FRAME));
    send_up_to(object, BEGINNING);
    struct archive *archive = archive_at(key);
    counted_reset();
    read_first_early(archive);
    send_up_to(object, 0);
    assert_ok(table(archive, &toc, &err), &err);
    cr_assert_neq(toc->decoded_size % TOC_CHUNK_SIZE, 0);
    check_all(archive, 1);
    cache_settle(archives->cache);
    disk_stats(archives_config.disk, &disk);
    cr_assert_eq(disk.bytes_written, (uint64_t)toc->chunk_count * TOC_CHUNK_SIZE);
    cr_assert_eq(disk.bytes_read, 0);
    cr_assert_eq(counted_block_bytes(), toc->decoded_size + TOC_CHUNK_SIZE);
    cr_assert_eq(counted_digest_bytes(), (uint64_t)FILES * FILE_SIZE + object->bytes.len);
    cr_assert_eq(object->opened, 1);
}

Test(job, chunks_are_decoded_again_beside_passes_that_are_stuck)
{
    store(key, "e1", archive_bytes(1, FRAME));
    struct archive *archive = archive_at(key);
    check_all(archive, 1); /* more than the pool holds */
    start_stuck();
    unsigned opened = stored_as(key)->opened;
    check_all(archive, 1);
    cr_assert_gt(stored_as(key)->opened, opened);
    end_stuck();
}

Test(job, a_wait_for_a_slot_ends_when_nothing_makes_progress)
{
    static struct waiting late;
    late = (struct waiting){.wait = {.timeout_ms = 50}};
    start_stuck();
    struct stored *object = store(key, "e1", archive_bytes(1, FRAME));
    struct archive *archive = archive_at(key);
    start_waiting(&late, archive);
    assert_refused(end_waiting(&late), ETIMEDOUT, &late.err, "no progress");
    cr_assert_eq(object->opened, 0);
    end_stuck();
    check_all(archive, 1);
}

/* It has waited for longer than it may, but others have got on meanwhile. */
Test(job, progress_of_any_archive_prolongs_a_wait)
{
    static struct waiting late;
    late = (struct waiting){.wait = {.timeout_ms = 10000, .since_ms = clock_ms() - 20000}};
    start_stuck();
    store(key, "e1", archive_bytes(1, FRAME));
    cache_note_progress(archives->cache);
    start_waiting(&late, archive_at(key));
    end_stuck();
    assert_ok(end_waiting(&late), &late.err);
}

Test(job, an_archive_at_rest_has_no_thread_and_no_slot)
{
    const struct toc *toc;
    store(key, "e1", archive_bytes(1, FRAME));
    assert_ok(table(archive_at(key), &toc, &err), &err);
    lock_take(&archives->lock);
    while (archives->threads)
        lock_wait(&archives->lock, &archives->changed);
    cr_assert_eq(archives->busy[SLOT_PASS] + archives->busy[SLOT_CHUNKS], 0);
    lock_drop(&archives->lock);
}

Test(job, sweeping_leaves_an_archive_that_is_at_work)
{
    struct waiting waiting = {.wait = patient};
    struct stored *object = store(key, "e1", archive_bytes(1, FRAME));
    send_up_to(object, BEGINNING);
    struct archive *archive = archive_at(key);
    start_waiting(&waiting, archive);
    wait_until(object->opened);
    archive_put(archive);
    archives_sweep(archives);
    cr_assert_eq(archive_at(key), archive);
    send_up_to(object, 0);
    assert_ok(end_waiting(&waiting), &waiting.err);
    check_all(archive, 1);
}

static atomic_bool swept_enough;

static void *sweep(void *context)
{
    while (!atomic_load(&swept_enough))
        archives_sweep(context);
    return NULL;
}

Test(job, sweeping_and_opening_never_make_two_of_one)
{
    pthread_t sweeper;
    store(key, "e1", archive_bytes(1, FRAME));
    cr_assert_eq(pthread_create(&sweeper, NULL, sweep, archives), 0);
    for (unsigned i = 0; i < 50; i++) {
        struct archive *first = archive_at(key);
        struct archive *second = archive_at(key);
        cr_assert_eq(first, second);
        assert_ok(check_file(first, i % FILES, 1, &err), &err); /* which takes a reference of its own */
        archive_put(first);
        archive_put(second);
    }
    atomic_store(&swept_enough, true);
    (void)pthread_join(sweeper, NULL);
}
