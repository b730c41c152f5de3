/* What GitHub is asked, and when what it said before will do. */
#include "github/lookup.h"

#include <errno.h>

#include "base/cleanup.h"
#include "disk/blob.h"
#include "github_server.h"
#include "testing.h"

#define SHA "0123456789abcdef0123456789abcdef01234567"
#define RECORD(id, status, head)                                                                             \
    "{\"id\": " #id ", \"status\": \"" status "\", \"updated_at\": \"2026-09-01T12:00:00Z\", "               \
    "\"head_repository\": " head "}"
#define OWN     "{\"full_name\": \"ROCm/TheRock\"}"
#define FORK    "{\"full_name\": \"someone/TheRock\"}"
#define ENDED   "[{\"match\": \"/runs/5$\", \"body\": " RECORD(5, "completed", OWN) "}]"
#define RUNNING "[{\"match\": \"/runs/5$\", \"body\": " RECORD(5, "in_progress", OWN) "}]"
#define LIMITED "[{\"match\": \"/\", \"status\": 429}]"
#define DAY_MS  UINT64_C(86400000)

static struct lookup_config config;
static struct error err;
static struct github_run found;
static char noted[4096];
static char cache_directory[4096];

static void note(const char *what, const char *why)
{
    (void)snprintf(noted, sizeof noted, "%s: %s", what, why);
}

static void set_up(void)
{
    scratch_open();
    github_server_start(false);
    (void)snprintf(cache_directory, sizeof cache_directory, "%s", scratch_path("cache"));
    config =
        (struct lookup_config){.disk = {.directory = cache_directory, .size_max = 1U << 30, .free_min = 1},
                               .refresh_ms = 60000,
                               .note = note};
    noted[0] = '\0';
}

static void tear_down(void)
{
    scratch_close();
}

TestSuite(lookup, .init = set_up, .fini = tear_down);

static const struct lookup_question of_run = {.repository = "ROCm/TheRock", .id = "5"};
static const struct lookup_question of_commit = {
    .repository = "ROCm/TheRock", .workflow = LOOKUP_WORKFLOW, .sha = SHA};

static int ask(const struct lookup_question *question)
{
    struct lookup *lookup;
    const struct wait wait = {.timeout_ms = 60000};
    int result = lookup_open(&config, &lookup, &err);
    if (result < 0)
        return result;
    result = lookup_ask(lookup, question, &wait, &found, &err);
    lookup_close(lookup);
    return result;
}

/* Makes the answer about the run older than it is. */
static void age(uint64_t by_ms)
{
    struct disk *disk;
    struct blob blob;
    static const char key[] = "github\0%s\0ROCm/TheRock\0run\0"
                              "5\0";
    _cleanup_strbuf_ struct strbuf identity = STRBUF_INIT(1024);
    strbuf_add(&identity, key, 7);
    strbuf_add(&identity, github_server_url(), strlen(github_server_url()) + 1);
    strbuf_add(&identity, key + 10, sizeof key - 10);
    assert_ok(cache_dir_open(&config.disk, &disk, &err), &err);
    const struct blob_id id = blob_table(strbuf_text(&identity), identity.len);
    cr_assert(blob_read(disk, &id, 0, &blob));
    blob_write(disk, &id, blob.made_ms - by_ms, blob.bytes, blob.len);
    free(blob.bytes);
    disk_close(disk);
}

Test(lookup, a_run_that_has_ended_is_asked_for_once_a_day)
{
    github_server_rules(ENDED);
    for (int i = 0; i < 3; i++)
        assert_ok(ask(&of_run), &err);
    cr_assert_eq(github_server_asked(), 1);
    cr_assert_str_eq(found.id, "5");
    age(DAY_MS - 60000);
    assert_ok(ask(&of_run), &err);
    cr_assert_eq(github_server_asked(), 1);
    age(60000);
    assert_ok(ask(&of_run), &err);
    cr_assert_eq(github_server_asked(), 2);
}

Test(lookup, a_run_under_way_is_asked_for_as_often_as_listings)
{
    github_server_rules(RUNNING);
    assert_ok(ask(&of_run), &err);
    assert_ok(ask(&of_run), &err);
    cr_assert_eq(github_server_asked(), 1);
    age(60000);
    assert_ok(ask(&of_run), &err);
    cr_assert_eq(github_server_asked(), 2);
}

Test(lookup, refresh_0_and_no_cache_ask_each_time)
{
    github_server_rules(ENDED);
    assert_ok(ask(&of_run), &err);
    config.refresh_ms = 0;
    assert_ok(ask(&of_run), &err);
    cr_assert_eq(github_server_asked(), 2);
    config.refresh_ms = 60000;
    config.no_cache = true;
    assert_ok(ask(&of_run), &err);
    cr_assert_eq(github_server_asked(), 3);
}

Test(lookup, offline_goes_by_what_is_there)
{
    config.offline = true;
    assert_refused(ask(&of_run), ENOENT, &err,
                   "ROCm/TheRock: run 5: offline, and what GitHub says of it is not in");
    config.offline = false;
    github_server_rules(RUNNING);
    assert_ok(ask(&of_run), &err);
    age(400 * DAY_MS);
    config.offline = true;
    assert_ok(ask(&of_run), &err);
    cr_assert_eq(github_server_asked(), 1);
    assert_refused(ask(&of_commit), ENOENT, &err, "ROCm/TheRock@" SHA ": offline");
}

Test(lookup, an_older_answer_is_better_than_a_rate_limit)
{
    github_server_rules(RUNNING);
    assert_ok(ask(&of_run), &err);
    age(60000);
    github_server_rules(LIMITED);
    assert_ok(ask(&of_run), &err);
    cr_assert_str_eq(found.status, "in_progress");
    cr_assert(strstr(noted, "rate limit is reached") && strstr(noted, "; going by what it said at 20"), "%s",
              noted);
    github_server_rules("[]");
    cr_assert_eq(ask(&of_run), -ENOENT, "GitHub says that there is none");
}

Test(lookup, what_is_damaged_is_asked_for_again)
{
    char command[4096];
    github_server_rules(ENDED);
    assert_ok(ask(&of_run), &err);
    (void)snprintf(command, sizeof command, "sed -i s/TheRock/TheRook/g '%s'/tables/*",
                   config.disk.directory);
    cr_assert_eq(system(command), 0);
    assert_ok(ask(&of_run), &err);
    cr_assert_str_eq(found.head_repository, "ROCm/TheRock");
    cr_assert_eq(github_server_asked(), 2);
}

Test(lookup, a_cache_that_cannot_be_used_is_done_without)
{
    github_server_rules(ENDED);
    (void)snprintf(cache_directory, sizeof cache_directory, "%s", scratch_path("github/port"));
    assert_ok(ask(&of_run), &err);
    config.offline = true;
    cr_assert_lt(ask(&of_run), 0);
}
