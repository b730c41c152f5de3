/* The rules that tables of contents keep, whether read or to be written. */
#include "archive/toc.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "archive/tar_header.h"
#include "archive/toc_format.h"

static bool has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return true;
    return false;
}

static bool is_zero(const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i])
            return false;
    return true;
}

const char *toc_fault(const struct toc *toc)
{
    uint64_t chunks = toc->decoded_size / TOC_CHUNK_SIZE + (toc->decoded_size % TOC_CHUNK_SIZE != 0);
    if (toc->object_size > INT64_MAX || toc->decoded_size > INT64_MAX)
        return "a size makes no sense";
    if (!toc->has_sha256 && !toc->etag[0])
        return "there is neither SHA-256 nor ETag";
    if (!toc->has_sha256 && !is_zero(toc->sha256, sizeof toc->sha256))
        return "there is a SHA-256 that is not known";
    if (has_control(toc->etag) || has_control(toc->problem))
        return "a text has control characters";
    if (!toc->codec[0] || toc->codec[strspn(toc->codec, "abcdefghijklmnopqrstuvwxyz0123456789")])
        return "the codec's name is invalid";
    if (!toc->complete && !toc->problem[0])
        return "it is not complete and does not say why";
    if (toc->chunk_count && toc->chunk_count != chunks)
        return "there are not as many chunk hashes as chunks";
    uint64_t decoded = 0;
    uint64_t encoded = 0;
    for (uint32_t i = 0; i < toc->point_count; i++) {
        const struct codec_point *point = &toc->points[i];
        if (point->decoded < decoded || point->encoded < encoded)
            return "restart points are out of order";
        if (point->decoded > toc->decoded_size || point->encoded > toc->object_size)
            return "a restart point lies behind the end";
        if (point->blob_len > CODEC_BLOB_MAX)
            return "a restart point is too large";
        decoded = point->decoded;
        encoded = point->encoded;
    }
    return NULL;
}

static const char *extents_fault(const struct toc *toc, const struct member_file *file)
{
    uint64_t position = 0;
    for (uint32_t i = 0; i < file->count; i++) {
        const struct reader_extent *extent = &toc->members->extents[file->first + i];
        if (!extent->size || extent->offset < position || extent->size > file->size ||
            extent->offset > file->size - extent->size)
            return "a sparse map makes no sense";
        position = extent->offset + extent->size;
    }
    return NULL;
}

const char *toc_file_fault(const struct toc *toc, const struct member_file *file)
{
    const struct member_table *table = toc->members;
    bool is_file = file->type == MEMBER_FILE;
    bool is_directory = file->type == MEMBER_DIRECTORY;
    bool is_link = file->type == MEMBER_SYMLINK || file->type == MEMBER_BROKEN;
    if (file->mode > 07777)
        return "a mode makes no sense";
    if (!is_file && (file->sparse || file->has_sha256 || file->size))
        return "what is no file has content";
    if (file->made && !is_directory)
        return "what is no directory was made";
    if (file->count && !is_directory && !is_link && !file->sparse)
        return "a count has no meaning";
    if (!file->has_sha256 && !is_zero(file->sha256, sizeof file->sha256))
        return "there is a SHA-256 that is not known";
    if (file->size > INT64_MAX)
        return "a size makes no sense";
    if (is_link &&
        (!file->count || file->count > (file->type == MEMBER_SYMLINK ? MEMBERS_LINK_MAX : TAR_NAME_MAX)))
        return "a link target is too short or too long";
    if (is_link && memchr(table->text + file->first, '\0', file->count))
        return "a link target has a NUL byte";
    const char *fault = file->sparse ? extents_fault(toc, file) : NULL;
    if (fault)
        return fault;
    uint64_t stored = is_file ? member_stored(table, file) : 0;
    if (file->offset > toc->decoded_size || stored > toc->decoded_size - file->offset)
        return "a file lies behind the end";
    return NULL;
}

void toc_free(struct toc *toc)
{
    if (!toc)
        return;
    member_table_free(toc->members);
    free(toc->points);
    free(toc->chunks);
    free(toc);
}
