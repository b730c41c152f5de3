/* Everything that is to be said of a view; see check.h. */
#include "view/check.h"

#include "view/merge.h"

/* The directory of the tree that is composed of COMPOSITE; NULL where there is none. */
static struct node *directory_of(struct composition *composition, const struct composite *composite)
{
    struct node *node = tree_find(composition->tree, composite->path);
    return node && node_is_stage(node) && node->directory->content == composite ? node : NULL;
}

/* Tells what is kept of NOTES; gives how many there are in all. */
static uint64_t tell_all(const struct stage_notes *notes, void (*tell)(void *context, const char *line),
                         void *context)
{
    for (size_t i = 0; i < notes->count; i++)
        tell(context, notes->notes[i].text);
    return notes->total;
}

static void grow_all(struct composition *composition, const struct wait *wait,
                     const struct view_report *report)
{
    struct composite *composite;
    LIST_FOREACH(composite, &composition->composites, link)
    {
        struct error err = {0};
        struct node *node = directory_of(composition, composite);
        if (node && composite_grow(composition, composite, node, wait, &err) < 0)
            report->failed(report->context, &err);
    }
}

void view_check(struct composition *composition, const struct wait *wait, struct view_report *report)
{
    struct composite *composite;
    report->conflicts = report->overlaps = 0;
    grow_all(composition, wait, report);
    if (composition->stage)
        report->conflicts += tell_all(stage_conflicts(composition->stage), report->conflict, report->context);
    LIST_FOREACH(composite, &composition->composites, link)
    {
        if (composite->stage)
            report->conflicts +=
                tell_all(stage_conflicts(composite->stage), report->conflict, report->context);
    }
    LIST_FOREACH(composite, &composition->composites, link)
    {
        if (composite->stage)
            report->overlaps += tell_all(stage_overlaps(composite->stage), report->overlap, report->context);
    }
}
