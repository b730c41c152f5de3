/* Opened archives: their tables from where they can be had, and their members decoded anew whenever that is needed. */
#include <errno.h>
#include <openssl/sha.h>

#include "archives_test.h"
#include "base/cleanup.h"
#include "unpack/archives_internal.h"

#define ONE_FRAME   (SIZE_MAX / 2)
#define MANY_FRAMES 400000

static const char *const archive_key = "a.tar.zst";

TestSuite(archives, .init = archives_set_up, .fini = archives_tear_down);

static struct stored *put(unsigned seed, size_t piece)
{
    return store(archive_key, "e1", archive_bytes(seed, piece));
}

static struct strbuf text_bytes(const void *bytes, size_t len)
{
    struct strbuf text = STRBUF_INIT(SIZE_MAX / 2);
    strbuf_add(&text, bytes, len);
    return text;
}

Test(archives, a_pass_gives_the_table_and_the_members)
{
    const struct toc *toc;
    struct error err = {0};
    put(1, ONE_FRAME);
    struct archive *archive = archive_at(archive_key);
    assert_ok(table(archive, &toc, &err), &err);
    cr_assert(toc->complete);
    cr_assert_eq(toc->members->member_count, FILES + 1);
    check_all(archive, 1);
    cr_assert_eq(archive_at(archive_key), archive);
    cr_assert_str_eq(noted, "");
}

Test(archives, what_is_no_file_cannot_be_opened)
{
    const struct toc *toc;
    struct reader *reader = NULL;
    struct error err = {0};
    put(1, ONE_FRAME);
    struct archive *archive = archive_at(archive_key);
    assert_ok(table(archive, &toc, &err), &err);
    assert_refused(archive_open_file(archive, toc->members->members[0].file, &reader, &err), EINVAL, &err,
                   "file");
    assert_refused(archive_open_file(archive, toc->members->file_count, &reader, &err), EINVAL, &err, "file");
    cr_assert_null(reader);
}

/* Nothing is kept on disk, and the pool has room for a part only. Forward, backward, and the last chunk again and again. */
Test(archives, what_the_pool_forgot_is_decoded_again)
{
    struct error err = {0};
    for (int many = 0; many < 2; many++) {
        store(archive_key, many ? "e2" : "e1", archive_bytes(1, many ? MANY_FRAMES : ONE_FRAME));
        struct archive *archive = archive_at(archive_key);
        check_all(archive, 1);
        for (unsigned i = FILES; i-- > 0;)
            assert_ok(check_file(archive, i, 1, &err), &err);
        for (unsigned i = 0; i < 6; i++) {
            assert_ok(check_file(archive, FILES - 1, 1, &err), &err);
            assert_ok(check_file(archive, i % 2 ? 0 : FILES - 9, 1, &err), &err);
        }
    }
}

struct many {
    pthread_t thread;
    unsigned first;
    int result;
    struct error err;
};

static void *read_many(void *context)
{
    struct many *many = context;
    struct archive *archive = archive_at(archive_key);
    for (unsigned i = 0; i < 2 * FILES && many->result == 0; i++)
        many->result = check_file(archive, (many->first + i) % FILES, 1, &many->err);
    return NULL;
}

Test(archives, many_read_at_once_in_orders_of_their_own)
{
    struct many many[8] = {0};
    archives_config.pool_bytes = 10U << 20; /* each may hold two blocks */
    archives_again();
    put(1, MANY_FRAMES);
    for (unsigned i = 0; i < COUNT(many); i++) {
        many[i].first = i * 4;
        cr_assert_eq(pthread_create(&many[i].thread, NULL, read_many, &many[i]), 0);
    }
    for (unsigned i = 0; i < COUNT(many); i++) {
        (void)pthread_join(many[i].thread, NULL);
        assert_ok(many[i].result, &many[i].err);
    }
}

/* Looks into the archive on a thread of its own. */
struct looking {
    pthread_t thread;
    struct cancel cancelled;
    atomic_bool ended;
    struct archive *archive;
    int result;
    struct error err;
};

static void *look(void *context)
{
    struct looking *looking = context;
    const struct toc *toc;
    struct wait wait = {.timeout_ms = 60000, .cancelled = &looking->cancelled};
    looking->result = archive_table(looking->archive, &wait, &toc, &looking->err);
    atomic_store(&looking->ended, true);
    return NULL;
}

static void start_looking(struct looking *looking, struct archive *archive)
{
    *looking = (struct looking){.archive = archive};
    cancel_init(&looking->cancelled);
    cr_assert_eq(pthread_create(&looking->thread, NULL, look, looking), 0);
}

static int end_looking(struct looking *looking)
{
    (void)pthread_join(looking->thread, NULL);
    return looking->result;
}

Test(archives, who_is_cancelled_waits_no_longer_and_others_do)
{
    struct looking first;
    struct looking second;
    struct stored *object = put(1, ONE_FRAME);
    struct archive *archive = archive_at(archive_key);
    set_stuck(object, true);
    start_looking(&first, archive);
    start_looking(&second, archive);
    cancel_request(&first.cancelled);
    cr_assert_eq(end_looking(&first), -EINTR);
    cr_assert_not(atomic_load(&second.ended));
    set_stuck(object, false);
    assert_ok(end_looking(&second), &second.err);
    cr_assert_eq(object->opened, 1, "one pass for all");
    check_all(archive, 1);
}

Test(archives, closing_ends_a_pass_that_is_stuck)
{
    struct looking looking;
    struct stored *object = put(1, ONE_FRAME);
    set_stuck(object, true);
    start_looking(&looking, archive_at(archive_key));
    wait_until(object->opened);
    cancel_request(&looking.cancelled);
    cr_assert_eq(end_looking(&looking), -EINTR);
    archives_again();
    set_stuck(object, false);
    check_all(archive_at(archive_key), 1);
}

Test(archives, more_archives_than_decoders_take_turns)
{
    static const char *const keys[] = {"0.tar.zst", "1.tar.zst", "2.tar.zst",
                                       "3.tar.zst", "4.tar.zst", "5.tar.zst"};
    struct error err = {0};
    for (unsigned i = 0; i < COUNT(keys); i++)
        store(keys[i], "e", archive_bytes(i, MANY_FRAMES));
    for (unsigned round = 0; round < FILES; round += 9)
        for (unsigned i = 0; i < COUNT(keys); i++)
            assert_ok(check_file(archive_at(keys[i]), round, i, &err), &err);
}

Test(archives, who_may_not_wait_gets_what_is_there)
{
    static const struct wait at_once = {0};
    const struct toc *toc;
    struct error err = {0};
    put(1, ONE_FRAME);
    struct archive *archive = archive_at(archive_key);
    cr_assert_eq(archive_table(archive, &at_once, &toc, &err), -EAGAIN);
    assert_ok(table(archive, &toc, &err), &err);
    cr_assert_eq(archive_table(archive, &at_once, &toc, &err), 0);
}

/* Chunks of 1 MiB, and nothing is fetched ahead of readers of the decoded bytes. */
Test(archives, who_reads_on_has_more_encoded_bytes_fetched_ahead)
{
    struct error err = {0};
    const struct toc *toc;
    struct archive *archive;
    const struct stored *object = put(1, MANY_FRAMES);
    archive = archive_at(archive_key);
    assert_ok(table(archive, &toc, &err), &err);
    assert_ok(check_file(archive, 0, 1, &err), &err);
    cr_assert_lt(bounded, object->bytes.len / 2);
    for (unsigned i = 1; i < FILES * 3 / 5; i++)
        assert_ok(check_file(archive, i, 1, &err), &err);
    cr_assert_eq(bounded, object->bytes.len);
}

/* Reads file NUMBER on a thread of its own. */
struct checking {
    pthread_t thread;
    unsigned number;
    int result;
    struct error err;
};

static void *check(void *context)
{
    struct checking *checking = context;
    checking->result = check_file(archive_at(archive_key), checking->number, 1, &checking->err);
    return NULL;
}

/* The table is there, and what it tells of is damaged since; two wait at the same time. */
Test(archives, damage_fails_only_who_waits_for_what_is_damaged)
{
    const struct toc *toc;
    struct error err = {0};
    struct checking both[2] = {{.number = 2}, {.number = FILES - 3}};
    struct stored *object = put(1, MANY_FRAMES);
    assert_ok(table(archive_at(archive_key), &toc, &err), &err);
    object->bytes.data[object->bytes.len / 20] ^= 1;
    set_stuck(object, true);
    for (unsigned i = 0; i < COUNT(both); i++)
        cr_assert_eq(pthread_create(&both[i].thread, NULL, check, &both[i]), 0);
    set_stuck(object, false);
    for (unsigned i = 0; i < COUNT(both); i++)
        (void)pthread_join(both[i].thread, NULL);
    cr_assert_eq(both[0].result, -EIO, "%s", both[0].err.message);
    assert_ok(both[1].result, &both[1].err);
}

Test(archives, what_could_not_be_read_may_be_read_later)
{
    const struct toc *toc;
    struct error err = {0};
    struct stored *object = put(1, ONE_FRAME);
    struct archive *archive = archive_at(archive_key);
    object->failure = -EIO;
    assert_refused(table(archive, &toc, &err), EIO, &err, "reading fails");
    object->failure = 0;
    wait_until(table(archive, &toc, &err) == 0);
    check_all(archive, 1);
}

Test(archives, what_is_damaged_stays_so_and_says_why)
{
    char problem[100];
    const struct toc *toc;
    struct error err = {0};
    struct stored *object = put(1, ONE_FRAME);
    object->bytes.data[object->bytes.len / 2] ^= 1;
    struct archive *archive = archive_at(archive_key);
    assert_refused(table(archive, &toc, &err), EBADMSG, &err, archive_key);
    assert_refused(table(archive, &toc, &err), EBADMSG, &err, archive_key);
    archive_problem(archive, problem, sizeof problem);
    cr_assert(strstr(problem, "zstd"), "%s", problem);
    cr_assert_eq(object->opened, 1);
}

Test(archives, a_table_is_kept_on_disk_and_the_archive_not_read_again)
{
    archives_on_disk();
    struct stored *object = put(1, ONE_FRAME);
    check_all(archive_at(archive_key), 1);
    archives_again();
    object->opened = 0;
    check_all(archive_at(archive_key), 1);
    cr_assert_eq(object->opened, 0);
}

Test(archives, another_etag_is_another_archive)
{
    struct error err = {0};
    archives_on_disk();
    put(1, MANY_FRAMES);
    struct archive *old = archive_at(archive_key);
    check_all(old, 1);
    store(archive_key, "e2", archive_bytes(2, MANY_FRAMES));
    struct archive *new = archive_at(archive_key);
    cr_assert_neq(new, old);
    check_all(new, 2);
    int result = check_file(old, 3, 1, &err); /* from the cache */
    cr_assert(result == 0 || result == -ESTALE, "%s", err.message);
}

/* Local files have no ETag, and may be replaced by ones of the same time. */
Test(archives, without_an_etag_size_and_time_tell_archives_apart)
{
    struct error err = {0};
    archives_on_disk();
    store(archive_key, "", archive_bytes(1, MANY_FRAMES));
    struct archive *old = archive_at(archive_key);
    check_all(old, 1);
    store(archive_key, "", archive_bytes(2, MANY_FRAMES + 7));
    cr_assert_neq(archive_at(archive_key), old);
    check_all(archive_at(archive_key), 2);
    int result = check_file(old, 3, 1, &err);
    cr_assert(result == 0 || result == -ESTALE, "%s", err.message);
}

Test(archives, without_an_etag_the_sound_part_of_a_damaged_one_shows)
{
    const struct toc *toc;
    struct error err = {0};
    struct stored *object = store(archive_key, "", archive_bytes(1, MANY_FRAMES));
    object->bytes.data[object->bytes.len / 2] ^= 1;
    struct archive *archive = archive_at(archive_key);
    assert_ok(table(archive, &toc, &err), &err);
    cr_assert_not(toc->complete);
    cr_assert_gt(toc->members->member_count, 5);
    assert_ok(check_file(archive, 2, 1, &err), &err);
    cr_assert(strstr(noted, "zstd"), "%s", noted);
}

/* The bytes were damaged on their way to us, at the first time only. */
Test(archives, chunks_of_a_pass_that_failed_are_not_believed)
{
    const struct toc *toc;
    struct error err = {0};
    archives_on_disk();
    struct stored *object = store(archive_key, "e1", archive_bytes(2, ONE_FRAME));
    object->bytes.len -= 3; /* another archive, cut */
    size_t size = object->bytes.len;
    cr_assert_eq(table(archive_at(archive_key), &toc, &err), -EBADMSG);
    archives_again();
    store(archive_key, "e1", archive_bytes(1, ONE_FRAME));
    cr_assert_neq(stored_as(archive_key)->bytes.len, size);
    check_all(archive_at(archive_key), 1);
}

/* Blocks on disk whose map says that they are right, and that are not those of the archive. */
static void poison(unsigned chunks)
{
    _cleanup_strbuf_ struct strbuf identity = STRBUF_INIT(IDENTITY_MAX);
    _cleanup_free_ char *zeros = calloc(1, TOC_CHUNK_SIZE);
    struct object object = {.key = archive_key, .key_len = strlen(archive_key), .etag = "e1"};
    identity_build_decoded(&archives_config.scope, &object, &identity);
    struct disk_object *on_disk =
        disk_object_new(archives_config.disk, strbuf_text(&identity), identity.len, DECODED_SIZE_MAX);
    struct hash128 hash = hash128(zeros, TOC_CHUNK_SIZE);
    for (unsigned i = 0; i < chunks; i++)
        cr_assert_eq(disk_object_save(on_disk, i, zeros, TOC_CHUNK_SIZE, &hash, false), 0);
    disk_object_free(on_disk);
}

Test(archives, blocks_on_disk_that_differ_from_the_table_are_decoded_again)
{
    const struct toc *toc;
    struct error err = {0};
    archives_on_disk();
    put(1, MANY_FRAMES);
    assert_ok(table(archive_at(archive_key), &toc, &err), &err);
    unsigned chunks = toc->chunk_count;
    archives_again();
    poison(chunks);
    check_all(archive_at(archive_key), 1);
    archives_again();
    struct archive *archive = archive_at(archive_key);
    assert_ok(table(archive, &toc, &err), &err); /* from disk */
    unsigned opened = stored_as(archive_key)->opened;
    check_all(archive, 1);
    cr_assert_eq(stored_as(archive_key)->opened, opened, "the right blocks have replaced the wrong ones");
}

/* An operation arrived long ago, the archive was decoded for it, and then it reads. */
Test(archives, decoding_is_progress_for_who_reads_after_it)
{
    const struct toc *toc;
    struct reader *reader;
    struct error err = {0};
    size_t n = 0;
    _cleanup_free_ char *bytes = malloc(FILE_SIZE);
    struct wait wait = {.timeout_ms = 10000, .since_ms = clock_ms() - 20000};
    put(1, ONE_FRAME);
    struct archive *archive = archive_at(archive_key);
    assert_ok(table(archive, &toc, &err), &err);
    assert_ok(archive_open_file(archive, toc->members->members[1].file, &reader, &err), &err);
    assert_ok(reader_pread(reader, bytes, FILE_SIZE, 0, &wait, &n, &err), &err);
    cr_assert(is_content(bytes, 0, 1));
    reader_close(reader);
}

static void put_sha256sum(const struct stored *object, bool right)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char text[2 * sizeof digest + 2] = "";
    SHA256((const unsigned char *)object->bytes.data, object->bytes.len, digest);
    digest[7] ^= !right;
    for (size_t i = 0; i < sizeof digest; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", digest[i]);
    strcat(text, "\n");
    store("a.tar.zst.sha256sum", "s", text_bytes(text, strlen(text)));
}

Test(archives, the_sha256sum_is_compared)
{
    const struct toc *toc;
    struct error err = {0};
    struct stored *object = put(1, MANY_FRAMES);
    put_sha256sum(object, true);
    check_all(archive_at(archive_key), 1);
    archives_again();
    put_sha256sum(object, false);
    assert_refused(table(archive_at(archive_key), &toc, &err), EBADMSG, &err, ".sha256sum");
}

/* It may be another one. */
Test(archives, to_be_verified_a_sha256sum_must_be_read)
{
    const struct toc *toc;
    struct error err = {0};
    archives_config.verify = true;
    archives_again();
    struct stored *object = put(1, MANY_FRAMES);
    put_sha256sum(object, false);
    stored_as("a.tar.zst.sha256sum")->failure = -ETIMEDOUT;
    assert_refused(table(archive_at(archive_key), &toc, &err), ETIMEDOUT, &err, "reading fails");
    stored_as("a.tar.zst.sha256sum")->failure = 0;
    (void)usleep(1100000); /* so long the failure stands */
    assert_refused(table(archive_at(archive_key), &toc, &err), EBADMSG, &err, ".sha256sum");
    archives_again();
    put_sha256sum(object, true);
    check_all(archive_at(archive_key), 1);
}

Test(archives, a_sha256sum_of_another_form_says_nothing)
{
    static const char *const texts[] = {
        "", "00", "not hexadecimal at all, but as long as it has to be, 64 characters\n"};
    put(1, MANY_FRAMES);
    for (size_t i = 0; i < COUNT(texts); i++) {
        store("a.tar.zst.sha256sum", "s", text_bytes(texts[i], strlen(texts[i])));
        archives_again();
        check_all(archive_at(archive_key), 1);
    }
}
