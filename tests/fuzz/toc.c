/* Fuzzes tables of contents as an enemy would make them. The input is a table without its checksum, which is added, as
   its length is: what is read then must write as the same bytes, and every member must be found by its name. */
#include <stdint.h>
#include <string.h>

#include "archive/toc_format.h"
#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_members(const struct member_table *table)
{
    uint32_t links = 0;
    for (uint32_t i = 0; i < table->member_count; i++) {
        _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(1U << 20);
        uint32_t found;
        member_path(table, i, &path);
        CHECK(path.failed == 0 && path.len >= table->members[i].name_len);
        CHECK(i == 0 || (member_entry(table, table->members[i].parent, member_name(table, i),
                                      table->members[i].name_len, &found) == 0 &&
                         found == i));
        CHECK(table->members[i].parent < i || i == 0);
        CHECK(strlen(member_name(table, i)) == table->members[i].name_len);
    }
    for (uint32_t i = 0; i < table->file_count; i++) {
        const struct member_file *file = &table->files[i];
        CHECK(file->links > 0);
        links += file->links;
        CHECK(member_stored(table, file) <= file->size);
        CHECK(!*member_link(table, file) ||
              (strlen(member_link(table, file)) == file->count && file->count <= TAR_NAME_MAX));
    }
    CHECK(links == table->member_count);
}

static void check_same(const struct toc *toc, const uint8_t *bytes, size_t len)
{
    unsigned char *again;
    size_t again_len;
    struct error err;
    CHECK(toc_write(toc, &again, &again_len, &err) == 0);
    CHECK(again_len == len && memcmp(again, bytes, len) == 0);
    free(again);
}

static void read_table(const uint8_t *bytes, size_t len)
{
    struct toc *toc = NULL;
    struct error err = {0};
    int result = toc_read(bytes, len, &toc, &err);
    CHECK((result == 0) == (toc != NULL));
    CHECK(result == 0 || (err.code == -result && *err.message && is_plain_line(err.message)));
    if (!toc)
        return;
    check_members(toc->members);
    check_same(toc, bytes, len);
    toc_free(toc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_table(data, size);
    if (size < TOC_HEADER_SIZE)
        return 0;
    size_t len = size + TOC_HASH_SIZE;
    uint8_t *bytes = malloc(len);
    CHECK(bytes);
    memcpy(bytes, data, size);
    put_le(bytes + TOC_AT_LENGTH, len, 8);
    struct hash128 hash = hash128(bytes, size);
    memcpy(bytes + size, hash.bytes, sizeof hash);
    read_table(bytes, len);
    free(bytes);
    return 0;
}
