/* The event of a GitHub job: payloads as GitHub sends them, and files that are none. */
#include "github/github_event.h"

#include <errno.h>

#include "testing.h"

TestSuite(github_event, .init = scratch_open, .fini = scratch_close);

static int fork_of(const char *json, bool *ret_known, bool *ret_fork, struct error *err)
{
    scratch_write("event.json", json);
    return github_event_fork(scratch_path("event.json"), ret_known, ret_fork, err);
}

Test(github_event, a_pull_request_says_whether_it_comes_from_a_fork)
{
    bool known = false;
    bool fork = false;
    struct error err;
    assert_ok(fork_of("{\"action\": \"opened\", \"number\": 7, \"pull_request\": {\"head\": {\"ref\": "
                      "\"topic\", \"repo\": "
                      "{\"full_name\": \"someone/TheRock\", \"fork\": true}}, \"base\": {\"repo\": "
                      "{\"fork\": false}}}}",
                      &known, &fork, &err),
              &err);
    cr_assert(known && fork);
    assert_ok(fork_of("{\"pull_request\": {\"head\": {\"repo\": {\"fork\": false}}}}", &known, &fork, &err),
              &err);
    cr_assert(known && !fork);
}

/* head.repo is null where the fork has been deleted. */
Test(github_event, other_events_do_not_say)
{
    static const char *const events[] = {
        "{}",
        "[]",
        "{\"ref\": \"refs/heads/main\", \"repository\": {\"fork\": true}}",
        "{\"pull_request\": null}",
        "{\"pull_request\": {\"head\": {\"repo\": null}}}",
        "{\"pull_request\": {\"head\": {\"repo\": {\"fork\": \"true\"}}}}",
        "{\"pull_request\": [{\"head\": 1}]}",
    };
    for (size_t i = 0; i < COUNT(events); i++) {
        bool known = true;
        bool fork = true;
        struct error err;
        assert_ok(fork_of(events[i], &known, &fork, &err), &err);
        cr_assert_not(known, "%s", events[i]);
        cr_assert_not(fork, "%s", events[i]);
    }
}

Test(github_event, malformed_files_are_refused_with_their_line)
{
    static const char *const bad[] = {
        "", "{", "{\"a\": }", "not JSON", "{} {}", "{\"a\": \"\xff\"}", "{\"pull_request\": tru"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        bool known = true;
        bool fork = true;
        struct error err = {0};
        assert_refused(fork_of(bad[i], &known, &fork, &err), EINVAL, &err, "event.json: line");
        cr_assert(known && fork, "untouched on failure");
    }
}

Test(github_event, nesting_without_end_is_refused)
{
    static char deep[200001];
    bool known;
    bool fork;
    struct error err = {0};
    memset(deep, '[', sizeof deep - 1);
    assert_refused(fork_of(deep, &known, &fork, &err), EINVAL, &err, "line 1");
}

Test(github_event, missing_and_huge_files_are_refused)
{
    bool known;
    bool fork;
    struct error err = {0};
    assert_refused(github_event_fork(scratch_path("none"), &known, &fork, &err), ENOENT, &err,
                   "/none: No such file");
    scratch_write("huge", "");
    cr_assert_eq(truncate(scratch_path("huge"), 64 << 20), 0);
    assert_refused(github_event_fork(scratch_path("huge"), &known, &fork, &err), EFBIG, &err, "too large");
}
