/* GitHub's API for one test; see github_server.h. */
#include "github_server.h"

#include <libgen.h>

#include "base/cleanup.h"
#include "testing.h"

static char url[64];
static char tls_url[64];

/* The folder tests/servers, from this file's own place. */
static const char *servers(void)
{
    static char path[] = __FILE__;
    static char folder[sizeof path + 32];
    if (!folder[0])
        (void)snprintf(folder, sizeof folder, "%s/servers", dirname(dirname(path)));
    return folder;
}

static void clean_environment(void)
{
    static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY",
                                        "all_proxy",  "GH_TOKEN",    "GITHUB_TOKEN"};
    for (size_t i = 0; i < COUNT(names); i++)
        (void)unsetenv(names[i]);
}

static void read_port(const char *file, const char *scheme, char text[64])
{
    _cleanup_free_ char *port = scratch_read(file);
    (void)snprintf(text, 64, "%s://127.0.0.1:%.*s", scheme, (int)strcspn(port, "\n"), port);
}

void github_server_start(bool tls)
{
    char line[8192];
    clean_environment();
    (void)snprintf(line, sizeof line, "exec '%s/nginx-stop' '%s'\n", servers(), scratch_path("github"));
    scratch_write("at-end", line);
    (void)snprintf(line, sizeof line, "TLS=%s '%s/github-start' '%s' >&2", tls ? "1" : "", servers(),
                   scratch_path("github"));
    cr_assert_eq(system(line), 0);
    read_port("github/port", "http", url);
    if (tls)
        read_port("github/tls-port", "https", tls_url);
    cr_assert_eq(setenv("GITHUB_API_URL", url, 1), 0);
}

const char *github_server_url(void)
{
    return url;
}

const char *github_server_tls_url(void)
{
    return tls_url;
}

void github_server_rules(const char *json)
{
    scratch_write("github/rules.new", json);
    cr_assert_eq(rename(scratch_path("github/rules.new"), scratch_path("github/rules.json")), 0);
    (void)unlink(scratch_path("github/asked"));
}

void github_server_await(const char *text)
{
    for (;;) {
        _cleanup_free_ char *log = scratch_read("github/access.log");
        if (strstr(log, text))
            return;
        (void)usleep(1000);
    }
}

size_t github_server_asked(void)
{
    struct stat st;
    return stat(scratch_path("github/asked"), &st) == 0 ? (size_t)st.st_size : 0;
}
