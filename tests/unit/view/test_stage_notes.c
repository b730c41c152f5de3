/* What a stage says, however hostile the names and however many the conflicts; and what it refuses. */
#include <errno.h>

#include "stage_test.h"

Test(stage_notes, ninety_nine_overlaps_are_all_told_sorted_by_path)
{
    struct stage *stage = new_stage("");
    char path[16];
    for (int archive = 1; archive <= 2; archive++)
        for (int i = 99; i > 0; i--) {
            (void)snprintf(path, sizeof path, "d/%02d", i);
            ADD(stage, 1, path, FILE_OF(1, "md5:a", 1), .flatten = true);
        }
    tree_free_members(finished(stage));
    const struct stage_notes *overlaps = stage_overlaps(stage);
    cr_assert_eq(overlaps->count, 99);
    cr_assert_eq(overlaps->total, 99);
    for (size_t i = 0; i < 99; i++) {
        (void)snprintf(path, sizeof path, "d/%02zu", i + 1);
        cr_assert_str_eq(overlaps->notes[i].path, path);
    }
    cr_assert_eq(stage_conflicts(stage)->count, 0);
    stage_free(stage);
}

Test(stage_notes, paths_that_no_tree_can_have_are_told_and_not_shown)
{
    struct stage *stage = new_stage("");
    char long_name[300];
    char deep[2 * (TREE_DEPTH_MAX + 1) + 1] = "";
    memset(long_name, 'n', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    for (size_t i = 0; i < TREE_DEPTH_MAX + 1; i++)
        memcpy(deep + 2 * i, "d/", 3);
    deep[strlen(deep) - 1] = '\0';
    ADD(stage, 1, "a/../../etc", FILE_OF(1, "md5:a", 1));
    ADD(stage, 1, "/abs", FILE_OF(1, "md5:a", 1));
    ADD(stage, 1, "a//b", FILE_OF(1, "md5:a", 1));
    ADD(stage, 1, "a/", FILE_OF(1, "md5:a", 1));
    ADD(stage, 1, "./a", FILE_OF(1, "md5:a", 1));
    ADD(stage, 1, long_name, FILE_OF(1, "md5:a", 1));
    ADD(stage, 1, deep, FILE_OF(1, "md5:a", 1));
    struct error err = {0};
    struct stage_entry nul = {
        .path = "a\0b", .path_len = 3, .member = true, .row = 1, FILE_OF(1, "md5:a", 1)};
    assert_ok(stage_add(stage, &nul, &err), &err);
    struct node *root = finished(stage);
    cr_assert_str_eq(shown(root), "");
    const struct stage_notes *conflicts = stage_conflicts(stage);
    cr_assert_eq(conflicts->total, 8);
    cr_assert_str_eq(conflicts->notes[0].text,
                     "./a: 1.tar f [md5:a:1:f]: its name has a component '.' or '..'");
    cr_assert_str_eq(conflicts->notes[1].text, "/abs: 1.tar f [md5:a:1:f]: its name has an empty component");
    cr_assert_str_eq(conflicts->notes[2].text, "a\\x00b: 1.tar f [md5:a:1:f]: its name holds a NUL byte");
    tree_free_members(root);
    stage_free(stage);
}

Test(stage_notes, the_deepest_path_can_be_composed_and_be_in_conflict)
{
    struct stage *stage = new_stage("");
    char deep[2 * TREE_DEPTH_MAX + 1] = "";
    for (size_t i = 0; i < TREE_DEPTH_MAX; i++)
        memcpy(deep + 2 * i, "d/", 3);
    deep[strlen(deep) - 1] = '\0';
    ADD(stage, 1, deep, FILE_OF(1, "md5:a", 1));
    ADD(stage, 2, deep, FILE_OF(2, "md5:b", 1));
    struct node *root = finished(stage);
    cr_assert(below(root, deep)->problem);
    cr_assert_eq(stage_conflicts(stage)->count, 1);
    tree_free_members(root);
    stage_free(stage);
}

Test(stage_notes, a_line_stays_one_line_and_long_text_loses_its_middle)
{
    struct stage *stage = new_stage("");
    char source[3001];
    memset(source, 's', sizeof source - 1);
    source[sizeof source - 1] = '\0';
    /* characters of two bytes across both cuts */
    for (size_t i = 0; i < sizeof source - 2; i += 2)
        memcpy(source + i, "é", 2);
    memcpy(source, "A", 1);
    memcpy(source + 1, "B", 1);
    memmove(source + 1, source + 2, sizeof source - 2);
    ADD(stage, 1, "new\nline\x7f", FILE_OF(1, "md5:a", 1));
    ADD(stage, 2, "new\nline\x7f", .member = true, .size = 2, SAYS(source, "md5:b\t"));
    struct node *root = finished(stage);
    const char *text = stage_conflicts(stage)->notes[0].text;
    cr_assert_str_eq(stage_conflicts(stage)->notes[0].path, "new\nline\x7f");
    cr_assert_eq(strncmp(text, "new\\x0aline\\x7f: conflict: 1.tar f [md5:a:1:f] and Aéé", 54), 0, "%s",
                 text);
    const char *dots = strstr(text, "...");
    cr_assert(dots);
    cr_assert_eq(strncmp(dots - 2, "é", 2), 0);
    cr_assert_eq(strncmp(dots + 3, "é", 2), 0);
    cr_assert_str_eq(strchr(dots, ' '), " [md5:b\\x09:2:f]");
    cr_assert_lt(strlen(text), 1200);
    tree_free_members(root);
    stage_free(stage);
}

Test(stage_notes, of_very_many_conflicts_all_are_counted_and_shown)
{
    struct stage *stage = new_stage("");
    char path[16];
    for (uint32_t row = 1; row <= 2; row++)
        for (uint32_t i = 0; i < STAGE_NOTES_MAX + 10; i++) {
            (void)snprintf(path, sizeof path, "%02x/%06x", i % 256, i);
            ADD(stage, row, path, FILE_OF(1, "", row));
        }
    (void)snprintf(path, sizeof path, "%02x/%06x", (STAGE_NOTES_MAX + 1) % 256, STAGE_NOTES_MAX + 1);
    ADD(stage, 3, path, FILE_OF(3, "", 3), .overlay = true);
    struct node *root = finished(stage);
    cr_assert_eq(stage_conflicts(stage)->count, STAGE_NOTES_MAX);
    cr_assert_eq(stage_conflicts(stage)->total, STAGE_NOTES_MAX + 9);
    cr_assert_null(node_problem(below(root, path)));
    (void)snprintf(path, sizeof path, "%02x/%06x", STAGE_NOTES_MAX % 256, STAGE_NOTES_MAX);
    cr_assert_str_eq(node_problem(below(root, path)),
                     "in conflict, as too many paths are to keep all reasons");
    tree_free_members(root);
    stage_free(stage);
}

Test(stage_notes, what_a_caller_may_not_do_is_refused)
{
    struct stage *stage = new_stage("opt/rocm");
    struct stage *none;
    struct error err = {0};
    struct stage_entry entry = {.path = "opt/rocmx", .path_len = 9, .key = "k", .row = 5};
    assert_refused(stage_add(stage, &entry, &err), EINVAL, &err, "opt/rocmx: not in opt/rocm");
    entry.path_len = 3;
    assert_refused(stage_add(stage, &entry, &err), EINVAL, &err, "opt: not in opt/rocm");
    entry.path = "opt/rocm/x";
    entry.path_len = 10;
    assert_ok(stage_add(stage, &entry, &err), &err);
    entry.row = 4;
    assert_refused(stage_add(stage, &entry, &err), EINVAL, &err, "row 4 of a view after row 5");
    entry = (struct stage_entry){
        .path = "opt/rocm/g", .path_len = 10, .type = NODE_DIRECTORY, .grows = true, .etag = "e", .row = 5};
    assert_ok(stage_add(stage, &entry, &err), &err);
    entry = (struct stage_entry){.path = "opt/rocm/g/h/i", .path_len = 14, .key = "k", .row = 6};
    assert_refused(stage_add(stage, &entry, &err), EINVAL, &err, "beneath what is composed later");
    stage_free(stage);
    assert_refused(stage_new("a/../b", describe_entry, NULL, &none, &err), EINVAL, &err, "a/../b: its name");
}

Test(stage_notes, what_grows_cannot_have_entries_already)
{
    struct stage *stage = new_stage("");
    struct node *root;
    struct error err = {0};
    ADD(stage, 1, "g/h", FILE_OF(1, "md5:a", 1));
    ADD(stage, 2, "g", .type = NODE_DIRECTORY, .grows = true, .etag = "e", SAYS("g", ""));
    assert_refused(stage_finish(stage, &root, &err), EINVAL, &err, "beneath what is composed later");
    stage_free(stage);
}

Test(stage_notes, the_root_of_a_stage_stays_a_directory)
{
    struct stage *stage = new_stage("opt");
    ADD(stage, 1, "opt/x", FILE_OF(1, "md5:a", 1));
    ADD(stage, 2, "opt", FILE_OF(2, "md5:a", 1));
    ADD(stage, 3, "opt", FILE_OF(3, "md5:a", 1), .overlay = true);
    assert_stage(stage, "x=1 ",
                 "opt: conflict: the view [-:0:t] and 2.tar f [md5:a:1:f]\n"
                 "opt: conflict: the view [-:0:t] and 3.tar f [md5:a:1:f]\n",
                 "");
}
