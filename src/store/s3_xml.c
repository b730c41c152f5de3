/* Reads S3's XML answers as they arrive; see s3_xml.h. */
#include "store/s3_xml.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/escape.h"
#include "base/parse.h"
#include "base/strbuf.h"

#define TEXT_MAX  (32U * 1024) /* one element's; a key has at most 1024 bytes, 3 each when encoded */
#define DEPTH_MAX 16
#define ETAG_MAX  255

enum root { ROOT_NONE, ROOT_LISTING, ROOT_ERROR, ROOT_OTHER };

/* Element names by depth: the root is at 1, <Contents> at 2, its fields at 3. */
struct s3_parser {
    xmlParserCtxtPtr xml;
    struct s3_page *page;     /* NULL while reading an error answer */
    struct s3_error *refusal; /* where an <Error> goes */
    struct s3_error own_refusal;
    struct strbuf text;
    struct s3_entry entry;
    enum root root;
    unsigned depth;
    bool in_contents;
    bool in_token;
    bool token_broken;     /* the token under way */
    bool token_was_broken; /* any so far: then the document is not well-formed, and nothing else is wrong */
    bool has_key;
    bool has_size;
    uint64_t bytes;
    struct error failure; /* the first thing found wrong */
};

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

/* Copies LEN bytes and a NUL into the page's text and tells where; offset 0 is an empty string, for entries without an
   ETag. */
static int s3_page_text(struct s3_page *page, const char *bytes, size_t len, size_t *ret_offset)
{
    if (!page->text.len)
        strbuf_add(&page->text, "", 1);
    *ret_offset = page->text.len;
    strbuf_add(&page->text, bytes, len);
    strbuf_add(&page->text, "", 1);
    return page->text.failed ? -ENOMEM : 0;
}

static int s3_page_entry(struct s3_page *page, const struct s3_entry *entry)
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

/* Decodes the keys of a page that said <EncodingType>url</EncodingType>: percent-encoding, '+' for a space. */
static int s3_page_decode(struct s3_page *page, struct error *err)
{
    _cleanup_strbuf_ struct strbuf out = STRBUF_INIT(S3_PAGE_BYTES_MAX);
    for (size_t i = 0; i < page->count; i++)
        if (decode_key(page, &page->entries[i], &out) < 0)
            return error_set(err, EIO,
                             "the server's listing is malformed: a key is not url-encoded as it says");
    return 0;
}

static bool named(const xmlChar *name, const char *text)
{
    return strcmp((const char *)name, text) == 0;
}

/* Stops the parser; libxml2 gives no more events then. */
static void fail(struct s3_parser *p, int code, const char *why)
{
    if (!p->failure.code)
        (void)error_set(&p->failure, code, "the server's listing is %s", why);
    xmlStopParser(p->xml);
}

static void start_field(struct s3_parser *p, const xmlChar *name)
{
    p->in_token = named(name, "NextContinuationToken");
    p->token_broken = false;
    p->in_contents = named(name, "Contents");
    if (!p->in_contents)
        return;
    p->has_key = p->has_size = false;
    p->entry = (struct s3_entry){0};
}

static void on_start(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                     int n_namespaces, const xmlChar **namespaces, int n_attributes, int n_defaulted,
                     const xmlChar **attributes)
{
    struct s3_parser *p = context;
    (void)prefix, (void)uri, (void)n_namespaces, (void)namespaces, (void)n_attributes, (void)n_defaulted;
    (void)attributes;
    p->depth++;
    strbuf_clear(&p->text);
    if (p->depth > DEPTH_MAX)
        fail(p, EIO, "nested too deeply");
    else if (p->depth == 1)
        p->root = named(name, "ListBucketResult") ? ROOT_LISTING
                  : named(name, "Error")          ? ROOT_ERROR
                                                  : ROOT_OTHER;
    else if (p->depth == 2 && p->root == ROOT_LISTING)
        start_field(p, name);
}

static void on_characters(void *context, const xmlChar *text, int len)
{
    struct s3_parser *p = context;
    strbuf_add(&p->text, text, (size_t)len);
    if (p->text.failed)
        fail(p, p->text.failed == ENOMEM ? ENOMEM : EIO, "malformed: an element is too long");
}

/* S3 quotes ETags; they are kept without. */
static void entry_etag(struct s3_parser *p, const char *value, size_t len)
{
    if (len >= 2 && value[0] == '"' && value[len - 1] == '"') {
        value++;
        len -= 2;
    }
    if (len > ETAG_MAX)
        fail(p, EIO, "malformed: an ETag is too long");
    for (size_t i = 0; i < len; i++)
        if (value[i] <= ' ' || value[i] > '~' || value[i] == '"') { /* it goes into an If-Match header */
            fail(p, EIO, "malformed: an ETag is not one");
            return;
        }
    if (s3_page_text(p->page, value, len, &p->entry.etag) < 0)
        fail(p, ENOMEM, "too large");
}

static void entry_field(struct s3_parser *p, const xmlChar *name)
{
    const char *value = strbuf_text(&p->text);
    if (named(name, "Key")) {
        p->has_key = true;
        p->entry.key_len = p->text.len;
        if (s3_page_text(p->page, value, p->text.len, &p->entry.key) < 0)
            fail(p, ENOMEM, "too large");
    } else if (named(name, "Size")) {
        p->has_size = true;
        if (parse_u64(value, INT64_MAX, &p->entry.size) < 0)
            fail(p, EIO, "malformed: a size is not a number");
    } else if (named(name, "LastModified")) {
        if (parse_time(value, &p->entry.mtime_ns) < 0)
            fail(p, EIO, "malformed: a time is not one");
    } else if (named(name, "ETag")) {
        entry_etag(p, value, p->text.len);
    }
}

static void entry_end(struct s3_parser *p)
{
    p->in_contents = false;
    if (!p->has_key || !p->has_size) {
        fail(p, EIO, "malformed: an entry lacks its key or size");
        return;
    }
    if (s3_page_entry(p->page, &p->entry) < 0)
        fail(p, EIO, "too large");
}

static void page_field(struct s3_parser *p, const xmlChar *name)
{
    const char *value = strbuf_text(&p->text);
    if (named(name, "IsTruncated")) {
        p->page->truncated = strcmp(value, "true") == 0;
    } else if (named(name, "EncodingType")) {
        p->page->url_encoded = strcmp(value, "url") == 0;
    } else if (named(name, "NextContinuationToken") && !p->token_broken) {
        free(p->page->token);
        if (!(p->page->token = strdup(value)))
            fail(p, ENOMEM, "too large");
    }
}

static void refusal_field(struct s3_error *refusal, const xmlChar *name, const char *value)
{
    if (named(name, "Code"))
        (void)snprintf(refusal->code, sizeof refusal->code, "%s", value);
    else if (named(name, "Message"))
        (void)snprintf(refusal->message, sizeof refusal->message, "%s", value);
    else if (named(name, "Region"))
        (void)snprintf(refusal->region, sizeof refusal->region, "%s", value);
}

static void on_end(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    struct s3_parser *p = context;
    (void)prefix, (void)uri;
    unsigned depth = p->depth--;
    if (p->root == ROOT_ERROR && depth == 2) {
        refusal_field(p->refusal, name, strbuf_text(&p->text));
    } else if (p->root == ROOT_LISTING && p->page) {
        if (depth == 3 && p->in_contents)
            entry_field(p, name);
        else if (depth == 2 && p->in_contents)
            entry_end(p);
        else if (depth == 2)
            page_field(p, name);
    }
    strbuf_clear(&p->text);
}

/* A document type could define entities; no S3 server sends one. */
static void on_doctype(void *context, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
    (void)name, (void)external, (void)system;
    fail(context, EIO, "malformed: it has a document type");
}

/* Ceph sends its token, a raw key, with character references that XML forbids where the key has such bytes: a
   page can go on without the token. Everything else that is not well-formed is a failure. */
static void on_error(void *context, xmlErrorPtr error)
{
    struct s3_parser *p = context;
    if (error->level < XML_ERR_FATAL)
        return;
    if (error->code == XML_ERR_INVALID_CHAR && p->in_token)
        p->token_broken = p->token_was_broken = true;
    else
        fail(p, error->code == XML_ERR_NO_MEMORY ? ENOMEM : EIO, "malformed XML");
}

static xmlSAXHandler sax_handler(void)
{
    return (xmlSAXHandler){
        .initialized = XML_SAX2_MAGIC,
        .startElementNs = on_start,
        .endElementNs = on_end,
        .characters = on_characters,
        .cdataBlock = on_characters,
        .internalSubset = on_doctype,
        .serror = on_error,
    };
}

/* libxml2 wants one thread to have set it up before several use it. */
static int open_xml(struct s3_parser *p)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, xmlInitParser);
    xmlSAXHandler sax = sax_handler();
    p->xml = xmlCreatePushParserCtxt(&sax, p, NULL, 0, NULL);
    if (!p->xml)
        return -ENOMEM;
    (void)xmlCtxtUseOptions(p->xml, XML_PARSE_NONET | XML_PARSE_RECOVER |
                                        XML_PARSE_IGNORE_ENC); /* on_error() decides */
    return 0;
}

static void close_xml(struct s3_parser *p)
{
    if (p->xml && p->xml->myDoc)
        xmlFreeDoc(p->xml->myDoc);
    xmlFreeParserCtxt(p->xml);
    strbuf_done(&p->text);
}

int s3_parser_open(struct s3_page *page, struct s3_parser **ret_parser, struct error *err)
{
    struct s3_parser *p = calloc(1, sizeof *p);
    if (!p)
        return error_errno(err, ENOMEM, "listing");
    p->page = page;
    p->refusal = &p->own_refusal;
    p->text.max = TEXT_MAX;
    if (open_xml(p) < 0) {
        s3_parser_close(p);
        return error_errno(err, ENOMEM, "listing");
    }
    *ret_parser = p;
    return 0;
}

void s3_parser_close(struct s3_parser *parser)
{
    if (!parser)
        return;
    close_xml(parser);
    free(parser);
}

static int failure_of(const struct s3_parser *p, struct error *err)
{
    return error_set(err, p->failure.code, "%s", p->failure.message);
}

/* S3 speaks UTF-8. What libxml2 would take for another encoding is refused: it would convert it, and not say so where that
   fails. */
static void check_encoding(struct s3_parser *p, const char *bytes, size_t len)
{
    bool first = p->bytes == 0;
    p->bytes += len;
    if (len && ((first && !strchr("< \t\r\n\xef", bytes[0])) || memchr(bytes, '\0', len)))
        fail(p, EIO, "malformed XML, or not in UTF-8");
}

static int feed(struct s3_parser *p, const char *bytes, size_t len, bool last)
{
    check_encoding(p, bytes, len);
    /* libxml2 takes int lengths; the network's pieces are far smaller, a caller's whole file may not be */
    while (!p->failure.code) {
        int step = len > 1U << 20 ? 1 << 20 : (int)len;
        (void)xmlParseChunk(p->xml, bytes, step, last && (size_t)step == len);
        bytes += step;
        len -= (size_t)step;
        if (!len)
            break;
    }
    return p->failure.code ? -p->failure.code : 0;
}

int s3_parser_feed(struct s3_parser *parser, const char *bytes, size_t len, struct error *err)
{
    if (parser->bytes + len > S3_PAGE_BYTES_MAX)
        fail(parser, EIO, "too large");
    if (!parser->failure.code)
        (void)feed(parser, bytes, len, false);
    return parser->failure.code ? failure_of(parser, err) : 0;
}

int s3_parser_end(struct s3_parser *parser, struct error *err)
{
    if (!parser->failure.code)
        (void)feed(parser, "", 0, true);
    if (!parser->failure.code && !parser->xml->wellFormed && !parser->token_was_broken)
        fail(parser, EIO, "malformed XML");
    if (!parser->failure.code && (parser->depth || parser->root == ROOT_NONE))
        fail(parser, EIO, "malformed XML: it ends too soon");
    if (parser->failure.code)
        return failure_of(parser, err);
    if (parser->root == ROOT_ERROR)
        return error_set(err, EIO, "the server says %s: %s", parser->refusal->code, parser->refusal->message);
    if (parser->root != ROOT_LISTING)
        return error_set(err, EIO, "the server's answer is XML, but not a listing");
    return parser->page->url_encoded ? s3_page_decode(parser->page, err) : 0;
}

void s3_error_parse(const char *body, size_t len, struct s3_error *ret_error)
{
    struct s3_parser p = {.refusal = ret_error, .text = STRBUF_INIT(TEXT_MAX)};
    *ret_error = (struct s3_error){0};
    if (len && open_xml(&p) == 0)
        (void)feed(&p, body, len, true);
    close_xml(&p);
}
