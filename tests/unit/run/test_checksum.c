/* The .sha256sum companions of a run's files. */
#include "run/checksum.h"

#include <errno.h>

#include "testing.h"

#define SUM "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct wait patient = {.timeout_ms = 10000};

static struct run *run;

static void set_up(void)
{
    struct error err = {0};
    char longer[300] = SUM "  file\n";
    scratch_open();
    (void)unsetenv("THEROCK_LOCAL_STAGING_DIR");
    scratch_mkdir("run");
    scratch_mkdir("run/d");
    scratch_mkdir("run/d/directory.sha256sum");
    static const char *const files[] = {"a", "b", "none", "bad", "short", "directory"};
    for (size_t i = 0; i < COUNT(files); i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "run/d/%s", files[i]);
        scratch_write(path, "x");
    }
    scratch_write("run/d/a.sha256sum", SUM "\n");
    scratch_write("run/d/b.sha256sum", longer);
    scratch_write("run/d/bad.sha256sum", "SHA256 (bad) = " SUM "\n");
    scratch_write("run/d/short.sha256sum", "");
    struct run_config config = {.source = scratch_path("run"), .timeout_ms = 10000};
    assert_ok(run_open(&config, &run, &err), &err);
}

static void tear_down(void)
{
    run_close(run);
    scratch_close();
}

TestSuite(checksum, .init = set_up, .fini = tear_down);

static int read_sum(const char *path, struct error *err)
{
    static char text[SHA256_TEXT];
    const struct node *node = tree_find(run_tree(run), path);
    cr_assert(node, "%s", path);
    int result = checksum_read(run, node, &patient, text, err);
    cr_assert(result < 0 || strcmp(text, SUM) == 0, "%s", text);
    return result;
}

Test(checksum, is_the_first_word_of_the_companion)
{
    struct error err = {0};
    assert_ok(read_sum("d/a", &err), &err);
    assert_ok(read_sum("d/b", &err), &err);
}

Test(checksum, what_is_none_is_refused)
{
    struct error err = {0};
    assert_refused(read_sum("d/none", &err), ENODATA, &err, "none");
    assert_refused(read_sum("d/directory", &err), ENODATA, &err, "directory");
    assert_refused(read_sum("d/bad", &err), EBADMSG, &err, "d/bad.sha256sum");
    assert_refused(read_sum("d/short", &err), EBADMSG, &err, "d/short.sha256sum");
}

Test(checksum, a_file_gone_since_is_an_error)
{
    struct error err = {0};
    (void)unlink(scratch_path("run/d/a.sha256sum"));
    assert_refused(read_sum("d/a", &err), ESTALE, &err, "d/a.sha256sum");
}
