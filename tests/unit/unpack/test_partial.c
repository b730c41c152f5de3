/* What a pass has found is told and read while the pass goes on: by the members' names, by their bytes, and no longer than it
   can be believed. The store sends the archives as far as the test says. */
#include <errno.h>
#include <openssl/sha.h>
#include <zstd.h>

#include "archives_test.h"
#include "base/cleanup.h"
#include "unpack/archives_internal.h"

#define FRAME     (1U << 20) /* a chunk, so that what is decoded is trusted as well */
#define ONE_FRAME (SIZE_MAX / 2)
#define BEGINNING (1U << 20) /* encoded bytes that a pass takes piece by piece */

static const char *const key = "a.tar.zst";
static const struct wait patient = {.timeout_ms = 10000};
static const struct wait at_once = {0};
static struct error err;

TestSuite(early, .init = archives_set_up, .fini = archives_tear_down);

/* An archive of which the beginning only is sent. */
static struct stored *put_slow(size_t piece)
{
    struct stored *object = store(key, "e1", archive_bytes(1, piece));
    send_up_to(object, BEGINNING);
    return object;
}

static void find_early(struct archive *archive, const char *path, struct archive_member *ret_member)
{
    const struct toc *toc = NULL;
    assert_ok(archive_find(archive, path, &patient, &toc, ret_member, &err), &err);
    cr_assert_null(toc, "%s is known at the end only", path);
}

static struct reader *open_early(struct archive *archive, const char *path)
{
    struct archive_member member;
    struct reader *reader;
    find_early(archive, path, &member);
    assert_ok(archive_open_early(archive, member.file.offset, member.file.size, &reader, &err), &err);
    return reader;
}

static int read_right(struct reader *reader, unsigned number, const struct wait *wait)
{
    size_t n = 0;
    _cleanup_free_ char *bytes = malloc(FILE_SIZE);
    int result = reader_pread(reader, bytes, FILE_SIZE, 0, wait, &n, &err);
    if (result == 0 && (n != FILE_SIZE || !is_content(bytes, number, 1)))
        return -EILSEQ;
    return result;
}

static struct archives_stats stats(void)
{
    struct archives_stats now;
    archives_stats(archives, &now);
    return now;
}

/* Whether the pass has decoded what has been sent. */
static bool all_is_taken(void)
{
    return stats().encoded == BEGINNING;
}

/* Asks for a name on a thread of its own. */
struct asking {
    pthread_t thread;
    struct archive *archive;
    const char *path;
    const struct toc *toc;
    struct archive_member member;
    int result;
    struct error err;
    atomic_bool ended;
};

static void *ask(void *context)
{
    struct asking *asking = context;
    asking->result =
        archive_find(asking->archive, asking->path, &patient, &asking->toc, &asking->member, &asking->err);
    atomic_store(&asking->ended, true);
    return NULL;
}

static void start_asking(struct asking *asking, struct archive *archive, const char *path)
{
    *asking = (struct asking){.archive = archive, .path = path};
    cr_assert_eq(pthread_create(&asking->thread, NULL, ask, asking), 0);
}

static void end_asking(struct asking *asking)
{
    (void)pthread_join(asking->thread, NULL);
}

static void put_sha256sum(const struct stored *object, bool right)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    struct strbuf text = STRBUF_INIT(1000);
    SHA256((const unsigned char *)object->bytes.data, object->bytes.len, digest);
    digest[7] ^= !right;
    for (size_t i = 0; i < sizeof digest; i++)
        strbuf_addf(&text, "%02x", digest[i]);
    store("a.tar.zst.sha256sum", "s", text);
}

static void check_first_members(void)
{
    struct archive_member member;
    struct stored *object = put_slow(FRAME);
    struct archive *archive = archive_at(key);
    struct reader *first = open_early(archive, "f00");
    struct reader *second = open_early(archive, "f02");
    assert_ok(read_right(second, 2, &patient), &err);
    assert_ok(read_right(first, 0, &patient), &err);
    find_early(archive, "f00", &member);
    cr_assert_eq(member.file.size, FILE_SIZE);
    cr_assert_eq(member.file.mode, 0644);
    cr_assert_eq(member.file.mtime_ns, 1500000000LL * 1000000000);
    cr_assert_eq(object->opened, 1, "the pass alone reads the archive");
    send_up_to(object, 0);
    check_all(archive, 1);
    assert_ok(read_right(first, 0, &patient), &err);
    reader_close(first);
    reader_close(second);
}

Test(early, the_first_members_are_read_while_the_last_have_not_been_sent)
{
    archives_on_disk();
    check_first_members();
}

Test(early, the_same_without_a_disk)
{
    check_first_members();
}

Test(early, a_name_that_is_still_to_come_is_waited_for)
{
    struct asking asking;
    struct archive_member member;
    const struct toc *toc;
    struct stored *object = put_slow(FRAME);
    struct archive *archive = archive_at(key);
    cr_assert_eq(archive_find(archive, "f00", &at_once, &toc, &member, &err), -EAGAIN);
    start_asking(&asking, archive, "f20");
    find_early(archive, "f01", &member);
    cr_assert_eq(archive_find(archive, "f01", &at_once, &toc, &member, &err), 0);
    cr_assert_eq(archive_find(archive, "f20", &at_once, &toc, &member, &err), -EAGAIN);
    cr_assert_not(atomic_load(&asking.ended));
    send_up_to(object, object->bytes.len - 1);
    end_asking(&asking);
    assert_ok(asking.result, &asking.err);
    cr_assert_null(asking.toc);
    start_asking(&asking, archive, "nowhere");
    send_up_to(object, 0);
    end_asking(&asking);
    assert_ok(asking.result, &asking.err);
    cr_assert_not_null(asking.toc, "what is not there is known at the end");
}

struct reading {
    pthread_t thread;
    struct reader *reader;
    unsigned number;
    int result;
    atomic_bool ended;
};

static void *read_thread(void *context)
{
    struct reading *reading = context;
    reading->result = read_right(reading->reader, reading->number, &patient);
    atomic_store(&reading->ended, true);
    return NULL;
}

/* The file that lies partly in the last chunk of what has been sent: of it the name is known, but not the last byte. */
static unsigned cut_file(const struct stored *object)
{
    size_t at = 0;
    size_t frames = 0;
    while ((at += ZSTD_findFrameCompressedSize(object->bytes.data + at, object->bytes.len - at)) <= BEGINNING)
        frames++;
    cr_assert_gt(frames, 0);
    return (unsigned)(frames * FRAME / ((FILE_SIZE + 511) / 512 * 512 + 512));
}

Test(early, bytes_that_are_still_to_come_are_waited_for)
{
    char path[10];
    char byte;
    size_t n;
    archives_on_disk();
    struct stored *object = put_slow(FRAME);
    struct archive *archive = archive_at(key);
    struct reading reading = {.number = cut_file(object)};
    (void)snprintf(path, sizeof path, "f%02u", reading.number);
    reading.reader = open_early(archive, path);
    cr_assert_eq(reader_pread(reading.reader, &byte, 1, FILE_SIZE - 1, &at_once, &n, &err), -EAGAIN);
    cr_assert_eq(pthread_create(&reading.thread, NULL, read_thread, &reading), 0);
    cr_assert_not(atomic_load(&reading.ended));
    send_up_to(object, 0);
    (void)pthread_join(reading.thread, NULL);
    assert_ok(reading.result, &err);
    cr_assert_eq(object->opened, 1, "no second decoder");
    reader_close(reading.reader);
}

Test(early, to_be_verified_nothing_is_told_before_the_end)
{
    struct asking asking;
    archives_config.verify = true;
    archives_again();
    struct stored *object = put_slow(FRAME);
    put_sha256sum(object, true);
    struct archive *archive = archive_at(key);
    start_asking(&asking, archive, "f00");
    wait_until(all_is_taken());
    cr_assert_not(atomic_load(&asking.ended));
    send_up_to(object, 0);
    end_asking(&asking);
    assert_ok(asking.result, &asking.err);
    cr_assert_not_null(asking.toc);
}

Test(early, another_sha256_at_the_end_takes_everything_back)
{
    const struct toc *toc;
    struct archive_member member;
    archives_on_disk();
    struct stored *object = put_slow(FRAME);
    put_sha256sum(object, false);
    struct archive *archive = archive_at(key);
    struct reader *reader = open_early(archive, "f00");
    assert_ok(read_right(reader, 0, &patient), &err);
    send_up_to(object, 0);
    cr_assert_eq(table(archive, &toc, &err), -EBADMSG);
    assert_refused(read_right(reader, 0, &patient), EBADMSG, &err, ".sha256sum");
    assert_refused(read_right(reader, 0, &at_once), EBADMSG, &err, ".sha256sum");
    assert_refused(archive_find(archive, "f00", &patient, &toc, &member, &err), EBADMSG, &err, ".sha256sum");
    reader_close(reader);
}

/* A check that is far off is not waited for; what it finds is. */
Test(early, damage_behind_takes_back_what_was_decoded_before_it)
{
    const struct toc *toc;
    archives_on_disk();
    struct stored *object = store(key, "e1", long_archive_bytes(1, ONE_FRAME));
    object->bytes.data[object->bytes.len - 1000] ^= 1;
    send_up_to(object, object->bytes.len - 2000);
    struct archive *archive = archive_at(key);
    struct reader *reader = open_early(archive, "f00");
    assert_ok(read_right(reader, 0, &patient), &err);
    send_up_to(object, 0);
    cr_assert_eq(table(archive, &toc, &err), -EBADMSG);
    cr_assert_eq(read_right(reader, 0, &patient), -EBADMSG);
    reader_close(reader);
}

Test(early, a_check_that_is_near_is_waited_for)
{
    struct asking asking;
    struct stored *object = put_slow(ONE_FRAME);
    struct archive *archive = archive_at(key);
    start_asking(&asking, archive, "f00");
    wait_until(all_is_taken());
    cr_assert_not(atomic_load(&asking.ended));
    send_up_to(object, 0);
    end_asking(&asking);
    assert_ok(asking.result, &asking.err);
}

/* Others need its decoder, and nobody waits for it. */
static void have_pass_given_up(void)
{
    static const char *const keys[] = {"0.tar.zst", "1.tar.zst", "2.tar.zst", "3.tar.zst"};
    struct asking others[COUNT(keys)];
    for (size_t i = 0; i < COUNT(keys); i++) {
        send_up_to(store(keys[i], "e", archive_bytes(2, FRAME)), BEGINNING);
        start_asking(&others[i], archive_at(keys[i]), "nowhere");
    }
    for (size_t i = 0; i < COUNT(keys); i++)
        wait_until(stored_as(keys[i])->opened);
    for (size_t i = 0; i < COUNT(keys); i++)
        send_up_to(stored_as(keys[i]), 0);
    for (size_t i = 0; i < COUNT(keys); i++) {
        end_asking(&others[i]);
        assert_ok(others[i].result, &others[i].err);
    }
}

Test(early, after_a_pass_was_given_up_its_members_are_read_all_the_same)
{
    char path[10];
    struct archive_member member;
    archives_on_disk();
    struct stored *object = put_slow(FRAME);
    struct archive *archive = archive_at(key);
    unsigned number = cut_file(object);
    (void)snprintf(path, sizeof path, "f%02u", number);
    struct reader *last = open_early(archive, path);
    struct reader *first = open_early(archive, "f00");
    send_up_to(object, object->bytes.len - 1);
    have_pass_given_up();
    assert_ok(read_right(first, 0, &patient), &err);
    find_early(archive, "f00", &member);
    cr_assert_eq(object->opened, 1, "that was known");
    assert_ok(read_right(last, number, &patient), &err);
    cr_assert_eq(object->opened, 2, "that takes another pass");
    find_early(archive, "f00", &member);
    send_up_to(object, 0);
    check_all(archive, 1);
    assert_ok(read_right(first, 0, &patient), &err);
    reader_close(first);
    reader_close(last);
}

/* Without a disk, and what is kept in memory are later bytes. */
Test(early, what_was_not_kept_is_decoded_again)
{
    struct stored *object = store(key, "e1", long_archive_bytes(1, FRAME));
    send_up_to(object, 16U << 20);
    struct archive *archive = archive_at(key);
    struct reader *last = open_early(archive, "f29");
    struct reader *first = open_early(archive, "f00");
    assert_ok(read_right(last, 29, &patient), &err);
    cr_assert_eq(object->opened, 1);
    assert_ok(read_right(first, 0, &patient), &err);
    cr_assert_eq(object->opened, 2);
    send_up_to(object, 0);
    have_pass_given_up();
    check_all(archive, 1);
    reader_close(first);
    reader_close(last);
}

/* As many passes as there may be wait for bytes, the one of an archive of which a chunk was decoded again before. */
Test(early, a_decoder_of_chunks_is_free_for_others_while_a_pass_goes_on)
{
    static const char *const keys[] = {"0.tar.zst", "1.tar.zst", "2.tar.zst"};
    struct asking passes[COUNT(keys) + 1];
    const struct toc *toc;
    store("b.tar.zst", "e", archive_bytes(2, FRAME));
    assert_ok(table(archive_at("b.tar.zst"), &toc, &err), &err);
    struct stored *object = store(key, "e1", long_archive_bytes(1, FRAME));
    send_up_to(object, 16U << 20);
    struct archive *archive = archive_at(key);
    struct reader *last = open_early(archive, "f29");
    struct reader *first = open_early(archive, "f00");
    assert_ok(read_right(last, 29, &patient), &err);
    assert_ok(read_right(first, 0, &patient), &err);
    cr_assert_eq(object->opened, 2, "for a chunk that was not kept");
    start_asking(&passes[COUNT(keys)], archive, "nowhere");
    for (size_t i = 0; i < COUNT(keys); i++) {
        send_up_to(store(keys[i], "e", archive_bytes(2, FRAME)), BEGINNING);
        start_asking(&passes[i], archive_at(keys[i]), "nowhere");
        wait_until(stored_as(keys[i])->opened);
    }
    assert_ok(check_file(archive_at("b.tar.zst"), 0, 2, &err), &err);
    send_up_to(object, 0);
    for (size_t i = 0; i < COUNT(keys); i++)
        send_up_to(stored_as(keys[i]), 0);
    for (size_t i = 0; i <= COUNT(keys); i++) {
        end_asking(&passes[i]);
        assert_ok(passes[i].result, &passes[i].err);
    }
    reader_close(first);
    reader_close(last);
}

Test(early, who_is_interrupted_waits_no_longer)
{
    struct cancel cancelled = CANCEL_INIT;
    struct wait wait = {.timeout_ms = 60000, .cancelled = &cancelled};
    const struct toc *toc;
    char byte;
    size_t n;
    struct archive_member member;
    struct stored *object = put_slow(FRAME);
    struct archive *archive = archive_at(key);
    char path[10];
    (void)snprintf(path, sizeof path, "f%02u", cut_file(object));
    struct reader *reader = open_early(archive, path);
    cancel_request(&cancelled);
    cr_assert_eq(archive_find(archive, "f29", &wait, &toc, &member, &err), -EINTR);
    cr_assert_eq(reader_pread(reader, &byte, 1, FILE_SIZE - 1, &wait, &n, &err), -EINTR);
    reader_close(reader);
}

Test(early, what_nobody_refers_to_is_freed)
{
    const struct toc *toc;
    struct reader *reader;
    struct stored *object = store(key, "e1", archive_bytes(1, FRAME));
    struct archive *archive = archive_at(key);
    assert_ok(table(archive, &toc, &err), &err);
    assert_ok(archive_open_file(archive, toc->members->members[1].file, &reader, &err), &err);
    archive_put(archive);
    archives_sweep(archives);
    cr_assert_eq(archive_at(key), archive, "its reader refers to it");
    archive_put(archive);
    assert_ok(read_right(reader, 0, &patient), &err);
    reader_close(reader);
    wait_until((archives_sweep(archives), stats().opened == 0));
    unsigned opened = object->opened;
    check_all(archive_at(key), 1);
    cr_assert_gt(object->opened, opened, "it is another one");
}
