/* A listing page's memory: entries and their text. */
#ifndef RUNFS_STORE_S3_PAGE_H
#define RUNFS_STORE_S3_PAGE_H

#include "store/s3_xml.h"

/* Copies LEN bytes and a NUL into the page's text and tells where. -ENOMEM, also past the page's limit. */
int s3_page_text(struct s3_page *page, const char *bytes, size_t len, size_t *ret_offset);

/* Appends an entry. -ENOMEM, -E2BIG past S3_PAGE_KEYS_MAX. */
int s3_page_entry(struct s3_page *page, const struct s3_entry *entry);

/* Decodes the keys of a page that said <EncodingType>url</EncodingType>: percent-encoding, '+' for a space. */
int s3_page_decode(struct s3_page *page, struct error *err);

#endif
