/* Conflicts of views: when they show, and what is refused. */
#include <errno.h>

#include "view_test.h"

static const struct wait patient = {.timeout_ms = 10000};

static void set_up(void)
{
    view_set_up();
    scratch_write("run/f", "of the run");
    write_archive("run/a_lib_generic.tar", MEMBERS({"f", "of a", 0644, '0'}));
    scratch_write("g", "of here");
}

TestSuite(conflicts, .init = set_up, .fini = view_tear_down);

Test(conflicts, those_that_need_no_archive_refuse_the_view)
{
    struct error err = {0};
    write_table("f /x tree\ng /x local\nf /y tree\nf /y/below tree\ng /same local\ng /same local\n");
    cr_assert_eq(open_view(&err), -EEXIST);
    cr_assert(strncmp(view_conflicts, "x: conflict: f [sha256:", 23) == 0, "%s", view_conflicts);
    cr_assert(strstr(view_conflicts, ":10:f] and local /"), "%s", view_conflicts);
    cr_assert(strncmp(err.message, "y: conflict: f [", 16) == 0, "%s", err.message);
    cr_assert_eq(strchr(view_conflicts, '\n'), view_conflicts + strlen(view_conflicts) - 1);
}

Test(conflicts, equal_content_and_overlays_are_none)
{
    scratch_write("h", "of the run");
    write_table("f /x tree\nh /x local\nf /z tree\ng /z local overlay\n");
    must_open();
    cr_assert_str_eq(content_at("x"), "of the run");
    cr_assert_str_eq(content_at("z"), "of here");
}

Test(conflicts, those_in_archives_show_when_they_are_read)
{
    struct error err = {0};
    struct reader *reader;
    struct strbuf problem = STRBUF_INIT(2000);
    write_table("a_lib_generic /d archive\nf /d/f tree\n");
    must_open();
    cr_assert_str_eq(view_notes, "");
    const struct node *node = node_at("d/f");
    cr_assert_eq(run_open_node(run, node, &reader, &err), -EIO);
    cr_assert(strstr(err.message, "d/f: conflict: a_lib_generic.tar f [sha256:"), "%s", err.message);
    cr_assert_eq(run_problem(run, node, &problem), 0);
    cr_assert_str_eq(strbuf_text(&problem), err.message);
    cr_assert(strstr(view_notes, strbuf_text(&problem)), "%s", view_notes);
    strbuf_done(&problem);
}

Test(conflicts, what_is_kept_on_disk_refuses_the_view_at_once)
{
    struct error err = {0};
    view_on_disk();
    write_table("a_lib_generic /d archive\nf /d/f tree\n");
    must_open();
    (void)node_at("d/f");
    cr_assert_eq(open_view(&err), -EEXIST, "%s", err.message);
    cr_assert(strncmp(err.message, "d/f: conflict: ", 15) == 0, "%s", err.message);
}

static unsigned noted;
static char last_note[1000];

static void count_note(const char *what, const char *why)
{
    noted++;
    (void)snprintf(last_note, sizeof last_note, "%s: %s", what, why);
}

/* Two archives with the same 150 names, which differ. */
static void write_many(void)
{
    struct member_spec members[152] = {MANIFEST("s\n")};
    char names[150][8];
    for (int archive = 0; archive < 2; archive++) {
        for (int i = 0; i < 150; i++) {
            (void)snprintf(names[i], sizeof names[i], "s/%d", i);
            members[i + 1] = (struct member_spec){names[i], archive ? "one" : "other", 0644, '0'};
        }
        write_archive(archive ? "run/m_lib_generic.tar.xz" : "run/n_lib_generic.tar.xz", members);
    }
}

Test(conflicts, very_many_do_not_flood_the_log)
{
    write_many();
    write_table("m_lib_generic /d flatten\nn_lib_generic /d flatten\n");
    view_config.note = count_note;
    must_open();
    (void)node_at("d/0");
    cr_assert_eq(noted, 101);
    cr_assert(strstr(last_note, "table: 50 more conflicts: runfs ls --check tells them all"), "%s",
              last_note);
}

static char told[4096];

static void tell(void *context, const char *line)
{
    (void)context;
    size_t used = strlen(told);
    (void)snprintf(told + used, sizeof told - used, "%.*s\n", (int)strcspn(line, "["), line);
}

static void fail(void *context, const struct error *err)
{
    tell(context, err->message);
}

Test(conflicts, a_check_tells_all_of_them_and_the_overlaps)
{
    struct view_report report = {.conflict = tell, .overlap = tell, .failed = fail};
    write_archive("run/c_lib_generic.tar.xz",
                  MEMBERS(MANIFEST("s\n"), {"s/f", "c", 0644, '0'}, {"s/c", "only c", 0644, '0'}));
    write_archive("run/d_lib_generic.tar.xz",
                  MEMBERS(MANIFEST("s\n"), {"s/f", "d", 0644, '0'}, {"s/d", "only d", 0644, '0'}));
    write_archive("run/e_lib_generic.tar", MEMBERS({"x", "", 0644, '6'}));
    write_table(
        "f /x tree\ng /x local\na_lib_generic /d archive\nf /d/f tree\n?_lib_generic.tar.xz /o flatten\n");
    view_config.view.check = true;
    must_open();
    run_check(run, &patient, &report);
    cr_assert_str_eq(
        told,
        "x: conflict: f \nd/f: conflict: a_lib_generic.tar f \no/f: overlap: c_lib_generic.tar.xz s/f \n");
    struct run_stats stats;
    run_stats(run, &stats);
    cr_assert_eq(stats.counts[COUNT_CONFLICTS], 2);
    cr_assert_eq(stats.counts[COUNT_OVERLAPS], 1);
    cr_assert_eq(stats.counts[COUNT_COMPOSING], 0);
    cr_assert_eq(report.conflicts, 2);
    cr_assert_eq(report.overlaps, 1);
}
