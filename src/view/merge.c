#include "view/merge.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/cleanup.h"
#include "base/parallel.h"
#include "unpack/archives.h"
#include "unpack/member_copy.h"
#include "view/collect.h"

#define TABLES_AT_ONCE (2 * ARCHIVES_AT_ONCE) /* some come from the disk while others are decoded */

void composition_init(struct composition *composition)
{
    *composition = (struct composition){0};
    lock_init(&composition->lock, LOCK_LEAF);
    LIST_INIT(&composition->composites);
}

int composite_new(const char *path, struct composite **ret_composite, struct error *err)
{
    struct composite *composite = calloc(1, sizeof *composite);
    if (!composite || !(composite->path = strdup(path))) {
        free(composite);
        return error_errno(err, ENOMEM, "view");
    }
    atomic_store(&composite->references, 1);
    lock_init(&composite->lock, LOCK_LEAF);
    (void)pthread_cond_init(&composite->released, NULL);
    *ret_composite = composite;
    return 0;
}

struct composite *composite_hold(struct composite *composite)
{
    (void)atomic_fetch_add(&composite->references, 1);
    return composite;
}

void composite_put(struct composite *composite)
{
    if (!composite || atomic_fetch_sub(&composite->references, 1) > 1)
        return;
    if (composite->composition) {
        lock_take(&composite->composition->lock);
        LIST_REMOVE(composite, link);
        lock_drop(&composite->composition->lock);
    }
    parts_done(&composite->parts);
    free(composite->archives);
    stage_free(composite->stage);
    (void)pthread_cond_destroy(&composite->released);
    lock_done(&composite->lock);
    free(composite->path);
    free(composite);
}

static void hash_text(XXH3_state_t *state, const char *text)
{
    text = text ? text : "";
    (void)XXH3_128bits_update(state, text, strlen(text) + 1);
}

static void hash_part(XXH3_state_t *state, const struct part *part)
{
    char numbers[128];
    const struct object *object = part->is_archive ? archive_object(part->archive.archive) : NULL;
    const struct stage_entry *entry = &part->entry;
    hash_text(state, part->row->row->path);
    hash_text(state, object ? object->key : entry->path);
    hash_text(state, object ? object->etag : entry->etag);
    hash_text(state, object ? NULL : entry->key);
    hash_text(state, object ? NULL : entry->link);
    (void)snprintf(numbers, sizeof numbers, "%u %d %d %d %d %d %" PRIu64 " %" PRId64, part->number,
                   part->row->origin, part->row->row->type, part->row->row->overlay,
                   object ? -1 : (int)entry->type, object ? 0 : entry->executable,
                   object ? object->size : entry->size, object ? object->mtime_ns : entry->mtime_ns);
    hash_text(state, numbers);
}

static int64_t mtime_of(const struct part *part)
{
    return part->is_archive ? archive_object(part->archive.archive)->mtime_ns : part->entry.mtime_ns;
}

int composite_seal(struct composite *composite, struct error *err)
{
    XXH3_state_t state;
    struct parts *parts = &composite->parts;
    composite->archives = calloc(parts->archives + 1, sizeof(struct part *));
    if (!composite->archives)
        return error_errno(err, ENOMEM, "view");
    for (size_t i = 0; i < parts->count; i++)
        if (parts->list[i].is_archive)
            composite->archives[parts->list[i].archive.index] = &parts->list[i];
    (void)XXH3_128bits_reset(&state);
    for (size_t i = 0; i < parts->count; i++) {
        int64_t mtime_ns = mtime_of(&parts->list[i]);
        hash_part(&state, &parts->list[i]);
        if (mtime_ns > composite->mtime_ns)
            composite->mtime_ns = mtime_ns;
    }
    XXH128_hash_t hash = XXH3_128bits_digest(&state);
    (void)snprintf(composite->etag, sizeof composite->etag, "composed-%016" PRIx64 "%016" PRIx64, hash.high64,
                   hash.low64);
    return 0;
}

static int manifest_parse(const char *text, size_t len, struct runfs_flatten **ret_places, struct error *err)
{
    struct runfs_error why;
    if (runfs_flatten_new(text, len, ret_places, &why) == 0)
        return 0;
    return error_set(err, why.code == EINVAL ? EBADMSG : why.code, "%s", why.message);
}

static int manifest_parse_member(struct archive *archive, const struct toc *toc, const struct wait *wait,
                                 struct runfs_flatten **ret_places, struct error *err)
{
    const struct member_table *table = toc->members;
    _cleanup_free_ char *text = NULL;
    uint32_t member;
    if (table->member_count == 1)
        return manifest_parse("", 0, ret_places, err);
    if (member_entry(table, 0, RUNFS_FLATTEN_MANIFEST, strlen(RUNFS_FLATTEN_MANIFEST), &member) < 0 ||
        member_file(table, member)->type != MEMBER_FILE)
        return error_set(err, EBADMSG, "has no manifest, so that its members have no place");
    const struct member_file *file = member_file(table, member);
    if (file->size > RUNFS_FLATTEN_SIZE_MAX)
        return error_set(err, EBADMSG, "its manifest is larger than %d bytes", RUNFS_FLATTEN_SIZE_MAX);
    int result =
        member_copy_get(archive, toc, table->members[member].file, RUNFS_FLATTEN_MANIFEST, wait, &text, err);
    return result < 0 ? result : manifest_parse(text, file->size, ret_places, err);
}

/* The stage paths of ARCHIVE, whose table is TOC. -EBADMSG where there is no manifest but other members, or it is malformed. */
static int manifest_get(struct archive *archive, const struct toc *toc, const struct wait *wait,
                        struct runfs_flatten **ret_places, struct error *err)
{
    int result = manifest_parse_member(archive, toc, wait, ret_places, err);
    return result == -EAGAIN ? result : error_prefix(err, result, "%s", archive_object(archive)->key);
}

/* Tables and manifests being got, by several threads. */
struct getting {
    struct composite *composite;
    const struct wait *wait; /* of no time: only what is at hand */
    atomic_int result;       /* the first failure */
    struct error *err;       /* of that one; guarded by the composite's lock */
};

static int get_one(const struct getting *getting, struct part *part, const struct toc **ret_toc,
                   struct runfs_flatten **ret_places, struct error *err)
{
    struct archive *archive = part->archive.archive;
    const struct wait *wait = getting->wait->timeout_ms ? getting->wait : NULL;
    int result = wait ? archive_table(archive, wait, ret_toc, err) : archive_table_kept(archive, ret_toc);
    if (result < 0)
        return result;
    if (!(*ret_toc)->complete)
        return error_set(err, EBADMSG, "%s: %s", part->archive.key, (*ret_toc)->problem);
    return part->row->row->type == RUNFS_ROW_FLATTEN ? manifest_get(archive, *ret_toc, wait, ret_places, err)
                                                     : 0;
}

static void getting_fail(struct getting *getting, int result, const struct error *err)
{
    lock_take(&getting->composite->lock);
    if (atomic_load(&getting->result) == 0) {
        *getting->err = *err;
        atomic_store(&getting->result, result);
    }
    lock_drop(&getting->composite->lock);
}

static void get_table(void *context, size_t index)
{
    struct getting *getting = context;
    struct part *part = getting->composite->archives[index];
    const struct toc *toc;
    struct runfs_flatten *places = NULL;
    struct error err = {0};
    if (part->archive.toc || atomic_load(&getting->result) < 0)
        return;
    int result = get_one(getting, part, &toc, &places, &err);
    if (result < 0) {
        getting_fail(getting, result, &err);
        return;
    }
    part->archive.toc = toc;
    part->archive.places = places;
    atomic_fetch_add(&getting->composite->ready, 1);
}

static int get_all(struct composite *composite, const struct wait *wait, struct error *err)
{
    struct getting getting = {.composite = composite, .wait = wait, .err = err};
    parallel_each(composite->parts.archives, TABLES_AT_ONCE, get_table, &getting);
    return atomic_load(&getting.result);
}

/* Notes the conflicts of a stage, of COMPOSITE_NOTES_MAX at most. */
static void composite_note_conflicts(const struct composition *composition, const struct stage *stage)
{
    const struct stage_notes *conflicts = stage_conflicts(stage);
    char text[100];
    if (!composition->config.note)
        return;
    for (size_t i = 0; i < conflicts->count && i < COMPOSITE_NOTES_MAX; i++)
        composition->config.note(composition->view->file, conflicts->notes[i].text);
    if (conflicts->total <= COMPOSITE_NOTES_MAX)
        return;
    (void)snprintf(text, sizeof text, "%" PRIu64 " more conflicts: runfs ls --check tells them all",
                   conflicts->total - COMPOSITE_NOTES_MAX);
    composition->config.note(composition->view->file, text);
}

/* Composes, by the thread that has the claim. */
static int composite_compose(struct composition *composition, struct composite *composite, struct node *node,
                             const struct wait *wait, struct error *err)
{
    struct stage *stage;
    struct node *root;
    int result = parts_compose(composition, &composite->parts, composite->path, wait, &stage, err);
    if (result < 0)
        return result;
    result = stage_finish(stage, &root, err);
    if (result < 0) {
        stage_free(stage);
        return result;
    }
    tree_attach_members(composition->tree, node, root, NULL, NULL);
    stage_free(composite->stage);
    composite->stage = stage;
    atomic_store(&composite->conflicts, stage_conflicts(stage)->total);
    atomic_store(&composite->overlaps, stage_overlaps(stage)->total);
    if (composition->checked)
        composite_note_conflicts(composition, stage);
    return 0;
}

/* Claims the composing: one thread composes, the others wait for its result. False where that came, or the wait was given
   up: then *RET_RESULT. A claim that was given up goes to one of those that wait. */
static bool composite_claim(struct composite *composite, const struct wait *wait, int *ret_result,
                            struct error *err)
{
    lock_take(&composite->lock);
    uint64_t ended = composite->ended;
    int result = 0;
    while (composite->claimed && result == 0)
        result =
            wait->timeout_ms ? wait_on(wait, &composite->lock, &composite->released, UINT64_MAX) : -EAGAIN;
    bool mine = !composite->claimed && composite->ended == ended;
    composite->claimed = composite->claimed || mine;
    if (composite->ended != ended) {
        *err = composite->failure;
        *ret_result = -err->code;
    } else if (!mine) {
        *ret_result = error_errno(err, result == -EAGAIN ? EAGAIN : EINTR, "/%s", composite->path);
    }
    lock_drop(&composite->lock);
    return mine;
}

/* Keeps why composing failed, for those that wait and for composite_problem(); a wait that was given up or forbidden is no
   failure. */
static void composite_release(struct composite *composite, int result, const struct error *err)
{
    static const struct error none;
    lock_take(&composite->lock);
    composite->claimed = false;
    if (result != -EINTR && result != -EAGAIN) {
        composite->failure = result < 0 ? *err : none;
        composite->ended++;
    }
    (void)pthread_cond_broadcast(&composite->released);
    lock_drop(&composite->lock);
}

int composite_problem(struct composite *composite, struct strbuf *out)
{
    lock_take(&composite->lock);
    if (composite->failure.code)
        strbuf_adds(out, composite->failure.message);
    lock_drop(&composite->lock);
    return out->len ? 0 : -ENODATA;
}

/* By the thread that has the claim. */
static int composite_fill(struct composition *composition, struct composite *composite, struct node *node,
                          const struct wait *wait, struct error *err)
{
    tree_lock_read(composition->tree);
    bool needed = !tree_is_populated(node);
    tree_unlock(composition->tree);
    int result = needed ? get_all(composite, wait, err) : 0;
    return needed && result == 0 ? composite_compose(composition, composite, node, wait, err) : result;
}

int composite_populate(struct composition *composition, struct composite *composite, struct node *node,
                       const struct wait *wait, struct error *err)
{
    struct error why = {0};
    int result = 0;
    (void)atomic_fetch_add(&composite->growers, 1);
    if (composite_claim(composite, wait, &result, &why)) {
        result = composite_fill(composition, composite, node, wait, &why);
        composite_release(composite, result, &why);
    }
    (void)atomic_fetch_sub(&composite->growers, 1);
    if (result < 0 && err)
        *err = why;
    return result;
}

static void composite_release_content(void *content)
{
    composite_put(content);
}

/* Has the directories of TREE, which is private, lead to what is to be composed there. One that is in conflict is none. */
static void composites_attach(struct composition *composition, struct tree *tree, struct gathering *gathering)
{
    for (size_t i = 0; i < gathering->root_count; i++) {
        struct composite *composite = gathering->roots[i];
        struct node *node = tree_find(tree, composite->path);
        if (!node || !node_is_stage(node))
            continue;
        lock_take(&composition->lock);
        composite->composition = composition;
        LIST_INSERT_HEAD(&composition->composites, composite, link);
        lock_drop(&composition->lock);
        node->directory->content = composite_hold(composite);
        node->directory->release = composite_release_content;
    }
}

static int compose_gathered(struct composition *composition, struct gathering *gathering,
                            const struct wait *wait, struct tree **ret_tree, struct error *err)
{
    struct stage *stage;
    int result = parts_compose(composition, &gathering->parts, "", wait, &stage, err);
    if (result < 0)
        return result;
    result = stage_finish_tree(stage, ret_tree, err);
    if (result < 0) {
        stage_free(stage);
        return result;
    }
    if (composition->view->kind == VIEW_TYPED)
        composition->deps.show_archives(composition->deps.context, *ret_tree);
    tree_finish(*ret_tree);
    composites_attach(composition, *ret_tree, gathering);
    if (composition->tree) /* those of the first listing refuse the view */
        composite_note_conflicts(composition, stage);
    lock_take(&composition->lock);
    struct stage *before = composition->stage;
    composition->stage = stage;
    lock_drop(&composition->lock);
    stage_free(before);
    if (!composition->tree)
        composition->tree = *ret_tree;
    return 0;
}

int compose_tree(struct composition *composition, struct tree *stored, const struct wait *wait,
                 struct tree **ret_tree, struct error *err)
{
    __attribute__((cleanup(gathering_done))) struct gathering gathering = {.composition = composition,
                                                                           .stored = stored};
    int result = gather(&gathering, err);
    return result < 0 ? result : compose_gathered(composition, &gathering, wait, ret_tree, err);
}

void composition_done(struct composition *composition)
{
    stage_free(composition->stage);
    view_free(composition->view);
    lock_done(&composition->lock);
}
