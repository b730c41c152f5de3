/* All runs: what names mean. */
#include <errno.h>

#include "run/runs.h"
#include "testing.h"

static const struct {
    const char *path;
    enum runs_form form;
} forms[] = {
    {"123-linux", RUNS_RUN},
    {"18446744073709551615-windows", RUNS_RUN},
    {"ROCm-TheRock/123-linux", RUNS_RUN},
    {"some-one.else-x/1-windows", RUNS_RUN},
    {"ROCm-TheRock", RUNS_LEVEL},
    {"a-b", RUNS_LEVEL},
    {"a-linux-b", RUNS_LEVEL},
    {"123", RUNS_NOTHING},
    {"0123-linux", RUNS_NOTHING},
    {"18446744073709551616-linux", RUNS_NOTHING},
    {"123-macos", RUNS_NOTHING},
    {"123-linux-2", RUNS_NOTHING},
    {"local-linux", RUNS_NOTHING},
    {"ROCm-TheRock/local-linux", RUNS_NOTHING},
    {"ROCm-TheRock/123", RUNS_NOTHING},
    {"ROCm-TheRock/123-linux/logs", RUNS_NOTHING},
    {"TheRock/123-linux", RUNS_NOTHING},
    {"", RUNS_NOTHING},
    {"-", RUNS_NOTHING},
    {"-b", RUNS_NOTHING},
    {"a-", RUNS_NOTHING},
    {".Trash-1000", RUNS_NOTHING},
    {"lost+found", RUNS_NOTHING},
};

Test(runs, names_have_forms)
{
    for (size_t i = 0; i < COUNT(forms); i++)
        cr_assert_eq(runs_form_of(forms[i].path), forms[i].form, "'%s'", forms[i].path);
}

Test(runs, overlong_names_are_nothing)
{
    char name[1200] = "a-";
    memset(name + 2, 'b', sizeof name - 3);
    cr_assert_eq(runs_form_of(name), RUNS_NOTHING);
}

Test(runs, all_of_them_are_no_place_to_list)
{
    struct run *run;
    struct run_config config = {.source = "runs", .timeout_ms = 1000, .no_cache = true};
    struct error err = {0};
    assert_refused(run_open(&config, &run, &err), EINVAL, &err, "runs: all of them can only be mounted");
}

Test(runs, an_event_that_cannot_be_read_is_an_error_at_once, .init = scratch_open, .fini = scratch_close)
{
    struct run *host;
    struct error err = {0};
    struct run_config config = {.source = "runs", .many = true, .timeout_ms = 1000, .no_cache = true};
    (void)setenv("GITHUB_EVENT_NAME", "pull_request", 1);
    (void)setenv("GITHUB_EVENT_PATH", scratch_path("none"), 1);
    assert_refused(run_open(&config, &host, &err), ENOENT, &err, "/none");
}
