/* From a key to its output, and the directories that keys are known to lie in; see runfs/output.h. */
#include <pthread.h>
#include <runfs/output.h>

#include "layout/pattern.h"
#include "layout/table.h"
#include "layout/text.h"

/* The patterns of all outputs, taken apart once: a run has many keys. */
static struct {
    const struct runfs_output *output;
    struct pattern pattern;
} candidates[OUTPUTS_MAX * FORMS_MAX];
static size_t candidate_count;

static void load_candidates(void)
{
    const struct runfs_output *output;
    for (size_t i = 0; (output = runfs_output_at(i)) != NULL; i++) {
        for (size_t f = 0; f < FORMS_MAX && output->forms[f].pattern; f++) {
            candidates[candidate_count].output = output;
            candidates[candidate_count++].pattern = pattern_of(output->forms[f].pattern);
        }
    }
}

struct runfs_class runfs_classify(const char *key, size_t len)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct runfs_span span = {key, len};
    struct runfs_class best = {.output = runfs_output_other(), .file = span};
    size_t best_score = 0;
    if (len == 0)
        return (struct runfs_class){.output = runfs_output_at(0)}; /* the root */
    if (!is_path(span))
        return best;
    (void)pthread_once(&once, load_candidates);
    for (size_t i = 0; i < candidate_count; i++) {
        const struct runfs_output *output = candidates[i].output;
        struct runfs_class values;
        size_t score;
        if (!pattern_match(&candidates[i].pattern, output->directory, span, &values, &score) ||
            score <= best_score)
            continue;
        best = values;
        best.output = output;
        best_score = score;
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
