/* One page of a listing: asked for, then parsed as it arrives. */
#ifndef RUNFS_STORE_S3_LIST_PAGE_H
#define RUNFS_STORE_S3_LIST_PAGE_H

#include "store/s3_request.h"
#include "store/s3_xml.h"

/* A page that has been asked for. */
struct s3_page_request;

/* Asks for the page of QUERY (already encoded, copied). MAY_WAIT and SINCE_MS as in s3_request_init(). */
int s3_page_ask(struct s3 *s3, const char *query, bool may_wait, uint64_t since_ms,
                struct s3_page_request **ret_request, struct error *err);

/* Told once an attempt, as soon as it is known that the page is not the last one and how to go on behind it. */
typedef void (*s3_page_more_fn)(void *context, const char *token);

/* Receives the page into PAGE and frees the request. MORE may be NULL. Errors as store_ops.list. */
int s3_page_receive(struct s3_page_request *request, const struct wait *wait, struct s3_page *page,
                    s3_page_more_fn more, void *context, struct error *err);

/* Gives a page up that nobody will receive; NULL is allowed. */
void s3_page_drop(struct s3_page_request *request);

#endif
