/* Views of a local run: what is shown where, and what is refused. */
#include <errno.h>

#include "view_test.h"

TestSuite(view, .init = view_set_up, .fini = view_tear_down);

static void make_run(void)
{
    scratch_mkdir("run/logs");
    scratch_mkdir("run/logs/g");
    scratch_write("run/logs/g/a.log", "log");
    scratch_write("run/logs/index.html", "page");
    write_archive("run/a_lib_generic.tar.xz",
                  MEMBERS(MANIFEST("a/stage\n"), {"a/stage/lib/x", "of a", 0644, '0'},
                          {"a/stage/bin/tool", "#!", 0750, '0'}, {"a/stage/lib/l", "x", 0777, '2'}));
    scratch_write("run/a_lib_generic.tar.xz.sha256sum", "no sum");
    write_archive("run/b_run_gfx942.tar.xz",
                  MEMBERS(MANIFEST("b/stage\n"), {"b/stage/lib/x", "of b", 0644, '0'},
                          {"b/stage/lib/y", "y", 0644, '0'}));
}

static const char *source_of(const char *path)
{
    static char text[256];
    struct strbuf out = STRBUF_INIT(sizeof text);
    (void)run_member_source(run, node_at(path), &out);
    (void)snprintf(text, sizeof text, "%s", strbuf_text(&out));
    strbuf_done(&out);
    return text;
}

/* Fails unless opening is refused with just these words. */
static void assert_told(int code, const char *why)
{
    struct error err = {0};
    cr_assert_eq(open_view(&err), -code, "%s", err.message);
    const char *told = strstr(err.message, "table:");
    cr_assert_str_eq(told ? told : err.message, why);
    cr_assert_null(run);
}

Test(view, typed_has_artifacts_in_their_directory)
{
    make_run();
    view_choose(&view_config.view, "typed");
    must_open();
    cr_assert_str_eq(shown(""),
                     "artifacts/ artifacts/a_lib_generic.tar.xz artifacts/a_lib_generic.tar.xz.sha256sum "
                     "artifacts/b_run_gfx942.tar.xz logs/ logs/g/ logs/g/a.log logs/index.html ");
    cr_assert_str_eq(content_at("artifacts/a_lib_generic.tar.xz.sha256sum"), "no sum");
    view_config.archives = true;
    view_config.artifacts.targets = (const char *const[]){"gfx1"};
    view_config.artifacts.target_count = 1;
    must_open();
    cr_assert_str_eq(content_at("artifacts/a_lib_generic/a/stage/lib/x"), "of a");
    cr_assert_null(tree_find(run_tree(run), "artifacts/b_run_gfx942"));
}

Test(view, typed_shows_one_of_a_name)
{
    scratch_mkdir("run/artifacts");
    scratch_write("run/artifacts/a_lib_generic.tar.xz", "in the directory");
    scratch_write("run/a_lib_generic.tar.xz", "at the root");
    scratch_write("run/b_lib_generic.tar.xz", "only at the root");
    view_choose(&view_config.view, "typed");
    must_open();
    cr_assert_str_eq(shown(""), "artifacts/ artifacts/a_lib_generic.tar.xz artifacts/b_lib_generic.tar.xz ");
    cr_assert_str_eq(content_at("artifacts/a_lib_generic.tar.xz"), "in the directory");
    view_config.view.artifacts_dir = ARTIFACTS_ROOT;
    must_open();
    cr_assert_str_eq(content_at("artifacts/a_lib_generic.tar.xz"), "at the root");
}

Test(view, dist_is_one_install_tree)
{
    make_run();
    view_choose(&view_config.view, "dist");
    must_open();
    cr_assert_str_eq(shown(""), "bin/ bin/tool lib/ lib/l@ lib/x lib/y ");
    cr_assert_str_eq(content_at("lib/x"), "of b");
    cr_assert_eq(node_mode(node_at("bin/tool")), 0754);
    cr_assert_str_eq(source_of("lib/x"), "b_run_gfx942.tar.xz b/stage/lib/x");
    view_config.artifacts.exclude = (const char *const[]){"^b"};
    view_config.artifacts.exclude_count = 1;
    must_open();
    cr_assert_str_eq(content_at("lib/x"), "of a");
    view_config.artifacts.include = (const char *const[]){"^c"};
    view_config.artifacts.include_count = 1;
    assert_told(ENOENT, "view=dist: no artifact of the run is chosen");
}

Test(view, rows_are_shown_at_their_paths)
{
    make_run();
    scratch_mkdir("here");
    scratch_write("here/f", "local");
    write_table("logs /l tree\n"
                "logs/g/*.log /each tree\n"
                "logs/index.html /page tree\n"
                "a_lib_generic /in/archive archive\n"
                "{a_lib,b_run}_* /opt flatten\n"
                "here /opt/here local\n"
                "here/f /opt/lib/x local overlay\n");
    must_open();
    cr_assert_str_eq(
        shown(""),
        "each/ each/a.log in/ in/archive/ in/archive/a/ in/archive/a/stage/ in/archive/a/stage/bin/ "
        "in/archive/a/stage/bin/tool in/archive/a/stage/lib/ in/archive/a/stage/lib/l@ "
        "in/archive/a/stage/lib/x in/archive/artifact_manifest.txt l/ l/g/ l/g/a.log l/index.html "
        "opt/ opt/bin/ opt/bin/tool opt/here/ opt/here/f opt/lib/ opt/lib/l@ opt/lib/x opt/lib/y page ");
    cr_assert_str_eq(content_at("opt/lib/x"), "local");
    cr_assert(strstr(source_of("opt/lib/x"), "/here/f"));
    cr_assert(strstr(source_of("opt/here/f"), "/here/f"));
    cr_assert_eq(node_mode(node_at("in/archive/a/stage/bin/tool")), 0750);
    cr_assert_str_eq(content_at("each/a.log"), "log");
}

Test(view, other_runs_are_bound)
{
    make_run();
    scratch_mkdir("other");
    scratch_write("other/README", "of the other");
    write_archive("other/c_lib_generic.tar", MEMBERS({"c", "archived", 0644, '0'}));
    char bind[4200];
    (void)snprintf(bind, sizeof bind, "bad=%s", scratch_path("other"));
    view_config.view.binds = (const char *const[]){bind, "worse=bad"};
    view_config.view.bind_count = 2;
    write_table("worse:README /README tree\nbad:c_lib_generic.tar /c archive\n");
    must_open();
    cr_assert_str_eq(content_at("README"), "of the other");
    cr_assert_str_eq(content_at("c/c"), "archived");
    cr_assert_str_eq(source_of("c/c"), "bad:c_lib_generic.tar c");
    cr_assert_eq(origins_count(run->origins), 2);
}

Test(view, what_is_wrong_with_a_table_is_told_with_its_line)
{
    make_run();
    view_config.view.binds = (const char *const[]){"a=b", "b=a"};
    write_table("logs /l tree\nnone /n tree\n");
    assert_told(ENOENT, "table:2: missing source: nothing in the run is none");
    write_table("nothing_* /n flatten\n");
    assert_told(ENOENT, "table:1: missing source: no archive in the run is nothing_*");
    write_table("\n\ngone /n local\n");
    assert_told(ENOENT, "table:3: gone: No such file or directory");
    write_table("/dev/null /n local\n");
    assert_told(EINVAL, "table:1: /dev/null: not a file or directory");
    view_config.view.bind_count = 2;
    write_table("logs /l tree\na:logs /n tree\n");
    assert_told(ELOOP, "table:2: bind=a: cycle: a, b, a");
    write_table("logs /l tree\n");
    assert_told(ELOOP, "bind=a: cycle: a, b, a");
    view_choose(&view_config.view, "no-such-view");
    assert_told(ENOENT, "view=no-such-view: neither uploaded, typed nor dist, nor a table that is there");
}

Test(view, what_cannot_be_flattened_is_a_problem)
{
    write_archive("run/a_lib_generic.tar", MEMBERS({"x", "", 0644, '0'}));
    write_archive("run/b_lib_generic.tar.xz",
                  MEMBERS(MANIFEST("s\n"), {"s/pipe", NULL, 0644, '6'}, {"s/h", "s/none", 0644, '1'},
                          {"stray", "", 0644, '0'}, {"s/f", "", 0644, '0'}));
    view_choose(&view_config.view, "dist");
    must_open();
    cr_assert_str_eq(shown(""), "f h! pipe! stray! ");
    cr_assert(strstr(view_notes, "view=dist: stray: b_lib_generic.tar.xz stray ["), "%s", view_notes);
    cr_assert(strstr(node_problem(node_at("pipe")), "a fifo cannot be flattened"));
}

/* Hard links are resolved by what is in the tree, wherever it came from; a later archive's file leaves them as they are. */
Test(view, a_hard_link_may_name_what_an_earlier_archive_has_placed)
{
    write_archive("run/a_lib_generic.tar.xz",
                  MEMBERS(MANIFEST("a/stage\n"), {"a/stage/lib/x", "of a", 0755, '0'}));
    write_archive("run/b_lib_generic.tar.xz",
                  MEMBERS(MANIFEST("other\nb/stage\n"), {"b/stage/h", "b/stage/lib/x", 0644, '1'},
                          {"b/stage/early", "b/stage/lib/late", 0644, '1'}));
    write_archive("run/c_lib_generic.tar.xz",
                  MEMBERS(MANIFEST("c\n"), {"c/lib/x", "of c", 0644, '0'}, {"c/lib/late", "", 0644, '0'}));
    view_choose(&view_config.view, "dist");
    must_open();
    cr_assert_str_eq(shown(""), "early! h lib/ lib/late lib/x ");
    cr_assert_str_eq(content_at("h"), "of a");
    cr_assert_eq(node_mode(node_at("h")), 0755);
    cr_assert_eq(node_nlink(node_at("h")), 1);
    cr_assert_str_eq(source_of("h"), "a_lib_generic.tar.xz a/stage/lib/x");
    view_config.artifacts.exclude = (const char *const[]){"^c"};
    view_config.artifacts.exclude_count = 1;
    must_open();
    cr_assert_eq(node_at("h")->ino, node_at("lib/x")->ino);
    cr_assert_eq(node_nlink(node_at("h")), 2);
}

Test(view, rows_beside_archives_of_which_none_is_chosen_show_all_the_same)
{
    make_run();
    write_table("a_lib_generic /opt flatten\nlogs /opt/logs tree\n");
    view_config.artifacts.include = (const char *const[]){"^b"};
    view_config.artifacts.include_count = 1;
    must_open();
    cr_assert_str_eq(shown(""), "opt/ opt/logs/ opt/logs/g/ opt/logs/g/a.log opt/logs/index.html ");
}

Test(view, a_hard_link_finds_its_target_by_any_line)
{
    write_archive("run/a_lib_generic.tar.xz",
                  MEMBERS(MANIFEST("a\nb\n"), {"a/lib/x", "the file", 0755, '0'},
                          {"b/lib/y", "b/lib/x", 0644, '1'}, {"a/z", "b/none", 0644, '1'},
                          {"b/bin/x", "a/lib/x", 0644, '1'}));
    view_choose(&view_config.view, "dist");
    must_open();
    cr_assert_str_eq(shown(""), "bin/ bin/x lib/ lib/x lib/y z! ");
    cr_assert_str_eq(content_at("lib/y"), "the file");
    cr_assert_eq(node_at("lib/y")->ino, node_at("lib/x")->ino);
    cr_assert_eq(node_mode(node_at("lib/y")), 0755);
    cr_assert_eq(node_nlink(node_at("lib/x")), 3);
}

static struct error failure;

static int grow_root(void)
{
    static const struct wait patient = {.timeout_ms = 10000};
    return run_populate(run, tree_root(run_tree(run)), NULL, &patient, &failure);
}

Test(view, an_archive_that_cannot_be_read_fails_the_whole_directory)
{
    make_run();
    scratch_write("run/c_lib_generic.tar.xz", "this is no archive, whatever its name says");
    view_choose(&view_config.view, "dist");
    must_open();
    cr_assert_eq(grow_root(), -EBADMSG, "%s", failure.message);
    cr_assert(strstr(failure.message, "c_lib_generic.tar.xz: "), "%s", failure.message);
    struct strbuf problem = STRBUF_INIT(1000);
    cr_assert_eq(run_problem(run, tree_root(run_tree(run)), &problem), 0);
    cr_assert_str_eq(strbuf_text(&problem), failure.message);
    strbuf_done(&problem);
}

Test(view, an_artifact_without_a_manifest_is_refused_unless_it_is_empty)
{
    make_run();
    write_archive("run/c_lib_generic.tar.xz", MEMBERS(MANIFEST("")));
    view_choose(&view_config.view, "dist");
    must_open();
    cr_assert_eq(grow_root(), 0, "%s", failure.message);
    write_archive("run/c_lib_generic.tar.xz", MEMBERS({"x", "", 0644, '0'}));
    must_open();
    cr_assert_eq(grow_root(), -EBADMSG, "%s", failure.message);
    cr_assert_str_eq(failure.message,
                     "c_lib_generic.tar.xz: has no manifest, so that its members have no place");
}
