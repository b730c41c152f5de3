/* What is read of GitHub's JSON, in the form that its API has: fields that are needed, those that may be missing, and lies. */
#include "github/github_record.h"

#include <errno.h>

#include "testing.h"

#define CUT_OVER (INT64_C(1762877928) * 1000000000) /* 2025-11-11T16:18:48Z */

static const char recorded[] =
    "{\"id\": 12345678901, \"name\": \"Multi-Arch CI\", \"head_branch\": \"main\","
    " \"head_sha\": \"0123456789abcdef0123456789abcdef01234567\", \"run_number\": 7, \"event\": \"push\","
    " \"status\": \"completed\", \"conclusion\": \"success\", \"workflow_id\": 1, \"pull_requests\": [],"
    " \"html_url\": \"https://github.com/ROCm/TheRock/actions/runs/12345678901\","
    " \"created_at\": \"2025-11-11T10:00:00Z\", \"updated_at\": \"2025-11-11T16:18:48Z\", \"run_attempt\": 1,"
    " \"repository\": {\"id\": 2, \"full_name\": \"ROCm/TheRock\"},"
    " \"head_repository\": {\"id\": 3, \"full_name\": \"someone/TheRock\", \"fork\": true}}";

static int parse(const char *json, struct github_run *run, struct error *err)
{
    return github_run_parse(json, strlen(json), run, err);
}

Test(github_record, a_run_is_read)
{
    struct github_run run;
    struct error err = {0};
    assert_ok(parse(recorded, &run, &err), &err);
    cr_assert_str_eq(run.id, "12345678901");
    cr_assert(run.has_place);
    cr_assert_str_eq(run.head_repository, "someone/TheRock");
    cr_assert_eq(run.updated_at, CUT_OVER);
    cr_assert_str_eq(run.status, "completed");
    cr_assert_str_eq(run.conclusion, "success");
    cr_assert_str_eq(run.url, "https://github.com/ROCm/TheRock/actions/runs/12345678901");
    cr_assert(github_run_finished(&run));
}

Test(github_record, a_run_under_way_of_a_deleted_repository)
{
    struct github_run run;
    struct error err = {0};
    assert_ok(parse("{\"id\": 9223372036854775807, \"status\": \"in_progress\", \"conclusion\": null,"
                    " \"updated_at\": \"2026-01-01T00:00:00Z\", \"head_repository\": null}",
                    &run, &err),
              &err);
    cr_assert_str_eq(run.id, "9223372036854775807");
    cr_assert(run.has_place);
    cr_assert_str_eq(run.head_repository, "");
    cr_assert_str_eq(run.conclusion, "");
    cr_assert_str_eq(run.url, "");
    cr_assert_not(github_run_finished(&run));
}

static const char *const malformed[] = {
    "",
    "x",
    "[]",
    "{}",
    "{\"id\": 1",
    "{\"id\": 1}",
    "{\"id\": \"1\", \"updated_at\": \"2026-01-01T00:00:00Z\", \"head_repository\": null}",
    "{\"id\": -1, \"updated_at\": \"2026-01-01T00:00:00Z\", \"head_repository\": null}",
    "{\"id\": 1.5, \"updated_at\": \"2026-01-01T00:00:00Z\", \"head_repository\": null}",
    "{\"id\": 9223372036854775808, \"updated_at\": \"2026-01-01T00:00:00Z\", \"head_repository\": null}",
    "{\"id\": 1, \"updated_at\": \"2026-01-01T00:00:00Z\"}",
    "{\"id\": 1, \"head_repository\": null}",
    "{\"id\": 1, \"updated_at\": \"yesterday\", \"head_repository\": null}",
    "{\"id\": 1, \"updated_at\": \"1970-01-01T00:00:00.5Z\", \"head_repository\": null}",
    "{\"id\": 1, \"updated_at\": 5, \"head_repository\": null}",
    "{\"id\": 1, \"updated_at\": \"2026-01-01T00:00:00Z\", \"head_repository\": \"a/b\"}",
    "{\"id\": 1, \"updated_at\": \"2026-01-01T00:00:00Z\", \"head_repository\": {}}",
    "{\"id\": 1, \"updated_at\": \"2026-01-01T00:00:00Z\", \"head_repository\": {\"full_name\": 1}}",
    ("{\"id\": 1, \"updated_at\": \"2026-01-01T00:00:00Z\", \"head_repository\": null,"
     " \"status\": \"0123456789012345678901234567890123456789\"}"),
};

Test(github_record, what_is_malformed_is_refused)
{
    for (size_t i = 0; i < COUNT(malformed); i++) {
        struct github_run run;
        struct error err = {0};
        cr_assert_eq(parse(malformed[i], &run, &err), -EBADMSG, "%s", malformed[i]);
        cr_assert(strstr(err.message, "its answer is"), "%s", err.message);
    }
}

Test(github_record, an_odd_address_is_left_out)
{
    struct github_run run;
    struct error err = {0};
    assert_ok(parse("{\"id\": 1, \"updated_at\": \"2026-01-01T00:00:00Z\", \"head_repository\": null,"
                    " \"html_url\": \"javascript:x\"}",
                    &run, &err),
              &err);
    cr_assert_str_eq(run.url, "");
}

Test(github_record, what_is_written_is_read_again)
{
    struct github_run runs[2];
    struct error err = {0};
    _cleanup_strbuf_ struct strbuf json = STRBUF_INIT(4096);
    assert_ok(parse(recorded, &runs[0], &err), &err);
    github_run_format(&runs[0], &json);
    cr_assert_eq(json.failed, 0);
    assert_ok(parse(strbuf_text(&json), &runs[1], &err), &err);
    cr_assert_str_eq(runs[1].id, runs[0].id);
    cr_assert_str_eq(runs[1].head_repository, runs[0].head_repository);
    cr_assert_eq(runs[1].updated_at, runs[0].updated_at);
    cr_assert_eq(runs[1].created_at, runs[0].created_at);
    cr_assert_str_eq(runs[1].status, runs[0].status);
    cr_assert_str_eq(runs[1].conclusion, runs[0].conclusion);
    cr_assert_str_eq(runs[1].url, runs[0].url);
}

static int parse_list(const char *json, struct github_run *run, struct error *err)
{
    return github_runs_parse(json, strlen(json), "abcdef0", run, err);
}

Test(github_record, the_newest_run_of_a_list_is_taken)
{
    struct github_run run;
    struct error err = {0};
    assert_ok(parse_list("{\"total_count\": 3, \"workflow_runs\": ["
                         "{\"id\": 1, \"created_at\": \"2026-01-01T00:00:00Z\"},"
                         "{\"id\": 2, \"created_at\": \"2026-01-03T00:00:00Z\"},"
                         "{\"id\": 3, \"created_at\": \"2026-01-02T00:00:00Z\"}]}",
                         &run, &err),
              &err);
    cr_assert_str_eq(run.id, "2");
    cr_assert_not(run.has_place);
    assert_ok(parse_list("{\"workflow_runs\": [{\"id\": 5}, {\"id\": 6}]}", &run, &err), &err);
    cr_assert_str_eq(run.id, "5", "they are listed newest first");
}

Test(github_record, a_list_of_other_commits_is_no_answer)
{
    struct github_run run;
    struct error err = {0};
    assert_ok(parse_list("{\"workflow_runs\": [{\"id\": 1, \"head_sha\": \"1111111111\"},"
                         "{\"id\": 2, \"head_sha\": \"ABCDEF0123\"}]}",
                         &run, &err),
              &err);
    cr_assert_str_eq(run.id, "2");
    cr_assert_eq(parse_list("{\"workflow_runs\": [{\"id\": 1, \"head_sha\": \"1111111111\"}]}", &run, &err),
                 -ENOENT);
    cr_assert_eq(parse_list("{\"workflow_runs\": []}", &run, &err), -ENOENT);
    cr_assert_eq(parse_list("{\"workflow_runs\": {}}", &run, &err), -EBADMSG);
    cr_assert_eq(parse_list("{\"workflow_runs\": [7]}", &run, &err), -EBADMSG);
    cr_assert_eq(parse_list("{}", &run, &err), -EBADMSG);
}

Test(github_record, the_words_of_a_refusal)
{
    char text[16];
    static const char json[] = "{\"message\": \"Bad\\ncredentials and more\"}";
    github_message_parse(json, strlen(json), text, sizeof text);
    cr_assert_str_eq(text, "Bad\\x0acredenti");
    github_message_parse("<html>", 6, text, sizeof text);
    cr_assert_str_eq(text, "");
    github_message_parse("{\"message\": 1}", 14, text, sizeof text);
    cr_assert_str_eq(text, "");
}
