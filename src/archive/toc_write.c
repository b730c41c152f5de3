/* Writes tables of contents. */
#include <errno.h>
#include <stdlib.h>

#include "archive/toc_format.h"

/* What is being written: memory of just the size that is needed, and how much of it is done. */
struct output {
    unsigned char *bytes;
    size_t len;
};

static void put(struct output *out, uint64_t value, size_t len)
{
    put_le(out->bytes + out->len, value, len);
    out->len += len;
}

static void put_bytes(struct output *out, const void *bytes, size_t len)
{
    if (len)
        memcpy(out->bytes + out->len, bytes, len);
    out->len += len;
}

/* Counts what goes into each section, and the whole. */
static int count_sections(const struct toc *toc, uint64_t counts[TOC_SECTIONS], uint64_t *ret_len,
                          struct error *err)
{
    const struct member_table *table = toc->members;
    uint64_t len = TOC_HEADER_SIZE + TOC_HASH_SIZE;
    counts[TOC_ETAG] = strlen(toc->etag);
    counts[TOC_PROBLEM] = strlen(toc->problem);
    counts[TOC_POINTS] = toc->point_count;
    counts[TOC_CHUNKS] = toc->chunk_count;
    counts[TOC_MEMBERS] = table->member_count;
    counts[TOC_FILES] = table->file_count;
    counts[TOC_EXTENTS] = table->extent_count;
    for (uint32_t i = 0; i < toc->point_count; i++)
        counts[TOC_BLOBS] += toc->points[i].blob_len;
    for (uint32_t i = 0; i < table->member_count; i++)
        counts[TOC_NAMES] += table->members[i].name_len;
    for (uint32_t i = 0; i < table->file_count; i++)
        if (member_link(table, &table->files[i])[0])
            counts[TOC_LINKS] += table->files[i].count;
    for (unsigned i = 0; i < TOC_SECTIONS; i++)
        len += counts[i] * toc_record_size[i]; /* far below 2^64: there are at most 2^32 of each in memory */
    if (len > TOC_SIZE_MAX)
        return error_set(err, E2BIG, "table of contents: more than %llu bytes", TOC_SIZE_MAX);
    *ret_len = len;
    return 0;
}

static void put_header(struct output *out, const struct toc *toc, const uint64_t counts[TOC_SECTIONS],
                       uint64_t len)
{
    char codec[TOC_CODEC_MAX + 1] = "";
    memcpy(codec, toc->codec, strlen(toc->codec));
    put_bytes(out, TOC_MAGIC, strlen(TOC_MAGIC));
    put(out, TOC_VERSION, 4);
    put(out, (toc->complete ? TOC_COMPLETE : 0U) | (toc->has_sha256 ? TOC_HAS_SHA256 : 0U), 4);
    put(out, len, 8);
    put(out, toc->object_size, 8);
    put(out, toc->decoded_size, 8);
    put(out, toc->refused, 8);
    put_bytes(out, toc->sha256, sizeof toc->sha256);
    put_bytes(out, codec, sizeof codec);
    for (unsigned i = 0; i < TOC_SECTIONS; i++)
        put(out, counts[i], 4);
    put_bytes(out, toc->etag, counts[TOC_ETAG]);
    put_bytes(out, toc->problem, counts[TOC_PROBLEM]);
}

static void put_members(struct output *out, const struct member_table *table)
{
    for (uint32_t i = 0; i < table->member_count; i++) {
        put(out, table->members[i].file, 4);
        put(out, table->members[i].name_len, 1);
    }
    for (uint32_t i = 0; i < table->member_count; i++)
        put_bytes(out, member_name(table, i), table->members[i].name_len);
}

static void put_files(struct output *out, const struct member_table *table)
{
    for (uint32_t i = 0; i < table->file_count; i++) {
        const struct member_file *file = &table->files[i];
        put(out, file->type, 1);
        put(out,
            (file->has_sha256 ? TOC_FILE_HAS_SHA256 : 0U) | (file->sparse ? TOC_FILE_SPARSE : 0U) |
                (file->made ? TOC_FILE_MADE : 0U),
            1);
        put(out, file->mode, 2);
        put(out, file->count, 4);
        put(out, (uint64_t)file->mtime_ns, 8);
        put(out, file->offset, 8);
        put(out, file->size, 8);
        put_bytes(out, file->sha256, sizeof file->sha256);
    }
    for (uint32_t i = 0; i < table->file_count; i++)
        if (member_link(table, &table->files[i])[0])
            put_bytes(out, member_link(table, &table->files[i]), table->files[i].count);
    for (uint32_t i = 0; i < table->extent_count; i++) {
        put(out, table->extents[i].offset, 8);
        put(out, table->extents[i].size, 8);
    }
}

static void put_points(struct output *out, const struct toc *toc)
{
    for (uint32_t i = 0; i < toc->point_count; i++) {
        put(out, toc->points[i].decoded, 8);
        put(out, toc->points[i].encoded, 8);
        put(out, toc->points[i].kind, 4);
        put(out, toc->points[i].blob_len, 4);
    }
    for (uint32_t i = 0; i < toc->point_count; i++)
        put_bytes(out, toc->points[i].blob, toc->points[i].blob_len);
}

int toc_write(const struct toc *toc, unsigned char **ret_bytes, size_t *ret_len, struct error *err)
{
    uint64_t counts[TOC_SECTIONS] = {0};
    uint64_t len = 0;
    const char *fault = toc_fault(toc);
    for (uint32_t i = 0; !fault && i < toc->members->file_count; i++)
        fault = toc_file_fault(toc, &toc->members->files[i]);
    if (fault)
        return error_set(err, EINVAL, "table of contents: %s", fault);
    int result = count_sections(toc, counts, &len, err);
    if (result < 0)
        return result;
    struct output out = {malloc(len), 0};
    if (!out.bytes)
        return error_errno(err, ENOMEM, "table of contents");
    put_header(&out, toc, counts, len);
    put_members(&out, toc->members);
    put_files(&out, toc->members);
    put_points(&out, toc);
    put_bytes(&out, toc->chunks, toc->chunk_count * sizeof *toc->chunks);
    struct hash128 hash = hash128(out.bytes, out.len);
    put_bytes(&out, hash.bytes, sizeof hash);
    *ret_bytes = out.bytes;
    *ret_len = out.len;
    return 0;
}
