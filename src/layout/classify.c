/* From a key to its output, and the directories that keys are known to lie in; see runfs/output.h. */
#include <runfs/output.h>

#include "layout/pattern.h"
#include "layout/table.h"
#include "layout/text.h"

struct runfs_class runfs_classify(const char *key, size_t len)
{
    struct runfs_span span = {key, len};
    struct runfs_class best = {.output = runfs_output_other(), .file = span};
    size_t best_score = 0;
    const struct runfs_output *output;
    if (len == 0)
        return (struct runfs_class){.output = runfs_output_at(0)}; /* the root */
    if (!is_path(span))
        return best;
    for (size_t i = 0; (output = runfs_output_at(i)) != NULL; i++) {
        for (size_t f = 0; f < FORMS_MAX && output->forms[f].pattern; f++) {
            struct runfs_class values;
            size_t score;
            if (!pattern_match(output->forms[f].pattern, output->directory, span, &values, &score) ||
                score <= best_score)
                continue;
            best = values;
            best.output = output;
            best_score = score;
        }
    }
    return best;
}

/* Whether an earlier form of the table is in SUBTREE, too. */
static bool seen_before(struct runfs_span subtree, const struct runfs_output *output, size_t form)
{
    const struct runfs_output *earlier;
    for (size_t i = 0; (earlier = runfs_output_at(i)) != NULL; i++) {
        for (size_t f = 0; f < FORMS_MAX && earlier->forms[f].pattern; f++) {
            if (earlier == output && f == form)
                return false;
            if (span_equal(pattern_subtree(earlier->forms[f].pattern), subtree))
                return true;
        }
    }
    return false;
}

struct runfs_span runfs_subtree_at(size_t index)
{
    const struct runfs_output *output;
    for (size_t i = 0; (output = runfs_output_at(i)) != NULL; i++) {
        for (size_t f = 0; f < FORMS_MAX && output->forms[f].pattern; f++) {
            struct runfs_span subtree = pattern_subtree(output->forms[f].pattern);
            if (subtree.text && !seen_before(subtree, output, f) && index-- == 0)
                return subtree;
        }
    }
    return (struct runfs_span){0};
}
