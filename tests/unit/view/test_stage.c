/* Composing: each rule by which entries of a stage meet, and the words for it. */
#include <errno.h>

#include "stage_test.h"

Test(stage, directories_merge_and_the_missing_ones_are_made)
{
    struct stage *stage = new_stage("");
    ADD(stage, 1, "a/b/one", FILE_OF(1, "", 1));
    ADD(stage, 1, "a", DIRECTORY_OF(1));
    ADD(stage, 2, "a/b", DIRECTORY_OF(2));
    ADD(stage, 2, "a/b/two", FILE_OF(2, "", 1));
    ADD(stage, 3, "c", DIRECTORY_OF(3));
    assert_stage(stage, "a/ a/b/ a/b/one=1 a/b/two=2 c/ ", "", "");
}

Test(stage, equal_content_is_no_conflict_and_the_first_stays)
{
    struct stage *stage = new_stage("");
    ADD(stage, 1, "a/f", FILE_OF(1, "sha256:1", 5));
    ADD(stage, 2, "a/f", FILE_OF(2, "sha256:1", 5));
    ADD(stage, 1 + 1, "a/l", LINK_OF(1, "f"));
    ADD(stage, 3, "a/l", LINK_OF(3, "f"));
    assert_stage(stage, "a/ a/f=1 a/l@ ", "", "");
}

Test(stage, one_file_in_two_rows_needs_no_content_id)
{
    struct stage *stage = new_stage("");
    ADD(stage, 1, "f", .key = "k", .etag = "\"e-2\"", .size = 4, SAYS("k", ""));
    ADD(stage, 2, "f", .key = "k", .etag = "\"e-2\"", .size = 4, SAYS("k", ""));
    ADD(stage, 2, "m", FILE_OF(3, "", 1));
    ADD(stage, 3, "m", FILE_OF(3, "", 1));
    assert_stage(stage, "f=0 m=3 ", "", "");
}

Test(stage, other_content_is_a_conflict)
{
    struct stage *stage = new_stage("");
    ADD(stage, 1, "lib/libx.so", FILE_OF(1, "sha256:aa", 123));
    ADD(stage, 2, "lib/libx.so", .key = "/home/me/libx.so", .origin = 7, .size = 124, .executable = true,
        SAYS("local /home/me/libx.so", "sha256:bb"));
    assert_stage(stage, "lib/ lib/libx.so! ",
                 "lib/libx.so: conflict: 1.tar f [sha256:aa:123:f] and local /home/me/libx.so "
                 "[sha256:bb:124:x]\n",
                 "");
}

Test(stage, content_that_nobody_knows_is_not_equal)
{
    struct stage *stage = new_stage("");
    ADD(stage, 1, "f", FILE_OF(1, "", 1));
    ADD(stage, 2, "f", FILE_OF(2, "", 1));
    assert_stage(stage, "f! ", "f: conflict: 1.tar f [-:1:f] and 2.tar f [-:1:f]\n", "");
}

Test(stage, size_and_type_count_as_well)
{
    struct stage *stage = new_stage("");
    ADD(stage, 1, "size", FILE_OF(1, "md5:a", 1));
    ADD(stage, 1, "run", FILE_OF(1, "md5:a", 1));
    ADD(stage, 1, "type", LINK_OF(1, "f"));
    ADD(stage, 1, "target", LINK_OF(1, "f"));
    ADD(stage, 2, "size", FILE_OF(2, "md5:a", 2));
    ADD(stage, 2, "run", FILE_OF(2, "md5:a", 1), .mode = 0755);
    ADD(stage, 2, "type", FILE_OF(2, "md5:a", 1));
    ADD(stage, 2, "target", LINK_OF(2, "g"));
    assert_stage(stage, "run! size! target! type! ",
                 "run: conflict: 1.tar f [md5:a:1:f] and 2.tar f [md5:a:1:x]\n"
                 "size: conflict: 1.tar f [md5:a:1:f] and 2.tar f [md5:a:2:f]\n"
                 "target: conflict: 1.tar l [->f:1:l] and 2.tar l [->g:1:l]\n"
                 "type: conflict: 1.tar l [->f:1:l] and 2.tar f [md5:a:1:f]\n",
                 "");
}

Test(stage, each_further_one_that_differs_is_a_conflict_with_the_first)
{
    struct stage *stage = new_stage("");
    ADD(stage, 1, "f", FILE_OF(1, "md5:a", 1));
    ADD(stage, 2, "f", FILE_OF(2, "md5:b", 1));
    ADD(stage, 3, "f", FILE_OF(3, "md5:a", 1));
    ADD(stage, 4, "f", FILE_OF(4, "md5:c", 1));
    assert_stage(stage, "f! ",
                 "f: conflict: 1.tar f [md5:a:1:f] and 2.tar f [md5:b:1:f]\n"
                 "f: conflict: 1.tar f [md5:a:1:f] and 4.tar f [md5:c:1:f]\n",
                 "");
}

Test(stage, an_entry_beneath_a_file_is_one_conflict_with_all_that_is_there)
{
    struct stage *stage = new_stage("");
    ADD(stage, 1, "a", FILE_OF(1, "md5:a", 1));
    ADD(stage, 2, "a/b/c", FILE_OF(2, "md5:c", 3));
    ADD(stage, 2, "a/b/d", FILE_OF(2, "md5:d", 3));
    assert_stage(stage, "a! ", "a: conflict: 1.tar f [md5:a:1:f] and, beneath it, 2.tar f [md5:c:3:f]\n", "");
}

Test(stage, a_directory_and_a_file_are_a_conflict_in_both_orders)
{
    struct stage *stage = new_stage("");
    ADD(stage, 1, "a/b", FILE_OF(1, "md5:b", 1));
    ADD(stage, 1, "c", DIRECTORY_OF(1));
    ADD(stage, 1, "d", FILE_OF(1, "md5:d", 1));
    ADD(stage, 2, "a", FILE_OF(2, "md5:a", 3));
    ADD(stage, 2, "c", LINK_OF(2, "d"));
    ADD(stage, 2, "d", DIRECTORY_OF(2));
    ADD(stage, 2, "d/e", FILE_OF(2, "md5:e", 3));
    assert_stage(stage, "a! c! d! ",
                 "a: conflict: 1.tar f [-:0:t] and 2.tar f [md5:a:3:f]\n"
                 "c: conflict: 1.tar d [-:0:t] and 2.tar l [->d:1:l]\n"
                 "d: conflict: 1.tar f [md5:d:1:f] and 2.tar d [-:0:t]\n",
                 "");
}

Test(stage, what_lies_below_a_conflict_is_looked_at_but_does_not_show)
{
    struct stage *stage = new_stage("");
    ADD(stage, 1, "a", FILE_OF(1, "md5:a", 1));
    ADD(stage, 2, "a/b", FILE_OF(2, "md5:b", 1));
    ADD(stage, 3, "a/b", FILE_OF(3, "md5:c", 1));
    assert_stage(stage, "a! ",
                 "a: conflict: 1.tar f [md5:a:1:f] and, beneath it, 2.tar f [md5:b:1:f]\n"
                 "a/b: conflict: 2.tar f [md5:b:1:f] and 3.tar f [md5:c:1:f]\n",
                 "");
}

Test(stage, overlay_wins_over_earlier_rows_whatever_is_there)
{
    struct stage *stage = new_stage("");
    ADD(stage, 1, "file", FILE_OF(1, "md5:a", 1));
    ADD(stage, 1, "directory/with/much", FILE_OF(1, "md5:a", 1));
    ADD(stage, 1, "directory/else", FILE_OF(1, "md5:a", 1));
    ADD(stage, 1, "beneath", FILE_OF(1, "md5:a", 1));
    ADD(stage, 1, "merged/old", FILE_OF(1, "md5:a", 1));
    ADD(stage, 1, "link", LINK_OF(1, "x"));
    ADD(stage, 2, "file", FILE_OF(2, "md5:b", 1), .overlay = true);
    ADD(stage, 2, "directory", FILE_OF(2, "md5:b", 1), .overlay = true);
    ADD(stage, 2, "beneath/it", FILE_OF(2, "md5:b", 1), .overlay = true);
    ADD(stage, 2, "merged/new", FILE_OF(2, "md5:b", 1), .overlay = true);
    ADD(stage, 2, "link", DIRECTORY_OF(2), .overlay = true);
    assert_stage(stage, "beneath/ beneath/it=2 directory=2 file=2 link/ merged/ merged/new=2 merged/old=1 ",
                 "", "");
}

Test(stage, overlays_win_in_their_order)
{
    struct stage *stage = new_stage("");
    ADD(stage, 1, "f/x", FILE_OF(1, "md5:a", 1));
    ADD(stage, 2, "f", FILE_OF(2, "md5:b", 1), .overlay = true);
    ADD(stage, 3, "f/y", FILE_OF(3, "md5:c", 1), .overlay = true);
    ADD(stage, 4, "f/y", FILE_OF(4, "md5:d", 1), .overlay = true);
    assert_stage(stage, "f/ f/y=4 ", "", "");
}

Test(stage, a_row_s_overlay_says_nothing_of_entries_of_its_own_row_or_later_rows)
{
    struct stage *stage = new_stage("");
    ADD(stage, 1, "f", FILE_OF(1, "md5:a", 1), .overlay = true);
    ADD(stage, 1, "f", FILE_OF(2, "md5:b", 1), .overlay = true);
    ADD(stage, 1, "g", FILE_OF(2, "md5:b", 1), .overlay = true);
    ADD(stage, 1, "d/x", FILE_OF(1, "md5:a", 1), .overlay = true);
    ADD(stage, 1, "d", FILE_OF(2, "md5:b", 1), .overlay = true);
    ADD(stage, 2, "g", FILE_OF(3, "md5:c", 1));
    assert_stage(stage, "d! f! g! ",
                 "d: conflict: 1.tar f [-:0:t] and 2.tar f [md5:b:1:f]\n"
                 "f: conflict: 1.tar f [md5:a:1:f] and 2.tar f [md5:b:1:f]\n"
                 "g: conflict: 2.tar f [md5:b:1:f] and 3.tar f [md5:c:1:f]\n",
                 "");
}

Test(stage, overlay_ends_conflicts_of_earlier_rows_at_its_path_and_above)
{
    struct stage *stage = new_stage("");
    ADD(stage, 1, "f", FILE_OF(1, "md5:a", 1));
    ADD(stage, 1, "d/x", FILE_OF(1, "md5:a", 1));
    ADD(stage, 1, "e/x", FILE_OF(1, "md5:a", 1));
    ADD(stage, 1, "h/x", FILE_OF(1, "md5:a", 1));
    ADD(stage, 2, "f", FILE_OF(2, "md5:b", 1));
    ADD(stage, 2, "d", FILE_OF(2, "md5:b", 1));
    ADD(stage, 2, "e", FILE_OF(2, "md5:b", 1));
    ADD(stage, 2, "h/x", FILE_OF(2, "md5:b", 1));
    ADD(stage, 3, "f", FILE_OF(3, "md5:c", 1), .overlay = true);
    ADD(stage, 3, "d/y", FILE_OF(3, "md5:c", 1), .overlay = true);
    ADD(stage, 3, "h/y", FILE_OF(3, "md5:c", 1), .overlay = true);
    assert_stage(stage, "d/ d/x=1 d/y=3 e! f=3 h/ h/x! h/y=3 ",
                 "e: conflict: 1.tar f [-:0:t] and 2.tar f [md5:b:1:f]\n"
                 "h/x: conflict: 1.tar f [md5:a:1:f] and 2.tar f [md5:b:1:f]\n",
                 "");
}

Test(stage, overlay_ends_conflicts_below_what_it_replaces)
{
    struct stage *stage = new_stage("");
    ADD(stage, 1, "d/x", FILE_OF(1, "md5:a", 1));
    ADD(stage, 2, "d/x", FILE_OF(2, "md5:b", 1));
    ADD(stage, 3, "d", FILE_OF(3, "md5:c", 1), .overlay = true);
    ADD(stage, 4, "d/x", FILE_OF(4, "md5:c", 1), .overlay = true);
    assert_stage(stage, "d/ d/x=4 ", "", "");
}

Test(stage, within_a_flatten_row_the_later_wins_and_is_an_overlap)
{
    struct stage *stage = new_stage("");
    ADD(stage, 1, "f", FILE_OF(1, "sha256:a", 1), .flatten = true);
    ADD(stage, 1, "l", LINK_OF(1, "f"), .flatten = true);
    ADD(stage, 1, "same", FILE_OF(1, "sha256:a", 1), .flatten = true);
    ADD(stage, 1, "f", FILE_OF(2, "sha256:b", 2), .flatten = true);
    ADD(stage, 1, "l", FILE_OF(2, "sha256:b", 2), .flatten = true);
    ADD(stage, 1, "same", FILE_OF(2, "sha256:a", 1), .flatten = true);
    ADD(stage, 1, "f", LINK_OF(3, "l"), .flatten = true);
    assert_stage(stage, "f@ l=2 same=2 ", "",
                 "f: overlap: 1.tar f [sha256:a:1:f] replaced by 2.tar f [sha256:b:2:f]\n"
                 "f: overlap: 2.tar f [sha256:b:2:f] replaced by 3.tar l [->l:1:l]\n"
                 "l: overlap: 1.tar l [->f:1:l] replaced by 2.tar f [sha256:b:2:f]\n"
                 "same: overlap: 1.tar f [sha256:a:1:f] replaced by 2.tar f [sha256:a:1:f]\n");
}

Test(stage, within_a_flatten_row_files_and_directories_are_a_conflict)
{
    struct stage *stage = new_stage("");
    ADD(stage, 1, "d/x", FILE_OF(1, "md5:a", 1), .flatten = true);
    ADD(stage, 1, "f", FILE_OF(1, "md5:a", 1), .flatten = true);
    ADD(stage, 1, "d", LINK_OF(2, "f"), .flatten = true);
    ADD(stage, 1, "f/x", FILE_OF(2, "md5:b", 1), .flatten = true);
    assert_stage(stage, "d! f! ",
                 "d: conflict: 1.tar f [-:0:t] and 2.tar l [->f:1:l]\n"
                 "f: conflict: 1.tar f [md5:a:1:f] and, beneath it, 2.tar f [md5:b:1:f]\n",
                 "");
}

Test(stage, flatten_rows_are_in_conflict_with_other_rows_as_any)
{
    struct stage *stage = new_stage("");
    ADD(stage, 1, "f", FILE_OF(1, "md5:a", 1), .flatten = true);
    ADD(stage, 1, "g", FILE_OF(1, "md5:a", 1), .flatten = true);
    ADD(stage, 2, "f", FILE_OF(2, "md5:b", 1), .flatten = true);
    ADD(stage, 2, "g", FILE_OF(2, "md5:a", 1), .flatten = true);
    assert_stage(stage, "f! g=1 ", "f: conflict: 1.tar f [md5:a:1:f] and 2.tar f [md5:b:1:f]\n", "");
}

/* What counts is what the flatten row comes to, not what it had on the way. */
Test(stage, the_last_of_a_flatten_row_meets_the_earlier_rows)
{
    struct stage *stage = new_stage("");
    ADD(stage, 1, "becomes_equal", FILE_OF(1, "md5:a", 1));
    ADD(stage, 1, "becomes_other", FILE_OF(1, "md5:a", 1));
    ADD(stage, 2, "becomes_equal", FILE_OF(2, "md5:b", 1), .flatten = true);
    ADD(stage, 2, "becomes_other", FILE_OF(2, "md5:a", 1), .flatten = true);
    ADD(stage, 2, "becomes_equal", FILE_OF(3, "md5:a", 1), .flatten = true);
    ADD(stage, 2, "becomes_other", FILE_OF(3, "md5:b", 1), .flatten = true);
    ADD(stage, 3, "becomes_other", FILE_OF(4, "md5:c", 1), .flatten = true);
    assert_stage(stage, "becomes_equal=1 becomes_other! ",
                 "becomes_other: conflict: 1.tar f [md5:a:1:f] and 3.tar f [md5:b:1:f]\n"
                 "becomes_other: conflict: 1.tar f [md5:a:1:f] and 4.tar f [md5:c:1:f]\n",
                 "becomes_equal: overlap: 2.tar f [md5:b:1:f] replaced by 3.tar f [md5:a:1:f]\n"
                 "becomes_other: overlap: 2.tar f [md5:a:1:f] replaced by 3.tar f [md5:b:1:f]\n");
}

Test(stage, an_overlay_flatten_row_wins_and_overlaps_within_itself)
{
    struct stage *stage = new_stage("");
    ADD(stage, 1, "f", FILE_OF(1, "md5:a", 1));
    ADD(stage, 2, "f", FILE_OF(2, "md5:b", 1), .flatten = true, .overlay = true);
    ADD(stage, 2, "f", FILE_OF(3, "md5:c", 1), .flatten = true, .overlay = true);
    assert_stage(stage, "f=3 ", "", "f: overlap: 2.tar f [md5:b:1:f] replaced by 3.tar f [md5:c:1:f]\n");
}

Test(stage, what_the_caller_calls_wrong_is_a_problem)
{
    struct stage *stage = new_stage("opt");
    ADD(stage, 1, "opt/fifo", .flatten = true, .problem = "a fifo cannot be flattened",
        SAYS("1.tar s/fifo", ""));
    ADD(stage, 1, "opt/f", FILE_OF(1, "md5:a", 1), .flatten = true);
    ADD(stage, 1, "opt/f", .flatten = true, .problem = "a fifo cannot be flattened", SAYS("2.tar s/f", ""));
    ADD(stage, 1, "opt/fifo", FILE_OF(3, "md5:a", 1), .flatten = true);
    ADD(stage, 1, "opt/d/x", FILE_OF(1, "md5:a", 1), .flatten = true);
    ADD(stage, 1, "opt/d", .flatten = true, .problem = "under no line", SAYS("2.tar d", ""));
    struct node *root = finished(stage);
    cr_assert_str_eq(shown(root), "d! f! fifo! ");
    cr_assert_str_eq(lines(stage_conflicts(stage)),
                     "opt/d: 2.tar d [-:0:f]: under no line\n"
                     "opt/f: 2.tar s/f [-:0:f]: a fifo cannot be flattened\n"
                     "opt/fifo: 1.tar s/fifo [-:0:f]: a fifo cannot be flattened\n");
    const struct node *fifo = below(root, "fifo");
    cr_assert_str_eq(node_problem(fifo), "opt/fifo: 1.tar s/fifo [-:0:f]: a fifo cannot be flattened");
    cr_assert_eq(fifo->type, NODE_FILE);
    cr_assert_eq(fifo->size, 0);
    cr_assert_eq(fifo->origin, ORIGIN_NONE);
    cr_assert_eq(node_mode(fifo), 0644);
    tree_free_members(root);
    stage_free(stage);
}

Test(stage, overlay_replaces_what_is_wrong)
{
    struct stage *stage = new_stage("");
    ADD(stage, 1, "fifo", .problem = "no", SAYS("1.tar", ""));
    ADD(stage, 1, "gone", FILE_OF(1, "md5:a", 1));
    ADD(stage, 2, "fifo", FILE_OF(2, "md5:a", 1), .overlay = true);
    ADD(stage, 2, "gone", .problem = "no", SAYS("2.tar", ""), .overlay = true);
    assert_stage(stage, "fifo=2 gone! ", "gone: 2.tar [-:0:f]: no\n", "");
}

Test(stage, links_may_not_leave_the_tree_where_they_have_to_stay_inside)
{
    struct stage *stage = new_stage("a");
    ADD(stage, 1, "a/b/up", LINK_OF(1, "../../x"), .inside = true);
    ADD(stage, 1, "a/b/dangling", LINK_OF(1, "nowhere/../../b//./c"), .inside = true);
    ADD(stage, 1, "a/b/out", LINK_OF(1, "../../../x"), .inside = true);
    ADD(stage, 1, "a/b/out_and_in", LINK_OF(1, "../../../a/b/up"), .inside = true);
    ADD(stage, 1, "a/b/root", LINK_OF(1, "/etc"), .inside = true);
    ADD(stage, 1, "a/b/free", LINK_OF(1, "/etc"));
    ADD(stage, 1, "a/b/dots", LINK_OF(1, "..."), .inside = true);
    assert_stage(stage, "b/ b/dangling@ b/dots@ b/free@ b/out! b/out_and_in! b/root! b/up@ ",
                 "a/b/out: 1.tar l [->../../../x:10:l]: its target leaves the tree\n"
                 "a/b/out_and_in: 1.tar l [->../../../a/b/up:15:l]: its target leaves the tree\n"
                 "a/b/root: 1.tar l [->/etc:4:l]: its target leaves the tree\n",
                 "");
}
