/* Run ids, platforms, prefixes and times. */
#include <errno.h>

#include "layout_test.h"

Test(layout_run, reads_an_id_with_and_without_platform)
{
    struct runfs_run run;
    cr_assert_eq(runfs_run_parse("12345678901", &run, NULL), 0);
    cr_expect_str_eq(run.id, "12345678901");
    cr_expect_eq(run.platform, RUNFS_PLATFORM_UNSAID);
    cr_assert_eq(runfs_run_parse("12345678901-linux", &run, NULL), 0);
    cr_expect_str_eq(run.id, "12345678901");
    cr_expect_eq(run.platform, RUNFS_PLATFORM_LINUX);
    cr_assert_eq(runfs_run_parse("18446744073709551615-windows", &run, NULL), 0);
    cr_expect_str_eq(run.id, "18446744073709551615");
    cr_expect_eq(run.platform, RUNFS_PLATFORM_WINDOWS);
}

Test(layout_run, refuses_what_is_no_id_and_leaves_the_result_alone)
{
    static const char *const wrong[] = {
        "",
        "-",
        "-linux",
        " 1",
        "1 ",
        "+1",
        "-1",
        "0",
        "0123",
        "12x",
        "0x12",
        "1-",
        "1-Linux",
        "1-macos",
        "1-linux ",
        "1-linux-x",
        "local",
        "1/2",
        "1_linux",
        "12\n",
        "\xd9\xa1",
        "1--linux",
        "18446744073709551616",
        "111111111111111111111",
        "1111111111111111111111111111111111111111-linux",
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct runfs_run run = {.id = "7", .platform = RUNFS_PLATFORM_WINDOWS};
        struct runfs_error err = {0};
        cr_expect_eq(runfs_run_parse(wrong[i], &run, &err), -EINVAL, "%s", wrong[i]);
        cr_expect_eq(err.code, EINVAL);
        cr_expect_str_not_empty(err.message);
        cr_expect_str_eq(run.id, "7");
        cr_expect_eq(run.platform, RUNFS_PLATFORM_WINDOWS);
    }
}

Test(layout_run, names_the_platforms_when_refusing_one)
{
    struct runfs_error err;
    enum runfs_platform platform;
    cr_expect_eq(runfs_platform_parse("darwin", &platform, &err), -EINVAL);
    cr_expect_str_eq(err.message, "platform 'darwin': not one of linux, windows");
    cr_expect_str_eq(runfs_platform_name(RUNFS_PLATFORM_LINUX), "linux");
    cr_expect_str_eq(runfs_platform_name(RUNFS_PLATFORM_WINDOWS), "windows");
}

Test(layout_run, takes_prefixes_apart)
{
    static const struct {
        const char *prefix;
        const char *key_prefix;
        const char *external_repo;
        const char *id;
        enum runfs_platform platform;
    } rows[] = {
        {"123-linux", NULL, NULL, "123", RUNFS_PLATFORM_LINUX},
        {"123-windows", "", NULL, "123", RUNFS_PLATFORM_WINDOWS},
        {"123", NULL, NULL, "123", RUNFS_PLATFORM_UNSAID},
        {"local-linux", NULL, NULL, "local", RUNFS_PLATFORM_LINUX},
        {"ROCm-TheRock/123-linux", NULL, "ROCm-TheRock", "123", RUNFS_PLATFORM_LINUX},
        {"my-org-rocm-libraries/9-windows", NULL, "my-org-rocm-libraries", "9", RUNFS_PLATFORM_WINDOWS},
        {"v3/artifacts/123-linux", "v3/artifacts/", NULL, "123", RUNFS_PLATFORM_LINUX},
        {"v3/artifacts/a-b/123-linux", "v3/artifacts", "a-b", "123", RUNFS_PLATFORM_LINUX},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct runfs_prefix parts;
        struct runfs_error err = {0};
        cr_assert_eq(runfs_prefix_parse(rows[i].prefix, rows[i].key_prefix, &parts, &err), 0, "%s: %s",
                     rows[i].prefix, err.message);
        cr_expect(span_equals(parts.external_repo, rows[i].external_repo), "%s", rows[i].prefix);
        cr_expect_str_eq(parts.run.id, rows[i].id);
        cr_expect_eq(parts.run.platform, rows[i].platform);
    }
}

Test(layout_run, refuses_what_is_no_prefix)
{
    static const char *const wrong[][2] = {
        {"", NULL},
        {"123-linux/", NULL},
        {"/123-linux", NULL},
        {"logs/123-linux", NULL}, /* no OWNER-REPO */
        {"-x/123-linux", NULL},
        {"x-/123-linux", NULL},
        {"a-b/c-d/123-linux", NULL},
        {"../123-linux", NULL},
        {"a-\x01/123-linux", NULL},
        {"a-b/local-linux", NULL},
        {"123-linux", "v3/"},
        {"v3123-linux", "v3"},
        {"v3//123-linux", "v3//"},
        {"/123-linux", "/"},
        {"../123-linux", "../"},
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct runfs_prefix parts;
        cr_expect_eq(runfs_prefix_parse(wrong[i][0], wrong[i][1], &parts, NULL), -EINVAL, "%s", wrong[i][0]);
    }
}

Test(layout_run, reads_times_and_refuses_others)
{
    static const char *const wrong[] = {"",
                                        "today",
                                        "2026-01-01",
                                        "1970-01-01T00:00:00Z",
                                        "2026-13-01T00:00:00Z",
                                        "2026-01-01T00:00:00",
                                        "2026-01-01 00:00:00Z"};
    int64_t time = 5;
    for (size_t i = 0; i < COUNT(wrong); i++)
        cr_expect_eq(runfs_time_parse(wrong[i], &time, NULL), -EINVAL, "%s", wrong[i]);
    cr_expect_eq(time, 5);
    cr_expect_eq(time_of("1970-01-01T00:00:01Z"), 1000000000);
    cr_expect_eq(time_of("2025-11-11T18:18:48+02:00"), time_of("2025-11-11T16:18:48Z"));
}

Test(layout_run, messages_stay_one_line_whatever_the_value)
{
    struct runfs_run run;
    struct runfs_error err;
    char id[3000];
    memset(id, '\n', sizeof id - 1);
    id[sizeof id - 1] = '\0';
    cr_expect_eq(runfs_run_parse(id, &run, &err), -EINVAL);
    for (const char *c = err.message; *c; c++)
        cr_expect((unsigned char)*c >= 0x20);
    cr_expect_gt(strlen(err.message), 0u);
}
