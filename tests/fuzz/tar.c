/* Fuzzes the tar reader with everything behind it: pieces of any size say the same, members are as their header
   promises, and their table writes and reads as the same bytes. The first byte of the input says in what pieces, and
   whether the checksums of headers are made right first, without which no change would get far. */
#include <stdint.h>
#include <string.h>

#include "archive/tar_internal.h"
#include "archive/tar_name.h"
#include "archive/toc.h"
#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEEP_SUMS 0x80

/* What a reader said, as text. */
struct said {
    struct strbuf text;
    uint64_t left; /* data of the current member */
};

static void check_path(const char *path, size_t len)
{
    CHECK(strlen(path) == len && len <= TAR_NAME_MAX);
    for (size_t start = 0; start < len;) {
        size_t part = strcspn(path + start, "/");
        CHECK(!tar_component_fault(path + start, part));
        start += part + 1;
        CHECK(start != len); /* no slash at the end */
    }
}

static void check_extents(const struct tar_member *member)
{
    uint64_t position = 0;
    uint64_t at = member->offset;
    for (size_t i = 0; i < member->extent_count; i++) {
        const struct reader_extent *extent = &member->extents[i];
        CHECK(extent->size && extent->offset >= position && extent->at == at);
        position = extent->offset + extent->size;
        at += extent->size;
    }
    CHECK(position <= member->size && at == member->offset + member->stored);
}

static int on_begin(void *context, const struct tar_member *member, struct error *err)
{
    struct said *said = context;
    (void)err;
    check_path(member->path, member->path_len);
    CHECK(member->path_len || member->type == TAR_DIRECTORY);
    CHECK(strlen(member->link) == member->link_len);
    CHECK(!member->link_len == (member->type != TAR_SYMLINK && member->type != TAR_HARD_LINK));
    CHECK(member->mode <= 07777 && member->size <= INT64_MAX && member->stored <= member->size);
    CHECK(member->sparse || member->stored == member->size);
    if (member->sparse)
        check_extents(member);
    said->left = member->stored;
    strbuf_addf(&said->text, "%d %s %s %o %lld %llu %llu %llu\n", member->type, member->path, member->link,
                member->mode, (long long)member->mtime_ns, (unsigned long long)member->offset,
                (unsigned long long)member->size, (unsigned long long)member->header);
    return 0;
}

static int on_data(void *context, const struct tar_member *member, const void *bytes, size_t len,
                   struct error *err)
{
    struct said *said = context;
    (void)member;
    (void)err;
    CHECK(len && len <= said->left);
    said->left -= len;
    strbuf_add(&said->text, bytes, len);
    return 0;
}

static int on_end(void *context, const struct tar_member *member, struct error *err)
{
    struct said *said = context;
    (void)member;
    (void)err;
    CHECK(said->left == 0);
    strbuf_adds(&said->text, "end\n");
    return 0;
}

static void on_refused(void *context, const char *name, const char *why)
{
    struct said *said = context;
    strbuf_addf(&said->text, "refused %s %s\n", name, why);
}

static const struct tar_handler saying = {on_begin, on_data, on_end, on_refused};

/* Feeds the next piece in memory of its own. */
static int feed(struct tar *tar, const uint8_t *bytes, size_t len, struct error *err)
{
    uint8_t *copy = malloc(len ? len : 1);
    CHECK(copy);
    memcpy(copy, bytes, len);
    int result = tar_feed(tar, copy, len, err);
    free(copy);
    return result;
}

static void finish(struct tar *tar, struct said *said)
{
    struct error err = {0};
    int result = tar_end(tar, &err);
    CHECK(result == -err.code && (result == 0 || *err.message) && is_plain_line(err.message));
    strbuf_addf(&said->text, "%d %s", result, err.message);
    tar_free(tar);
}

static void fix_sum(struct tar_header *header)
{
    unsigned sum = 0;
    memset(header->checksum, ' ', sizeof header->checksum);
    for (size_t i = 0; i < sizeof *header; i++)
        sum += ((const unsigned char *)header)[i];
    (void)snprintf((char *)header->checksum, sizeof header->checksum, "%06o", sum);
}

/* Reads block by block, which tells where the headers are. */
static void read_blocks(uint8_t *bytes, size_t size, bool fix, struct said *said)
{
    struct tar *tar;
    CHECK(tar_new(NULL, &saying, said, &tar, NULL) == 0);
    for (size_t at = 0; at < size; at += TAR_BLOCK_SIZE) {
        size_t len = size - at < TAR_BLOCK_SIZE ? size - at : TAR_BLOCK_SIZE;
        if (fix && len == TAR_BLOCK_SIZE && tar->state == TAR_AT_HEADER && !tar_block_is_zero(bytes + at))
            fix_sum((struct tar_header *)(void *)(bytes + at));
        (void)feed(tar, bytes + at, len, NULL);
    }
    finish(tar, said);
}

static void read_pieces(const uint8_t *bytes, size_t size, size_t piece, struct said *said)
{
    struct tar *tar;
    CHECK(tar_new(NULL, &saying, said, &tar, NULL) == 0);
    for (size_t at = 0; at < size; at += piece)
        (void)feed(tar, bytes + at, size - at < piece ? size - at : piece, NULL);
    finish(tar, said);
}

static struct member_table *read_members(const uint8_t *bytes, size_t size)
{
    struct members *members;
    struct member_table *table;
    struct tar *tar;
    struct tar_limits limits = TAR_LIMITS;
    limits.hole_bytes = 1U << 20; /* enough for the seeds, and soon hashed */
    CHECK(members_new(&limits, NULL, NULL, &members, NULL) == 0);
    CHECK(tar_new(NULL, &members_handler, members, &tar, NULL) == 0);
    (void)tar_feed(tar, bytes, size, NULL);
    CHECK(members_finish(members, &table, NULL) == 0);
    tar_free(tar);
    members_free(members);
    return table;
}

/* Every table of real members is a valid one. */
static void check_table(struct member_table *table, size_t size)
{
    struct toc toc = {.object_size = size,
                      .etag = "e",
                      .codec = "none",
                      .decoded_size = size,
                      .complete = true,
                      .members = table};
    struct toc *again;
    struct error err;
    unsigned char *bytes;
    unsigned char *again_bytes;
    size_t len;
    size_t again_len;
    CHECK(toc_write(&toc, &bytes, &len, &err) == 0);
    CHECK(toc_read(bytes, len, &again, &err) == 0);
    CHECK(toc_write(again, &again_bytes, &again_len, &err) == 0);
    CHECK(len == again_len && memcmp(bytes, again_bytes, len) == 0);
    free(bytes);
    free(again_bytes);
    toc_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct said by_block = {.text = STRBUF_INIT(64U << 20)};
    struct said by_piece = {.text = STRBUF_INIT(64U << 20)};
    if (!size)
        return 0;
    uint8_t flags = *data++;
    uint8_t *bytes = malloc(size);
    CHECK(bytes);
    memcpy(bytes, data, --size);
    read_blocks(bytes, size, !(flags & KEEP_SUMS), &by_block);
    read_pieces(bytes, size, (flags & 0x7fU) * 8 + 1, &by_piece);
    CHECK(by_block.text.len == by_piece.text.len &&
          memcmp(by_block.text.data, by_piece.text.data, by_block.text.len) == 0);
    struct member_table *table = read_members(bytes, size);
    check_table(table, size);
    member_table_free(table);
    strbuf_done(&by_block.text);
    strbuf_done(&by_piece.text);
    free(bytes);
    return 0;
}
