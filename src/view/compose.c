/* Making the logical tree of a run with a view; see compose.h. */
#include "view/compose.h"

#include <errno.h>
#include <string.h>

#include "run/run_internal.h"
#include "view/collect.h"

static void release(void *content)
{
    composite_put(content);
}

/* Has the directories of TREE, which is private, lead to what is to be composed there. One that is in conflict is none. */
static void attach(struct run *run, struct tree *tree, struct gathering *gathering)
{
    for (size_t i = 0; i < gathering->root_count; i++) {
        struct composite *composite = gathering->roots[i];
        struct node *node = tree_find(tree, composite->path);
        if (!node || !node_is_stage(node))
            continue;
        composite_register(composite, run);
        node->directory->content = composite_hold(composite);
        node->directory->release = release;
    }
}

static void set_stage(struct run *run, struct stage *stage)
{
    (void)pthread_mutex_lock(&run->lock);
    stage_free(run->stage);
    run->stage = stage;
    (void)pthread_mutex_unlock(&run->lock);
}

static int compose(struct run *run, struct gathering *gathering, struct tree **ret_tree, struct error *err)
{
    struct stage *stage;
    int result = parts_compose(run, &gathering->parts, "", &stage, err);
    if (result < 0)
        return result;
    result = stage_finish_tree(stage, ret_tree, err);
    if (result < 0) {
        stage_free(stage);
        return result;
    }
    if (run->view->kind == VIEW_TYPED)
        run_show_archives(run, *ret_tree);
    tree_finish(*ret_tree);
    attach(run, *ret_tree, gathering);
    if (run->tree) /* those of the first listing refuse the view */
        composite_note_conflicts(run, stage);
    set_stage(run, stage);
    return 0;
}

int compose_tree(struct run *run, struct tree *stored, struct tree **ret_tree, struct error *err)
{
    __attribute__((cleanup(gathering_done))) struct gathering gathering = {.run = run, .stored = stored};
    int result = gather(&gathering, err);
    return result < 0 ? result : compose(run, &gathering, ret_tree, err);
}

/* The conflicts of all that has been composed. */
struct report {
    void (*tell)(const char *line);
    const char *last; /* told by the next one, or at the end */
};

static void add_conflicts(struct report *report, const struct stage *stage)
{
    const struct stage_notes *conflicts = stage ? stage_conflicts(stage) : NULL;
    for (size_t i = 0; conflicts && i < conflicts->count; i++) {
        if (report->last && report->tell)
            report->tell(report->last);
        report->last = conflicts->notes[i].text;
    }
}

int compose_check(struct run *run, struct error *err)
{
    struct report report = {.tell = run->config.conflict};
    struct composite *composite;
    LIST_FOREACH(composite, &run->composites, link)
    {
        struct node *node = tree_find(run->tree, composite->path);
        int result = node ? composite_grow_kept(run, composite, node, err) : 0;
        if (result == -ENOMEM)
            return result; /* anything else will be told to whoever looks into it */
    }
    add_conflicts(&report, run->stage);
    LIST_FOREACH(composite, &run->composites, link)
    add_conflicts(&report, composite->stage);
    return report.last ? error_set(err, EEXIST, "%s", report.last) : 0;
}

void compose_done(struct run *run)
{
    stage_free(run->stage);
    run->stage = NULL;
}
