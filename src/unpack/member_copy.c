/* A member whole, with a copy on disk; see member_copy.h. */
#include "unpack/member_copy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/digest.h"
#include "disk/blob.h"
#include "unpack/archives_internal.h"

/* Whether LEN bytes are what the table says of its FILE. */
static bool is_right(const struct member_file *file, const char *text, size_t len)
{
    _cleanup_digest_ struct digest sum = {0};
    unsigned char found[SHA256_SIZE];
    return len == file->size && file->has_sha256 && digest_begin(&sum, DIGEST_SHA256, NULL) == 0 &&
           digest_add(&sum, text, len, NULL) == 0 && digest_end(&sum, found, NULL) == 0 &&
           memcmp(found, file->sha256, sizeof found) == 0;
}

/* The identity of the copy on disk; false where there is no place for one. */
static bool name_copy(const struct archive *archive, const char *name, struct strbuf *out)
{
    archive_identity(archive, out);
    strbuf_adds(out, name);
    return archive->all->config.disk && !out->failed;
}

/* NULL where there is no copy that is right. */
static char *load_copy(const struct archive *archive, const struct member_file *file, const char *name)
{
    _cleanup_strbuf_ struct strbuf identity = STRBUF_INIT(IDENTITY_MAX);
    struct blob blob;
    if (!name_copy(archive, name, &identity))
        return NULL;
    const struct blob_id id = blob_table(strbuf_text(&identity), identity.len);
    if (!blob_read(archive->all->config.disk, &id, 0, &blob))
        return NULL;
    _cleanup_free_ char *text = blob.bytes;
    return is_right(file, text, blob.len) ? TAKE_PTR(text) : NULL;
}

static void keep_copy(const struct archive *archive, const struct member_file *file, const char *name,
                      const char *text)
{
    _cleanup_strbuf_ struct strbuf identity = STRBUF_INIT(IDENTITY_MAX);
    if (!name_copy(archive, name, &identity) || !is_right(file, text, file->size))
        return;
    const struct blob_id id = blob_table(strbuf_text(&identity), identity.len);
    blob_write(archive->all->config.disk, &id, clock_real_ms(), text, file->size);
}

static int read_member(struct archive *archive, uint32_t number, const struct wait *wait, char *text,
                       size_t size, struct error *err)
{
    struct reader *reader;
    size_t done = 0;
    int result = archive_open_file(archive, number, &reader, err);
    if (result < 0)
        return result;
    while (result == 0 && done < size) {
        size_t n = 0;
        result = reader_pread(reader, text + done, size - done, done, wait, &n, err);
        if (result == 0 && n == 0)
            result = error_set(err, EIO, "shorter than its table of contents says");
        done += n;
    }
    reader_close(reader);
    return result;
}

int member_copy_get(struct archive *archive, const struct toc *toc, uint32_t number, const char *name,
                    const struct wait *wait, char **ret_text, struct error *err)
{
    const struct member_file *file = &toc->members->files[number];
    _cleanup_free_ char *text = file->size ? load_copy(archive, file, name) : strdup("");
    if (!text && !wait)
        return -EAGAIN;
    if (!text) {
        text = malloc(file->size + 1);
        int result = text ? read_member(archive, number, wait, text, file->size, err)
                          : error_errno(err, ENOMEM, "%s", name);
        if (result < 0)
            return result;
        keep_copy(archive, file, name, text);
    }
    *ret_text = TAKE_PTR(text);
    return 0;
}
