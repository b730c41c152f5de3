/* The names of all runs: shown together, found by name. The linker leads tree_add() and tree_renew() here (--wrap). */
#include <errno.h>

#include "fs/forest_internal.h"
#include "testing.h"

#define CACHED 4000

int __real_tree_add(struct tree *tree, const struct tree_entry *entry, struct error *err);
void __real_tree_renew(struct tree *tree, struct tree *fresh);
int __wrap_tree_add(struct tree *tree, const struct tree_entry *entry, struct error *err);
void __wrap_tree_renew(struct tree *tree, struct tree *fresh);

static unsigned added;
static unsigned renewed;

int __wrap_tree_add(struct tree *tree, const struct tree_entry *entry, struct error *err)
{
    added++;
    return __real_tree_add(tree, entry, err);
}

void __wrap_tree_renew(struct tree *tree, struct tree *fresh)
{
    renewed++;
    __real_tree_renew(tree, fresh);
}

static struct fs fs;

static void set_up(void)
{
    struct error err = {0};
    fs.own.fs = &fs;
    assert_ok(tree_new(NULL, &fs.own.tree, &err), &err);
    tree_finish(fs.own.tree);
    assert_ok(forest_open(&fs, &err), &err);
    added = renewed = 0;
}

static void tear_down(void)
{
    forest_close(fs.forest);
    tree_free(fs.own.tree);
}

TestSuite(forest, .init = set_up, .fini = tear_down);

static void name_cached(unsigned count)
{
    static struct forest_kept kept[CACHED];
    static char names[CACHED][24];
    for (unsigned i = 0; i < count; i++) {
        (void)snprintf(names[i], sizeof names[i], "%u-linux", i + 1);
        kept[i] = (struct forest_kept){names[i], i};
    }
    forest_name_kept(fs.forest, kept, count);
}

static bool shows(const char *name)
{
    return tree_find(fs.own.tree, name);
}

Test(forest, cached_runs_are_shown_together)
{
    name_cached(CACHED);
    cr_assert_eq(added, CACHED);
    cr_assert_eq(renewed, 1);
    cr_assert(shows("1-linux") && shows("4000-linux"));
    name_cached(CACHED);
    cr_assert_eq(renewed, 1, "they are known");
}

Test(forest, a_name_is_one_run)
{
    struct error err = {0};
    name_cached(3);
    struct forest_run *run = forest_pin(fs.forest, "2-linux");
    cr_assert(run->named && run->shown.number);
    cr_assert_eq(forest_pin(fs.forest, "2-linux"), run);
    struct forest_run *other = forest_pin(fs.forest, "9-linux");
    cr_assert_neq(other, run);
    cr_assert_not(shows("9-linux"));
    assert_ok(forest_name(fs.forest, other, 5, false, &err), &err);
    cr_assert(shows("9-linux") && shows("2-linux"));
    forest_unname(fs.forest, other);
    cr_assert_not(shows("9-linux"));
}

Test(forest, names_that_lead_nowhere_are_forgotten)
{
    struct forest_run *missing = forest_pin(fs.forest, "7-linux");
    forest_unname(fs.forest, missing);
    forest_unpin(fs.forest, missing);
    unsigned count = fs.forest->count;
    forest_unpin(fs.forest, forest_pin(fs.forest, "8-linux"));
    cr_assert_eq(fs.forest->count, count, "8-linux has taken the place of 7-linux");
}
