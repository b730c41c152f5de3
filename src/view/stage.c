/* The rules by which entries of a stage meet: what a place holds after each entry, and which meetings are conflicts. */
#include "view/stage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "view/stage_internal.h"

static bool is_directory(const struct place *place)
{
    return place->node->type == NODE_DIRECTORY;
}

/* An overlay entry of a later row. */
static bool wins(const struct stage_entry *entry, const struct place *place)
{
    return entry->overlay && place->row < entry->row;
}

/* A directory without an entry of its own. */
static struct node *implicit_directory(const char *name, size_t len)
{
    struct node *node = node_new(NODE_DIRECTORY, name, len, "", "", NULL);
    if (node)
        node->origin = ORIGIN_NONE;
    return node;
}

/* Whether a link's target, read from the link's directory, is outside of the tree. Links on the way are names like others. */
static bool link_leaves(const struct stage_entry *entry)
{
    const char *target = entry->link ? entry->link : "";
    size_t depth = 0;
    if (*target == '/')
        return true;
    for (size_t i = 0; i < entry->path_len; i++)
        depth += entry->path[i] == '/';
    for (; *target; target += strspn(target, "/")) {
        size_t len = strcspn(target, "/");
        bool up = len == 2 && target[0] == '.' && target[1] == '.';
        if (up && depth == 0)
            return true;
        if (up)
            depth--;
        else if (!(len == 1 && *target == '.'))
            depth++;
        target += len;
    }
    return false;
}

/* Whether two nodes are of one and the same file, whose content id need not be known. */
static bool same_stored(const struct node *a, const struct node *b)
{
    if (a->origin != b->origin || a->member != b->member)
        return false;
    if (a->member)
        return a->archive == b->archive && a->in_archive.file == b->in_archive.file;
    return a->origin != ORIGIN_NONE && strcmp(node_key(a), node_key(b)) == 0 && a->keyed == b->keyed &&
           strcmp(node_etag(a), node_etag(b)) == 0 && a->mtime_ns == b->mtime_ns;
}

static bool can_run(const struct node *node)
{
    return node->type == NODE_FILE && node_mode(node) & 0111;
}

/* 1 where ENTRY, which is NODE, has the content, size and type of what is at PLACE, else 0; -ENOMEM. */
static int is_equal(struct stage *stage, const struct place *place, const struct stage_entry *entry,
                    const struct node *node)
{
    const struct node *first = place->node;
    if (first->type != node->type || can_run(first) != can_run(node))
        return 0;
    if (node->type == NODE_LINK)
        return strcmp(node_link(first), node_link(node)) == 0;
    if (first->size != node->size)
        return 0;
    if (same_stored(first, node))
        return 1;
    _cleanup_strbuf_ struct strbuf source = STRBUF_INIT(SIZE_MAX / 2);
    _cleanup_strbuf_ struct strbuf left = STRBUF_INIT(SIZE_MAX / 2);
    _cleanup_strbuf_ struct strbuf right = STRBUF_INIT(SIZE_MAX / 2);
    stage->describe(stage->context, place->ref_row, place->ref, &source, &left);
    stage->describe(stage->context, entry->row, entry->ref, &source, &right);
    if (left.failed || right.failed)
        return -ENOMEM;
    return left.len && strcmp(strbuf_text(&left), strbuf_text(&right)) == 0;
}

/* Makes PLACE, which stays in conflict, the directory NODE, so that further conflicts can be found below it. */
static int become_directory(struct stage *stage, uint32_t place, struct node *node,
                            const struct stage_entry *entry)
{
    uint32_t notes = stage->places[place].notes;
    stage->places[place].notes = 0; /* replacing drops them */
    int result = place_replace(stage, place, node, entry);
    stage->places[place].notes = notes;
    return result;
}

/* Two directories are one. Takes NODE. */
static void merge_directories(struct place *place, const struct stage_entry *entry, struct node *node)
{
    bool grows = place->node->directory->archive;
    int64_t mtime_ns =
        !place->own || place->node->mtime_ns < node->mtime_ns ? node->mtime_ns : place->node->mtime_ns;
    if (!place->own) {
        node->ino = place->node->ino; /* the root has that of its path, from which those below follow */
        node_free(place->node);
        place->node = node;
        place->ref = entry->ref;
        place->ref_row = entry->row;
        place->own = true;
    } else {
        if (!same_stored(place->node, node))
            place->node->origin = ORIGIN_NONE;
        node_free(node);
    }
    place->row = entry->row;
    place->node->mtime_ns = mtime_ns;
    place->node->directory->archive = grows || entry->grows;
}

/* Makes NODE, which it takes, what its flatten row has at PLACE, which is an earlier row's; replacing what the row had there
   before is an overlap. */
static int set_candidate(struct stage *stage, uint32_t place, const struct stage_entry *entry,
                         struct node *node)
{
    uint32_t index = stage->places[place].candidate;
    struct candidate *candidate = index ? &stage->candidates[index - 1] : NULL;
    int result = 0;
    if (candidate && candidate->row == entry->row) {
        struct side first = {candidate->node, candidate->ref, candidate->row};
        result = stage_note_meeting(stage, MEETING_OVERLAP, place, &first, entry, node);
        stage_retract_note(stage, place, candidate->note);
    }
    if (!candidate) {
        result = array_room(stage->candidates, stage->candidate_count, stage->candidate_capacity);
        if (result == 0) {
            candidate = &stage->candidates[stage->candidate_count++];
            stage->places[place].candidate = stage->candidate_count;
            candidate->node = NULL;
        }
    }
    if (result < 0) {
        node_free(node);
        return result;
    }
    node_free(candidate->node);
    *candidate = (struct candidate){node, entry->ref, entry->row, 0};
    return 0;
}

/* A file or link meets one of another row, or of a row that is none of archives. Takes NODE. */
static int compare_rows(struct stage *stage, uint32_t place, const struct stage_entry *entry,
                        struct node *node)
{
    int equal = is_equal(stage, &stage->places[place], entry, node);
    if (equal < 0 || !entry->flatten) {
        int result = equal ? 0 : stage_note_meeting(stage, MEETING_CONFLICT, place, NULL, entry, node);
        node_free(node);
        return equal < 0 ? equal : result;
    }
    int result = set_candidate(stage, place, entry, node);
    if (result < 0 || equal)
        return result;
    size_t kept = stage->conflicts.count;
    result = stage_note_meeting(stage, MEETING_CONFLICT, place, NULL, entry, node);
    if (result == 0 && stage->conflicts.count > kept)
        stage->candidates[stage->places[place].candidate - 1].note = (uint32_t)stage->conflicts.count;
    return result;
}

/* ENTRY, which is NODE, is at a PLACE that holds something. Takes NODE. */
static int meet(struct stage *stage, uint32_t place, const struct stage_entry *entry, struct node *node,
                bool wrong)
{
    struct place *at = &stage->places[place];
    bool both = is_directory(at) && node->type == NODE_DIRECTORY;
    bool winner = wins(entry, at);
    bool same_row = entry->flatten && at->row == entry->row;
    if (winner && !both && place != 0)
        return place_replace(stage, place, node, entry);
    if (both) {
        if (winner)
            stage_retract(stage, place);
        merge_directories(at, entry, node);
        return 0;
    }
    bool mixed = is_directory(at) || node->type == NODE_DIRECTORY;
    if (wrong || (!mixed && same_row && at->notes)) { /* what is wrong with the one before stays wrong */
        node_free(node);
        return 0;
    }
    if (!mixed && !same_row)
        return compare_rows(stage, place, entry, node);
    int result =
        stage_note_meeting(stage, mixed ? MEETING_CONFLICT : MEETING_OVERLAP, place, NULL, entry, node);
    if (result < 0 || (mixed && node->type != NODE_DIRECTORY)) {
        node_free(node);
        return result;
    }
    return mixed ? become_directory(stage, place, node, entry) : place_replace(stage, place, node, entry);
}

static int put_entry(struct stage *stage, uint32_t parent, const char *name, size_t len,
                     const struct stage_entry *entry)
{
    const char *wrong = entry->problem;
    if (!wrong && entry->inside && entry->type == NODE_LINK && link_leaves(entry))
        wrong = "its target leaves the tree";
    struct node *node = stage_node(entry, name, len);
    if (!node)
        return -ENOMEM;
    uint32_t place = entry->path_len == stage->root_len ? 0 : place_find(stage, parent, name, len);
    int result = 0;
    if (place != PLACE_NONE)
        result = meet(stage, place, entry, node, wrong);
    else if ((result = place_add(stage, parent, node, entry, &place)) == 0)
        stage->places[place].own = true;
    return result == 0 && wrong ? stage_note_wrong(stage, place, entry, wrong) : result;
}

/* ENTRY lies beneath PLACE, a file or link. */
static int put_beneath(struct stage *stage, uint32_t place, const struct stage_entry *entry)
{
    const struct place *at = &stage->places[place];
    struct node *node = implicit_directory(node_name(at->node), at->node->name_len);
    if (!node)
        return -ENOMEM;
    if (wins(entry, at))
        return place_replace(stage, place, node, entry);
    struct node *below = stage_node(entry, "", 0);
    int result = below ? stage_note_meeting(stage, MEETING_BENEATH, place, NULL, entry, below) : -ENOMEM;
    node_free(below);
    if (result < 0) {
        node_free(node);
        return result;
    }
    return become_directory(stage, place, node, entry);
}

/* The directory that ENTRY lies in, that of the first END bytes of its path, made where it is missing. -EINVAL where entries
   cannot be added there. Most entries lie where the one before them does. */
static int ensure_directory(struct stage *stage, const struct stage_entry *entry, size_t end,
                            uint32_t *ret_place)
{
    uint32_t place = stage->last_place;
    if (place != PLACE_NONE && stage->places[place].row == entry->row && stage->last_path.len == end &&
        memcmp(strbuf_text(&stage->last_path), entry->path, end) == 0) {
        *ret_place = place;
        return 0;
    }
    place = 0;
    stage->places[0].row = entry->row;
    stage->last_place = PLACE_NONE;
    for (size_t start = stage->root_len; start < end;) {
        start += entry->path[start] == '/';
        const char *name = entry->path + start;
        const char *slash = memchr(name, '/', end - start);
        size_t len = slash ? (size_t)(slash - name) : end - start;
        uint32_t parent = place;
        int result = 0;
        place = place_find(stage, parent, name, len);
        if (place == PLACE_NONE) {
            struct node *node = implicit_directory(name, len);
            result = node ? place_add(stage, parent, node, entry, &place) : -ENOMEM;
        } else {
            if (!is_directory(&stage->places[place]))
                result = put_beneath(stage, place, entry);
            else if (wins(entry, &stage->places[place]))
                stage_retract(stage, place);
            stage->places[place].row = entry->row;
        }
        if (result < 0)
            return result;
        if (stage->places[place].node->directory->archive)
            return -EINVAL;
        start += len;
    }
    strbuf_clear(&stage->last_path);
    strbuf_add(&stage->last_path, entry->path, end);
    stage->last_place = stage->last_path.failed ? PLACE_NONE : place;
    *ret_place = place;
    return 0;
}

/* Whether PATH is the root's, or below it. */
static bool is_below_root(const struct stage *stage, const char *path, size_t len)
{
    return stage->root_len == 0 ||
           (len >= stage->root_len && memcmp(path, stage->root, stage->root_len) == 0 &&
            (len == stage->root_len || path[stage->root_len] == '/'));
}

static int add_entry(struct stage *stage, const struct stage_entry *entry)
{
    if (entry->path_len == stage->root_len)
        return put_entry(stage, 0, "", 0, entry);
    enum tree_verdict verdict = path_verdict(entry->path, entry->path_len);
    if (verdict != TREE_SHOWN)
        return stage_note_wrong(stage, PLACE_NONE, entry, tree_verdict_text(verdict));
    const char *slash = memrchr(entry->path, '/', entry->path_len);
    size_t end = slash ? (size_t)(slash - entry->path) : 0;
    size_t name = slash ? end + 1 : 0;
    uint32_t parent;
    int result = ensure_directory(stage, entry, end, &parent);
    return result < 0 ? result : put_entry(stage, parent, entry->path + name, entry->path_len - name, entry);
}

int stage_add(struct stage *stage, const struct stage_entry *entry, struct error *err)
{
    if (entry->row < stage->row)
        return error_set(err, EINVAL, "row %u of a view after row %u", entry->row, stage->row);
    if (!is_below_root(stage, entry->path, entry->path_len))
        return error_set(err, EINVAL, "%.*s: not in %s", (int)entry->path_len, entry->path, stage->root);
    stage->row = entry->row;
    int result = add_entry(stage, entry);
    switch (-result) {
    case 0:
        return 0;
    case EINVAL:
        return error_set(err, EINVAL, "%.*s: beneath what is composed later", (int)entry->path_len,
                         entry->path);
    case E2BIG:
        return error_set(err, E2BIG, "more than %d entries", TREE_NODES_MAX);
    default:
        return error_errno(err, -result, "view");
    }
}

/* The place at PATH; PLACE_NONE where there is none. */
static uint32_t find_path(const struct stage *stage, const char *path, size_t len)
{
    uint32_t place = 0;
    size_t start = stage->root_len;
    if (!is_below_root(stage, path, len))
        return PLACE_NONE;
    while (place != PLACE_NONE && start < len) {
        start += path[start] == '/';
        const char *slash = memchr(path + start, '/', len - start);
        size_t end = slash ? (size_t)(slash - path) : len;
        place = is_directory(&stage->places[place]) ? place_find(stage, place, path + start, end - start)
                                                    : PLACE_NONE;
        start = end;
    }
    return place;
}

int stage_add_name(struct stage *stage, const struct stage_entry *entry, const char *target, size_t len,
                   struct error *err)
{
    struct stage_entry name = *entry;
    uint32_t found = find_path(stage, target, len);
    const struct place *place = found == PLACE_NONE ? NULL : &stage->places[found];
    struct node *node = place ? place->node : NULL;
    if (!node || node->type != NODE_FILE || !node->member || place->row != entry->row || place->notes)
        return error_errno(err, ENOENT, "%.*s", (int)len, target);
    if (node->in_archive.links < 2)
        node->in_archive.links = 2; /* so that it is counted */
    name.type = NODE_FILE;
    name.member = true;
    name.mode = node->in_archive.mode;
    name.links = node->in_archive.links;
    name.origin = node->origin;
    name.archive = node->archive;
    name.file = node->in_archive.file;
    name.size = node->size;
    name.mtime_ns = node->mtime_ns;
    name.link = NULL;
    name.ref = place->ref;
    return stage_add(stage, &name, err);
}

int stage_new(const char *root, stage_describe_fn describe, void *context, struct stage **ret_stage,
              struct error *err)
{
    size_t len = strlen(root);
    enum tree_verdict verdict = len ? path_verdict(root, len) : TREE_SHOWN;
    if (verdict != TREE_SHOWN)
        return error_set(err, EINVAL, "%s: %s", root, tree_verdict_text(verdict));
    struct stage *stage = calloc(1, sizeof *stage);
    if (!stage)
        return error_errno(err, ENOMEM, "view");
    stage->describe = describe;
    stage->context = context;
    stage->root = strdup(root);
    stage->root_len = len;
    stage->last_path.max = SIZE_MAX / 2;
    stage->last_place = PLACE_NONE;
    stage->capacity = 16;
    stage->places = calloc(stage->capacity, sizeof *stage->places);
    struct node *node = implicit_directory("", 0);
    if (!node || !stage->root || !stage->places) {
        node_free(node);
        stage_free(stage);
        return error_errno(err, ENOMEM, "view");
    }
    for (const char *path = root; *path; path += strspn(path, "/")) {
        size_t name_len = strcspn(path, "/");
        node->ino = node_ino(node->ino, path, name_len);
        path += name_len;
    }
    stage->places[stage->count++] = (struct place){.node = node, .ref_row = ROW_NONE};
    *ret_stage = stage;
    return 0;
}

void stage_free(struct stage *stage)
{
    if (!stage)
        return;
    for (uint32_t i = 0; i < stage->count; i++)
        node_free(stage->places[i].node);
    for (uint32_t i = 0; i < stage->candidate_count; i++)
        node_free(stage->candidates[i].node);
    stage_notes_free(&stage->conflicts);
    stage_notes_free(&stage->overlaps);
    strbuf_done(&stage->last_path);
    free(stage->places);
    free(stage->slots);
    free(stage->candidates);
    free(stage->root);
    free(stage);
}
