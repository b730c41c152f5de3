/* The three forms of a location. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "layout_test.h"

static const struct {
    const char *path;
    const char *encoded;
} paths[] = {
    {"12345678901-linux/logs/g/a_build.log", "12345678901-linux/logs/g/a_build.log"},
    {"7-linux/a_lib_gfx942:xnack+.tar.zst", "7-linux/a_lib_gfx942%3Axnack%2B.tar.zst"},
    {"a b/c%20d", "a%20b/c%2520d"},
    {"~._-", "~._-"},
    {"!*'();@&=$,?#[]", "%21%2A%27%28%29%3B%40%26%3D%24%2C%3F%23%5B%5D"},
    {"\xc3\xbcn\xc3\xaf.log", "%C3%BCn%C3%AF.log"},
    {"\x01\x7f\"<>\\^`{|}", "%01%7F%22%3C%3E%5C%5E%60%7B%7C%7D"},
    {"", ""},
};

Test(layout_location, has_an_s3_uri_and_a_percent_encoded_url)
{
    for (size_t i = 0; i < COUNT(paths); i++) {
        struct runfs_location location = {.bucket = "therock-ci-artifacts"};
        char expected[4096];
        char *text;
        (void)memcpy(location.path, paths[i].path, strlen(paths[i].path));
        cr_assert_eq(runfs_location_s3_uri(&location, &text, NULL), 0);
        (void)snprintf(expected, sizeof expected, "s3://therock-ci-artifacts/%s", paths[i].path);
        cr_expect_str_eq(text, expected);
        free(text);
        cr_assert_eq(runfs_location_https_url(&location, &text, NULL), 0);
        (void)snprintf(expected, sizeof expected, "https://therock-ci-artifacts.s3.amazonaws.com/%s",
                       paths[i].encoded);
        cr_expect_str_eq(text, expected);
        free(text);
    }
}

Test(layout_location, the_longest_key_has_a_url)
{
    struct runfs_location location;
    char *text;
    memset(&location, 0, sizeof location);
    memset(location.bucket, 'b', RUNFS_BUCKET_MAX);
    memset(location.path, '%', RUNFS_KEY_MAX);
    cr_assert_eq(runfs_location_https_url(&location, &text, NULL), 0);
    cr_expect_eq(strlen(text), 8u + RUNFS_BUCKET_MAX + strlen(".s3.amazonaws.com/") + 3u * RUNFS_KEY_MAX);
    free(text);
}

Test(layout_location, lies_below_a_staging_directory)
{
    static const char *const rows[][3] = {
        {"/stage", "7-linux/a b.log", "/stage/7-linux/a b.log"},
        {"/stage//", "7-linux", "/stage/7-linux"},
        {"/", "7-linux", "/7-linux"},
        {"stage", "7-linux", "stage/7-linux"},
        {"../x", "local-linux", "../x/local-linux"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct runfs_location location = {.bucket = "local"};
        char *text;
        (void)memcpy(location.path, rows[i][1], strlen(rows[i][1]));
        cr_assert_eq(runfs_location_local_path(&location, rows[i][0], &text, NULL), 0);
        cr_expect_str_eq(text, rows[i][2]);
        free(text);
    }
}

Test(layout_location, never_leaves_the_staging_directory)
{
    static const char *const wrong[] = {"../x", "a/../../x", "/etc/passwd", "a//b", "./a", "a/."};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct runfs_location location = {.bucket = "local"};
        char *text = NULL;
        (void)memcpy(location.path, wrong[i], strlen(wrong[i]));
        cr_expect_eq(runfs_location_local_path(&location, "/stage", &text, NULL), -EINVAL, "%s", wrong[i]);
        cr_expect_null(text);
    }
    struct runfs_location location = {.bucket = "local", .path = "a"};
    char *text = NULL;
    cr_expect_eq(runfs_location_local_path(&location, "", &text, NULL), -EINVAL);
}
