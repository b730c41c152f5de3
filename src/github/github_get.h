/* One GET of GitHub's API: redirects, refusals, and an answer of bounded size. */
#ifndef RUNFS_GITHUB_GITHUB_GET_H
#define RUNFS_GITHUB_GITHUB_GET_H

#include "base/strbuf.h"
#include "base/wait.h"
#include "http/http.h"

struct github_get {
    struct http_client *client;
    const char *url;
    const char *token; /* NULL: none */
    const char *token_name;
    const char *missing; /* what a 404 means */
};

/* Asks and waits; the answer's body is appended to OUT. Errors as github.h has them. */
int github_get(const struct github_get *get, const struct wait *wait, struct strbuf *out, struct error *err);

#endif
