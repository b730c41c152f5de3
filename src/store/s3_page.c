/* A listing page's memory; see s3_xml.h and s3_page.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/escape.h"
#include "base/strbuf.h"
#include "store/s3_page.h"

void s3_page_clear(struct s3_page *page)
{
    page->count = 0;
    strbuf_clear(&page->text);
    page->truncated = page->url_encoded = false;
    free(page->token);
    page->token = NULL;
}

void s3_page_done(struct s3_page *page)
{
    free(page->entries);
    strbuf_done(&page->text);
    free(page->token);
    *page = (struct s3_page)S3_PAGE_INIT;
}

/* Offset 0 is an empty string, for entries without an ETag. */
int s3_page_text(struct s3_page *page, const char *bytes, size_t len, size_t *ret_offset)
{
    if (!page->text.len)
        strbuf_add(&page->text, "", 1);
    *ret_offset = page->text.len;
    strbuf_add(&page->text, bytes, len);
    strbuf_add(&page->text, "", 1);
    return page->text.failed ? -ENOMEM : 0;
}

int s3_page_entry(struct s3_page *page, const struct s3_entry *entry)
{
    if (page->count == S3_PAGE_KEYS_MAX)
        return -E2BIG;
    if (array_room(page->entries, page->count, page->capacity) < 0)
        return -ENOMEM;
    page->entries[page->count++] = *entry;
    return 0;
}

/* Decoded keys are never longer, so they are put back in place. */
static int decode_key(struct s3_page *page, struct s3_entry *entry, struct strbuf *out)
{
    char *key = s3_page_at(page, entry->key);
    for (size_t i = 0; i < entry->key_len; i++)
        if (key[i] == '+')
            key[i] = ' ';
    strbuf_clear(out);
    int result = unescape_percent(out, key, entry->key_len);
    if (result < 0 || out->failed)
        return result < 0 ? result : -out->failed;
    memcpy(key, strbuf_text(out), out->len);
    key[out->len] = '\0';
    entry->key_len = out->len;
    return 0;
}

int s3_page_decode(struct s3_page *page, struct error *err)
{
    _cleanup_strbuf_ struct strbuf out = STRBUF_INIT(S3_PAGE_BYTES_MAX);
    for (size_t i = 0; i < page->count; i++)
        if (decode_key(page, &page->entries[i], &out) < 0)
            return error_set(err, EIO,
                             "the server's listing is malformed: a key is not url-encoded as it says");
    return 0;
}
