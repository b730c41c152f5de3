/* One page of a listing: a blocking request, parsed as it arrives. */
#ifndef RUNFS_STORE_S3_LIST_PAGE_H
#define RUNFS_STORE_S3_LIST_PAGE_H

#include "store/s3_request.h"
#include "store/s3_xml.h"

/* Gets the page of QUERY (already encoded) into PAGE. Errors as store_ops.list. */
int s3_list_page(struct s3 *s3, const char *query, const struct wait *wait, struct s3_page *page,
                 struct error *err);

#endif
