/* Answers of GitHub's on disk; see answer.h. */
#include "github/answer.h"

#include <endian.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/cleanup.h"
#include "disk/blob.h"

#define MAGIC      "runfsgh1"
#define HASH       16
#define HASHED     24 /* from here on */
#define HEAD       32 /* bytes before the JSON */
#define ANSWER_MAX 4096

static void put_hash(const void *bytes, size_t len, unsigned char ret_hash[HASH])
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes, len));
    memcpy(ret_hash, canonical.digest, HASH);
}

void answer_write(struct disk *disk, const struct strbuf *identity, const struct github_run *run,
                  uint64_t asked_ms)
{
    unsigned char hash[HASH];
    uint64_t asked = htole64(asked_ms);
    _cleanup_strbuf_ struct strbuf hashed = STRBUF_INIT(ANSWER_MAX - HASHED);
    _cleanup_strbuf_ struct strbuf bytes = STRBUF_INIT(ANSWER_MAX);
    strbuf_add(&hashed, &asked, sizeof asked);
    github_run_format(run, &hashed);
    put_hash(strbuf_text(&hashed), hashed.len, hash);
    strbuf_adds(&bytes, MAGIC);
    strbuf_add(&bytes, hash, sizeof hash);
    strbuf_add(&bytes, strbuf_text(&hashed), hashed.len);
    if (!hashed.failed && !bytes.failed && !identity->failed)
        table_write(disk, strbuf_text(identity), identity->len, bytes.data, bytes.len);
}

bool answer_read(struct disk *disk, const struct strbuf *identity, struct github_run *ret_run,
                 uint64_t *ret_asked_ms)
{
    size_t len;
    unsigned char hash[HASH];
    uint64_t asked;
    _cleanup_free_ char *bytes =
        identity->failed ? NULL : table_read(disk, strbuf_text(identity), identity->len, &len);
    if (!bytes || len < HEAD || len > ANSWER_MAX || memcmp(bytes, MAGIC, strlen(MAGIC)) != 0)
        return false;
    put_hash(bytes + HASHED, len - HASHED, hash);
    if (memcmp(bytes + HASHED - HASH, hash, sizeof hash) != 0 ||
        github_run_parse(bytes + HEAD, len - HEAD, ret_run, NULL) < 0)
        return false;
    memcpy(&asked, bytes + HASHED, sizeof asked);
    *ret_asked_ms = le64toh(asked);
    return true;
}
