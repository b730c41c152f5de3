/* From a key to its output and its place in the typed view; the directories that keys are known to lie in. */
#include <pthread.h>
#include <runfs/output.h>
#include <runfs/view.h>

#include "layout/pattern.h"
#include "layout/table.h"
#include "layout/text.h"

/* The patterns of all outputs, taken apart once: a run has many keys. */
static struct {
    const struct runfs_output *output;
    struct pattern pattern;
    struct runfs_span subtree;
} candidates[OUTPUTS_MAX * FORMS_MAX];
static size_t candidate_count;
static pthread_once_t candidates_once = PTHREAD_ONCE_INIT;

static void load_candidates(void)
{
    const struct runfs_output *output;
    for (size_t i = 0; (output = runfs_output_at(i)) != NULL; i++) {
        for (size_t f = 0; f < FORMS_MAX && output->forms[f].pattern; f++) {
            const char *pattern = output->forms[f].pattern;
            candidates[candidate_count].output = output;
            candidates[candidate_count].pattern = pattern_of(pattern);
            candidates[candidate_count++].subtree = pattern_subtree(pattern);
        }
    }
}

struct runfs_class runfs_classify(const char *key, size_t len)
{
    struct runfs_span span = {key, len};
    struct runfs_class best = {.output = runfs_output_other(), .file = span};
    size_t best_score = 0;
    if (len == 0)
        return (struct runfs_class){.output = runfs_output_at(0)}; /* the root */
    if (!is_path(span))
        return best;
    (void)pthread_once(&candidates_once, load_candidates);
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

struct runfs_span runfs_subtree_at(size_t index)
{
    (void)pthread_once(&candidates_once, load_candidates);
    for (size_t i = 0; i < candidate_count; i++) {
        struct runfs_span subtree = candidates[i].subtree;
        bool seen = !subtree.text; /* or earlier in the table */
        for (size_t j = 0; j < i && !seen; j++)
            seen = span_equal(candidates[j].subtree, subtree);
        if (!seen && index-- == 0)
            return subtree;
    }
    return (struct runfs_span){0};
}

struct runfs_typed_path runfs_view_typed(const char *key, size_t len)
{
    static const char artifacts[] = "artifacts/";
    struct runfs_class class = runfs_classify(key, len);
    const char *name = runfs_output_name(class.output);
    struct runfs_typed_path path = {{artifacts, 0}, {key, len}};
    bool in_artifacts = strcmp(name, "artifact") == 0 || strcmp(name, "artifact-index") == 0;
    if (in_artifacts && !span_starts(path.rest, span_of(artifacts)))
        path.directory.len = sizeof artifacts - 1;
    return path;
}
