/* Answers of GitHub on disk; see answer.h. */
#include "github/answer.h"

#include "base/cleanup.h"
#include "disk/blob.h"

#define ANSWER_MAX 4096

void answer_write(struct disk *disk, const struct strbuf *identity, const struct github_run *run,
                  uint64_t asked_ms)
{
    _cleanup_strbuf_ struct strbuf json = STRBUF_INIT(ANSWER_MAX);
    const struct blob_id id = blob_table(strbuf_text(identity), identity->len);
    github_run_format(run, &json);
    if (!json.failed && !identity->failed)
        blob_write(disk, &id, asked_ms, strbuf_text(&json), json.len);
}

bool answer_read(struct disk *disk, const struct strbuf *identity, struct github_run *ret_run,
                 uint64_t *ret_asked_ms)
{
    struct blob blob;
    const struct blob_id id = blob_table(strbuf_text(identity), identity->len);
    if (identity->failed || !blob_read(disk, &id, 0, &blob))
        return false;
    _cleanup_free_ char *json = blob.bytes;
    if (github_run_parse(json, blob.len, ret_run, NULL) < 0)
        return false;
    *ret_asked_ms = blob.made_ms;
    return true;
}
