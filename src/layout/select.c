/* Which archives to flatten, and in which order. */
#include <errno.h>
#include <runfs/flatten.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "layout/fail.h"

struct candidate {
    const char *file;
    size_t index;
    struct runfs_artifact_name name;
};

static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *x = a;
    const struct candidate *y = b;
    int order = strcmp(x->file, y->file);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* Whether one of the COUNT sorted candidates is preferred to the one at I. Twins differ in their ending only, and what
   sorts between them begins as they do. */
static bool has_twin(const struct candidate *candidates, size_t count, size_t i)
{
    const char *file = candidates[i].file;
    size_t len = strlen(file) - strlen(".xz");
    for (size_t j = i + 1; j < count && strncmp(candidates[j].file, file, len) == 0; j++)
        if (runfs_artifact_preferred(&candidates[j].name, &candidates[i].name))
            return true;
    return false;
}

int runfs_flatten_select(const char *const *files, size_t count, const struct runfs_filter *filter,
                         size_t **ret_chosen, size_t *ret_count, struct runfs_error *err)
{
    _cleanup_free_ struct candidate *candidates = calloc(count ? count : 1, sizeof *candidates);
    _cleanup_free_ size_t *chosen = calloc(count ? count : 1, sizeof *chosen);
    size_t found = 0;
    size_t taken = 0;
    if (!candidates || !chosen)
        return layout_fail(err, ENOMEM, "choosing artifacts: out of memory");
    for (size_t i = 0; i < count; i++) {
        struct candidate *candidate = &candidates[found];
        *candidate = (struct candidate){.file = files[i], .index = i};
        if (runfs_artifact_parse(files[i], strlen(files[i]), &candidate->name) &&
            (!filter || runfs_filter_match(filter, files[i])))
            found++;
    }
    qsort(candidates, found, sizeof *candidates, compare_candidates);
    for (size_t i = 0; i < found; i++)
        if (!has_twin(candidates, found, i))
            chosen[taken++] = candidates[i].index;
    *ret_chosen = TAKE_PTR(chosen);
    *ret_count = taken;
    return 0;
}
