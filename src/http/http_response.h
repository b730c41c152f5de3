/* Reads an answer's header lines into a struct http_response. */
#ifndef RUNFS_HTTP_HTTP_RESPONSE_H
#define RUNFS_HTTP_HTTP_RESPONSE_H

#include "http/http.h"

/* Forgets everything of an earlier attempt. */
void http_response_reset(struct http_response *response);

/* Takes one header line (LEN bytes, with or without its line end). A status line starts anew, so that an
   interim or proxy answer leaves nothing behind. Overlong values are cut. */
void http_response_header(struct http_response *response, const char *line, size_t len);

/* Keeps bytes of a refusal's body, up to HTTP_ERROR_BODY_MAX - 1. */
void http_response_body(struct http_response *response, const char *bytes, size_t len);

#endif
