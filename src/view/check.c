/* The conflicts and overlaps of a view, when it is opened and when all of it is to be checked. */
#include "view/check.h"

#include <errno.h>

#include "view/merge.h"

/* Tells what is kept of the NOTES of all that has been composed; gives how many there are in all. */
static uint64_t tell_all(const struct composition *composition,
                         const struct stage_notes *(*notes)(const struct stage *stage),
                         void (*tell)(void *context, const char *line), void *context)
{
    uint64_t total = 0;
    const struct stage *stage = composition->stage;
    const struct composite *composite = LIST_FIRST(&composition->composites);
    for (;;) {
        const struct stage_notes *found = stage ? notes(stage) : NULL;
        for (size_t i = 0; found && i < found->count; i++)
            tell(context, found->notes[i].text);
        total += found ? found->total : 0;
        if (!composite)
            return total;
        stage = composite->stage;
        composite = LIST_NEXT(composite, link);
    }
}

/* Conflicts that refuse a view: the last one is the reason. */
struct refusal {
    void (*tell)(const char *line);
    const char *last; /* reported by the next one, or at the end */
};

static void refusal_add(void *context, const char *line)
{
    struct refusal *refusal = context;
    if (refusal->last && refusal->tell)
        refusal->tell(refusal->last);
    refusal->last = line;
}

int compose_check(struct composition *composition, struct error *err)
{
    static const struct wait at_hand = {0};
    struct refusal refusal = {.tell = composition->config.conflict};
    struct composite *composite;
    LIST_FOREACH(composite, &composition->composites, link)
    {
        struct node *node = tree_find(composition->tree, composite->path);
        int result = node ? composite_populate(composition, composite, node, &at_hand, err) : 0;
        if (result == -ENOMEM)
            return result; /* other failures are reported by the lookup that needs it */
    }
    composition->checked = true;
    (void)tell_all(composition, stage_conflicts, refusal_add, &refusal);
    return refusal.last ? error_set(err, EEXIST, "%s", refusal.last) : 0;
}

void view_check(struct composition *composition, const struct wait *wait, struct view_report *report)
{
    struct composite *composite;
    LIST_FOREACH(composite, &composition->composites, link)
    {
        struct error err = {0};
        struct node *node = tree_find(composition->tree, composite->path);
        if (node && node_is_stage(node) && node->directory->content == composite &&
            composite_populate(composition, composite, node, wait, &err) < 0)
            report->failed(report->context, &err);
    }
    report->conflicts = tell_all(composition, stage_conflicts, report->conflict, report->context);
    report->overlaps = tell_all(composition, stage_overlaps, report->overlap, report->context);
}
