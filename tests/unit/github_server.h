/* GitHub's API for one test: tests/servers/github-start, in the scratch directory. */
#ifndef RUNFS_TESTS_UNIT_GITHUB_SERVER_H
#define RUNFS_TESTS_UNIT_GITHUB_SERVER_H

#include <stdbool.h>
#include <stddef.h>

/* Starts it, after scratch_open(), whose end is its end; sets GITHUB_API_URL, and unsets tokens and proxies. TLS: with a port
   where it has a certificate that nobody trusts. */
void github_server_start(bool tls);

/* "http://127.0.0.1:PORT", and with https and that port. */
const char *github_server_url(void);
const char *github_server_tls_url(void);

/* Sets what it answers, JSON as github-start describes. */
void github_server_rules(const char *json);

/* Waits until the log of requests holds TEXT: they are logged a little after they are answered. */
void github_server_await(const char *text);

/* How many requests have been answered since the last github_server_rules(). */
size_t github_server_asked(void);

#endif
