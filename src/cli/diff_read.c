/* Comparing by reading what no content id decides. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/common/files.h"
#include "cli/common/progress.h"
#include "cli/diff.h"

#define PIECE (1024U * 1024)

struct reading {
    struct diff *diff;
    struct files undecided; /* the old ones, each with its change */
    struct progress progress;
};

static void close_readers(struct reader *(*readers)[SIDES])
{
    for (int side = 0; side < SIDES; side++)
        reader_close((*readers)[side]);
}

/* Reads the piece at OFFSET of one side; both have the same size. */
static int read_piece(struct diff *diff, struct reader *reader, const struct change *change, int side,
                      char *piece, uint64_t offset, size_t *ret_n, struct error *err)
{
    int result = reader_pread(reader, piece, PIECE, offset, &diff->sides[side].wait, ret_n, err);
    if (result < 0)
        files_name_error(diff->sides[side].run, change->nodes[side], err);
    return result;
}

/* Compares from the beginning to the first piece that differs. */
static int compare_content(struct reading *reading, const struct change *change,
                           struct reader *readers[SIDES], bool *ret_same, struct error *err)
{
    _cleanup_free_ char *pieces = malloc((size_t)2 * PIECE);
    uint64_t size = readers[OLD]->size;
    bool same = readers[NEW]->size == size;
    uint64_t offset = 0;
    size_t n[SIDES];
    if (!pieces)
        return error_errno(err, ENOMEM, "diff");
    while (same && offset < size) {
        for (int side = 0; side < SIDES; side++) {
            int result = read_piece(reading->diff, readers[side], change, side, pieces + (size_t)side * PIECE,
                                    offset, &n[side], err);
            if (result < 0)
                return result;
        }
        same = n[OLD] == n[NEW] && memcmp(pieces, pieces + PIECE, n[OLD]) == 0;
        offset += n[OLD];
        progress_add(&reading->progress, n[OLD]);
    }
    progress_add(&reading->progress, size - offset);
    *ret_same = same;
    return 0;
}

static int decide_change(struct reading *reading, struct change *change, struct error *err)
{
    __attribute__((cleanup(close_readers))) struct reader *readers[SIDES] = {NULL, NULL};
    struct diff *diff = reading->diff;
    bool same = false;
    for (int side = 0; side < SIDES; side++) {
        int result = run_open_node(diff->sides[side].run, change->nodes[side], &readers[side], err);
        if (result < 0) {
            files_name_error(diff->sides[side].run, change->nodes[side], err);
            return result;
        }
    }
    int result = compare_content(reading, change, readers, &same, err);
    if (result == 0)
        change->kind = same ? CHANGE_NONE : CHANGE_CONTENT;
    return result;
}

static void decide_one(void *context, const struct file *file)
{
    struct reading *reading = context;
    struct error err = {0};
    if (decide_change(reading, file->item, &err) == 0)
        return;
    atomic_store(&reading->diff->failed, true);
    progress_failed(&reading->progress, &err);
}

int diff_read(struct diff *diff, struct error *err)
{
    struct reading reading = {.diff = diff};
    struct files *undecided = &reading.undecided;
    int result = 0;
    for (size_t i = 0; result == 0 && i < diff->count; i++)
        if (diff->changes[i].kind == CHANGE_UNKNOWN)
            result = files_add(undecided, diff->changes[i].nodes[OLD], &diff->changes[i]);
    if (result == 0) {
        progress_begin(&reading.progress, undecided->bytes, diff->quiet);
        files_each(undecided, diff->sides[NEW].options.run.connections, decide_one, &reading);
        progress_end(&reading.progress);
    }
    files_done(undecided);
    return result < 0 ? error_errno(err, -result, "diff") : 0;
}
