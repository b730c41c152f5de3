/* Manifests of archives; see manifest.h. */
#include "unpack/manifest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/sha256.h"
#include "disk/blob.h"
#include "unpack/archives_internal.h"

/* Whether LEN bytes are what the table says of its FILE. */
static bool is_right(const struct member_file *file, const char *text, size_t len)
{
    _cleanup_sha256_ struct sha256 sum = {0};
    char found[SHA256_TEXT];
    char wanted[SHA256_TEXT];
    if (len != file->size || !file->has_sha256)
        return false;
    for (size_t i = 0; i < MEMBER_SHA256_SIZE; i++)
        (void)snprintf(wanted + 2 * i, 3, "%02x", file->sha256[i]);
    return sha256_begin(&sum, NULL) == 0 && sha256_add(&sum, text, len, NULL) == 0 &&
           sha256_end(&sum, found, NULL) == 0 && strcmp(found, wanted) == 0;
}

/* The name of the copy on disk; false where there is no place for one. */
static bool name_copy(const struct archive *archive, struct strbuf *name)
{
    archive_identity(archive, name);
    strbuf_adds(name, RUNFS_FLATTEN_MANIFEST);
    return archive->all->config.disk && !name->failed;
}

/* NULL where there is no copy that is right. */
static char *load_copy(const struct archive *archive, const struct member_file *file)
{
    _cleanup_strbuf_ struct strbuf name = STRBUF_INIT(IDENTITY_MAX);
    size_t len;
    if (!name_copy(archive, &name))
        return NULL;
    char *text = table_read(archive->all->config.disk, strbuf_text(&name), name.len, &len);
    if (text && !is_right(file, text, len)) {
        free(text);
        text = NULL;
    }
    return text;
}

static void keep_copy(const struct archive *archive, const struct member_file *file, const char *text)
{
    _cleanup_strbuf_ struct strbuf name = STRBUF_INIT(IDENTITY_MAX);
    if (name_copy(archive, &name) && is_right(file, text, file->size))
        table_write(archive->all->config.disk, strbuf_text(&name), name.len, text, file->size);
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

/* The bytes of file NUMBER of the table, owned by the caller. */
static int get_text(struct archive *archive, const struct toc *toc, uint32_t number, const struct wait *wait,
                    char **ret_text, struct error *err)
{
    const struct member_file *file = &toc->members->files[number];
    _cleanup_free_ char *text = file->size ? load_copy(archive, file) : strdup("");
    if (!text && !wait)
        return -EAGAIN;
    if (!text) {
        text = malloc(file->size + 1);
        int result = text ? read_member(archive, number, wait, text, file->size, err)
                          : error_errno(err, ENOMEM, "manifest");
        if (result < 0)
            return result;
        keep_copy(archive, file, text);
    }
    *ret_text = TAKE_PTR(text);
    return 0;
}

static int parse(const char *text, size_t len, struct runfs_flatten **ret_places, struct error *err)
{
    struct runfs_error why;
    if (runfs_flatten_new(text, len, ret_places, &why) == 0)
        return 0;
    return error_set(err, why.code == EINVAL ? EBADMSG : why.code, "%s", why.message);
}

static int get(struct archive *archive, const struct toc *toc, const struct wait *wait,
               struct runfs_flatten **ret_places, struct error *err)
{
    const struct member_table *table = toc->members;
    _cleanup_free_ char *text = NULL;
    uint32_t member;
    if (table->member_count == 1)
        return parse("", 0, ret_places, err);
    if (member_entry(table, 0, RUNFS_FLATTEN_MANIFEST, strlen(RUNFS_FLATTEN_MANIFEST), &member) < 0 ||
        member_file(table, member)->type != MEMBER_FILE)
        return error_set(err, EBADMSG, "has no manifest, so that its members have no place");
    const struct member_file *file = member_file(table, member);
    if (file->size > RUNFS_FLATTEN_SIZE_MAX)
        return error_set(err, EBADMSG, "its manifest is larger than %d bytes", RUNFS_FLATTEN_SIZE_MAX);
    int result = get_text(archive, toc, table->members[member].file, wait, &text, err);
    return result < 0 ? result : parse(text, file->size, ret_places, err);
}

int manifest_get(struct archive *archive, const struct toc *toc, const struct wait *wait,
                 struct runfs_flatten **ret_places, struct error *err)
{
    int result = get(archive, toc, wait, ret_places, err);
    return result < 0 && result != -EAGAIN ? error_prefix(err, "%s", archive->objects.archive.key) : result;
}
