/* Tables of contents beside the archive: used where they are sound and of this archive, else not, and never trusted with
   what members hold. */
#include <errno.h>

#include "archives_test.h"

#define PIECE 400000

static const char *const archive_key = "a.tar.zst";
static struct stored *object;

static void set_up(void)
{
    archives_set_up();
    object = store(archive_key, "e1", archive_bytes(1, PIECE));
}

TestSuite(sidecar, .init = set_up, .fini = archives_tear_down);

/* Stores the table of the archive, after CHANGE to it, as its sidecar; forgets what is known. */
static void put_sidecar(void (*change)(struct toc *toc))
{
    const struct toc *toc;
    struct error err = {0};
    unsigned char *bytes;
    size_t len;
    assert_ok(table(archive_at(archive_key), &toc, &err), &err);
    struct toc changed = *toc;
    struct hash128 *chunks = malloc(changed.chunk_count * sizeof *chunks);
    memcpy(chunks, toc->chunks, changed.chunk_count * sizeof *chunks);
    changed.chunks = chunks;
    if (change)
        change(&changed);
    assert_ok(toc_write(&changed, &bytes, &len, &err), &err);
    struct strbuf sidecar = STRBUF_INIT(SIZE_MAX / 2);
    strbuf_add(&sidecar, bytes, len);
    free(bytes);
    free(chunks);
    store("a.tar.zst.runfs-toc", "t", sidecar);
    archives_again();
    object->opened = 0;
}

static void refused(void)
{
    check_all(archive_at(archive_key), 1);
    cr_assert(strstr(noted, "a.tar.zst.runfs-toc: "), "%s", noted);
    cr_assert(strstr(noted, "not used"), "%s", noted);
}

Test(sidecar, with_a_good_one_nothing_is_decoded_to_list_the_members)
{
    const struct toc *toc;
    struct error err = {0};
    put_sidecar(NULL);
    assert_ok(table(archive_at(archive_key), &toc, &err), &err);
    cr_assert_eq(toc->members->member_count, FILES + 1);
    cr_assert_eq(object->opened, 0);
    check_all(archive_at(archive_key), 1);
    cr_assert_geq(object->opened, 1);
    cr_assert_str_eq(noted, "");
}

Test(sidecar, a_flipped_bit_anywhere_refuses_it)
{
    put_sidecar(NULL);
    struct strbuf *bytes = &stored_as("a.tar.zst.runfs-toc")->bytes;
    for (size_t at = 0; at < bytes->len; at += bytes->len / 5) {
        bytes->data[at] ^= 4;
        noted[0] = '\0';
        archives_again();
        refused();
        bytes->data[at] ^= 4;
    }
}

Test(sidecar, one_that_is_cut_or_empty_is_refused)
{
    put_sidecar(NULL);
    stored_as("a.tar.zst.runfs-toc")->bytes.len -= 1;
    refused();
    noted[0] = '\0';
    stored_as("a.tar.zst.runfs-toc")->bytes.len = 10;
    archives_again();
    refused();
}

static void of_another_etag(struct toc *toc)
{
    (void)snprintf(toc->etag, sizeof toc->etag, "e2");
}

static void of_another_size(struct toc *toc)
{
    toc->object_size += 1;
}

static void without_hashes(struct toc *toc)
{
    toc->chunk_count = 0;
}

static void incomplete(struct toc *toc)
{
    toc->complete = false;
    (void)snprintf(toc->problem, sizeof toc->problem, "cut");
}

static void too_large(struct toc *toc)
{
    toc->decoded_size = INT64_MAX;
    toc->chunk_count = 0;
}

Test(sidecar, one_of_another_archive_or_without_all_of_it_is_refused)
{
    static void (*const changes[])(struct toc *) = {of_another_etag, of_another_size, without_hashes,
                                                    incomplete, too_large};
    for (size_t i = 0; i < COUNT(changes); i++) {
        if (stored_as("a.tar.zst.runfs-toc"))
            stored_as("a.tar.zst.runfs-toc")->key = "elsewhere";
        archives_again();
        put_sidecar(changes[i]);
        noted[0] = '\0';
        refused();
    }
}

static void other_content(struct toc *toc)
{
    toc->chunks[1].bytes[3] ^= 1;
}

/* An enemy's: sound, of this archive, but not its content. */
Test(sidecar, a_lie_about_the_content_is_an_error_and_no_wrong_byte)
{
    struct error err = {0};
    unsigned wrong = 0;
    put_sidecar(other_content);
    struct archive *archive = archive_at(archive_key);
    for (unsigned i = 0; i < FILES; i++) {
        int result = check_file(archive, i, 1, &err);
        cr_assert(result == 0 || result == -EIO, "%d: %s", result, err.message);
        wrong += result < 0;
    }
    cr_assert_gt(wrong, 5, "the files of a chunk");
    cr_assert_lt(wrong, FILES);
    cr_assert_eq(check_file(archive, 10, 1, &err), -EIO);
    cr_assert(strstr(err.message, "table of contents"), "%s", err.message);
    wait_until(check_file(archive, FILES - 1, 1, &err) == 0); /* what failed along with it is tried again */
}

static void other_codec(struct toc *toc)
{
    (void)snprintf(toc->codec, sizeof toc->codec, "xz");
}

static void unknown_codec(struct toc *toc)
{
    (void)snprintf(toc->codec, sizeof toc->codec, "rot13");
}

static void points_that_lie(struct toc *toc)
{
    for (uint32_t i = 0; i < toc->point_count; i++)
        toc->points[i].encoded = toc->points[0].encoded;
}

Test(sidecar, other_lies_are_errors_too)
{
    static void (*const changes[])(struct toc *) = {other_codec, unknown_codec, points_that_lie};
    for (size_t i = 0; i < COUNT(changes); i++) {
        struct error err = {0};
        unsigned wrong = 0;
        if (stored_as("a.tar.zst.runfs-toc"))
            stored_as("a.tar.zst.runfs-toc")->key = "elsewhere";
        archives_again();
        put_sidecar(changes[i]);
        struct archive *archive = archive_at(archive_key);
        for (unsigned n = FILES; n-- > 0;) {
            int result = check_file(archive, n, 1, &err);
            cr_assert(result == 0 || result == -EIO, "%d: %s", result, err.message);
            wrong += result < 0;
        }
        cr_assert_gt(wrong, 0, "change %zu", i);
    }
}

Test(sidecar, with_verify_and_a_sha256sum_it_is_not_believed)
{
    put_sidecar(NULL);
    struct strbuf sum = STRBUF_INIT(100);
    const struct toc *toc;
    struct error err = {0};
    assert_ok(table(archive_at(archive_key), &toc, &err), &err);
    cr_assert(toc->has_sha256);
    for (size_t i = 0; i < sizeof toc->sha256; i++)
        strbuf_addf(&sum, "%02x", toc->sha256[i]);
    store("a.tar.zst.sha256sum", "s", sum);
    archives_config.verify = true;
    archives_again();
    object->opened = 0;
    assert_ok(table(archive_at(archive_key), &toc, &err), &err);
    cr_assert_geq(object->opened, 1);
}

Test(sidecar, one_that_cannot_be_read_is_none)
{
    put_sidecar(NULL);
    stored_as("a.tar.zst.runfs-toc")->failure = -EACCES;
    check_all(archive_at(archive_key), 1);
}
