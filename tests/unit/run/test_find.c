/* Paths that lead through archives, and what is known of what lies there, in a run of a local directory. */
#include <errno.h>

#include "run/run.h"
#include "testing.h"

#define BLOCK 512

static const struct wait patient = {.timeout_ms = 10000};

static struct run *run;

/* Writes a tar of one file, d/f, whose content is "text"; of NAME's last bytes CUT are missing. */
static void write_tar(const char *name, size_t cut)
{
    char tar[4 * BLOCK] = "d/f";
    unsigned sum = 0;
    (void)snprintf(tar + 100, 8, "%07o", 0750);
    (void)snprintf(tar + 124, 12, "%011o", 4);
    (void)snprintf(tar + 136, 12, "%011o", 1500000000);
    memcpy(tar + 148, "        ", 8);
    tar[156] = '0';
    memcpy(tar + 257,
           "ustar\0"
           "00",
           8);
    for (size_t i = 0; i < BLOCK; i++)
        sum += (unsigned char)tar[i];
    (void)snprintf(tar + 148, 8, "%06o", sum);
    memcpy(tar + BLOCK, "text", 4);
    scratch_write_bytes(name, tar, sizeof tar - cut);
}

static void set_up(void)
{
    struct error err = {0};
    scratch_open();
    (void)unsetenv("THEROCK_LOCAL_STAGING_DIR");
    scratch_mkdir("run");
    write_tar("run/whole.tar", 0);
    write_tar("run/cut.tar", 3 * BLOCK - 2);
    scratch_write("run/none.tar.xz", "no archive");
    struct run_config config = {
        .source = scratch_path("run"), .timeout_ms = 10000, .no_cache = true, .archives = true};
    assert_ok(run_open(&config, &run, &err), &err);
}

static void tear_down(void)
{
    run_close(run);
    scratch_close();
}

TestSuite(run_archives, .init = set_up, .fini = tear_down);

static struct node *find(const char *path)
{
    struct error err = {0};
    struct node *node;
    assert_ok(run_find(run, path, &patient, &node, &err), &err);
    return node;
}

Test(run_archives, a_path_leads_through_an_archive)
{
    const struct node *node = find("/whole/./d//f");
    cr_assert_str_eq(node_name(node), "f");
    cr_assert(node->member);
    cr_assert_eq(node->in_archive.mode, 0750);
    cr_assert_eq(find("whole/d/f"), node, "once grown, it stays");
}

Test(run_archives, what_is_only_named_is_not_looked_into)
{
    const struct node *node = find("none/");
    cr_assert(!tree_is_populated(node));
    cr_assert_eq(find(""), tree_root(run_tree(run)));
}

Test(run_archives, what_is_not_there_is_named_in_full)
{
    struct error err = {0};
    struct node *node = NULL;
    assert_refused(run_find(run, "whole/d/g", &patient, &node, &err), ENOENT, &err, "whole/d/g");
    assert_refused(run_find(run, "whole/d/f/x", &patient, &node, &err), ENOENT, &err, "whole/d/f/x");
    assert_refused(run_find(run, "whole.tar/d", &patient, &node, &err), ENOENT, &err, "whole.tar/d");
    cr_assert_null(node);
}

Test(run_archives, an_archive_that_is_none_says_so_and_goes_on_saying_so)
{
    struct error err = {0};
    struct node *node;
    _cleanup_strbuf_ struct strbuf problem = STRBUF_INIT(1000);
    assert_refused(run_find(run, "none/x", &patient, &node, &err), EBADMSG, &err, "not an archive");
    cr_assert_eq(run_problem(run, find("none"), &problem), 0);
    cr_assert(strstr(strbuf_text(&problem), "not an archive"), "%s", strbuf_text(&problem));
}

Test(run_archives, of_one_that_is_cut_short_is_told_what_is_wrong)
{
    _cleanup_strbuf_ struct strbuf problem = STRBUF_INIT(1000);
    struct error err = {0};
    struct node *node;
    assert_refused(run_find(run, "cut/d/f", &patient, &node, &err), ENOENT, &err, "cut/d/f");
    cr_assert_eq(run_problem(run, find("cut"), &problem), 0);
    strbuf_clear(&problem);
    (void)find("whole/d");
    cr_assert_eq(run_problem(run, find("whole"), &problem), -ENODATA);
}

Test(run_archives, a_member_knows_its_source_and_its_content)
{
    _cleanup_strbuf_ struct strbuf text = STRBUF_INIT(1000);
    cr_assert_eq(run_member_source(run, find("whole/d/f"), &text), 0);
    cr_assert_str_eq(strbuf_text(&text), "whole.tar d/f");
    strbuf_clear(&text);
    cr_assert_eq(run_member_sha256(run, find("whole/d/f"), &text), 0);
    cr_assert_str_eq(strbuf_text(&text), "982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1");
    strbuf_clear(&text);
    cr_assert_eq(run_member_sha256(run, find("whole/d"), &text), -ENODATA);
    cr_assert_eq(run_member_source(run, find("whole"), &text), -ENODATA);
    cr_assert_eq(run_member_sha256(run, find("whole.tar"), &text), -ENODATA);
}
