#include "view/entry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "unpack/archives.h"
#include "view/content.h"
#include "view/merge.h"

static void part_done(struct part *part)
{
    if (part->is_archive) {
        runfs_flatten_free(part->archive.places);
        archive_put(part->archive.archive);
        free(part->archive.key);
        return;
    }
    free((void *)(uintptr_t)part->entry.path);
    free((void *)(uintptr_t)part->entry.key);
    free((void *)(uintptr_t)part->entry.etag);
    free((void *)(uintptr_t)part->entry.link);
}

void parts_done(struct parts *parts)
{
    for (size_t i = 0; i < parts->count; i++)
        part_done(&parts->list[i]);
    free(parts->list);
    *parts = (struct parts){0};
}

/* Takes PART over, also on failure. */
static int add_part(struct parts *parts, struct part part, bool complete)
{
    if (!complete || array_room(parts->list, parts->count, parts->capacity) < 0) {
        part_done(&part);
        return -ENOMEM;
    }
    parts->list[parts->count++] = part;
    return 0;
}

int parts_add_entry(struct parts *parts, const struct view_row *row, uint32_t number,
                    const struct stage_entry *entry, const struct composite *grows)
{
    const char *const texts[] = {entry->path, entry->key, entry->etag, entry->link};
    char *copies[4] = {0};
    bool complete = true;
    for (unsigned i = 0; i < 4; i++)
        complete = text_copy(texts[i], &copies[i]) && complete;
    struct part part = {.row = row, .number = number, .entry = *entry, .grows = grows};
    part.entry.path = copies[0];
    part.entry.path_len = strlen(entry->path);
    part.entry.key = copies[1];
    part.entry.etag = copies[2];
    part.entry.link = copies[3];
    part.entry.grows = grows;
    part.entry.overlay = row && row->row->overlay;
    part.entry.inside = row;
    part.entry.origin = entry->key ? row ? row->origin : ORIGIN_RUN : ORIGIN_NONE;
    part.entry.row = number;
    part.entry.ref = (uint64_t)parts->count << 32;
    return add_part(parts, part, complete);
}

int parts_add_archive(struct parts *parts, const struct view_row *row, uint32_t number,
                      struct archive *archive, const char *key)
{
    struct part part = {.row = row, .number = number, .is_archive = true, .archive = {.archive = archive}};
    bool complete = text_copy(key, &part.archive.key);
    part.archive.index = parts->archives;
    int result = add_part(parts, part, complete);
    parts->archives += result == 0;
    return result;
}

/* What describe() is told of. */
struct composing {
    const struct composition *composition;
    const struct parts *parts;
    const struct wait *wait;
    struct error why; /* what has ended it, code 0: nothing has */
};

/* A run by the name that it is bound to. */
static void add_bind(const struct part *part, struct strbuf *source)
{
    if (part->row && part->row->row->bind)
        strbuf_addf(source, "%s:", part->row->row->bind);
}

static void describe_member(const struct part *part, uint32_t member, struct strbuf *source,
                            struct strbuf *content)
{
    add_bind(part, source);
    strbuf_addf(source, "%s ", part->archive.key);
    member_path(part->archive.toc->members, member, source);
    size_t len = content->len;
    strbuf_adds(content, "sha256:");
    if (archive_file_sha256(part->archive.archive, part->archive.toc->members->members[member].file,
                            content) < 0)
        content->len = len;
}

/* The content of a file that cannot be read is not known. What may go well another time ends the composing. */
static void describe_content(struct composing *composing, uint16_t origin, const struct object *object,
                             struct strbuf *content)
{
    const struct composition *composition = composing->composition;
    struct error err = {0};
    int result = content_id(composition, origin, object, composing->wait, content, &err);
    if (result == -EINTR || result == -ETIMEDOUT || result == -ENOMEM)
        composing->why = err;
    else if (result < 0 && composition->config.note)
        composition->config.note(composition->view->file, err.message);
}

static void describe_entry(struct composing *composing, const struct part *part, struct strbuf *source,
                           struct strbuf *content)
{
    const struct stage_entry *entry = &part->entry;
    struct object object = {.key = entry->key,
                            .key_len = entry->key ? strlen(entry->key) : 0,
                            .etag = entry->etag ? entry->etag : "",
                            .size = entry->size,
                            .mtime_ns = entry->mtime_ns};
    if (part->grows) {
        strbuf_addf(source, "archives at /%s", entry->path);
        return;
    }
    const char *local = part->row ? part->row->local : NULL;
    add_bind(part, source);
    if (local)
        strbuf_addf(source, "local %s", local);
    if (entry->key && !(local && part->row->name))
        strbuf_addf(source, "%s%s", local ? "/" : "", entry->key);
    if (entry->type == NODE_FILE && !composing->why.code)
        describe_content(composing, part->row ? part->row->origin : ORIGIN_RUN, &object, content);
}

/* stage_describe_fn: a part's number and, of an archive, its member's, in the halves of REF. */
static void describe(void *context, uint32_t row, uint64_t ref, struct strbuf *source, struct strbuf *content)
{
    struct composing *composing = context;
    const struct part *part = &composing->parts->list[ref >> 32];
    (void)row;
    if (part->is_archive)
        describe_member(part, (uint32_t)ref, source, content);
    else
        describe_entry(composing, part, source, content);
}

static int compose_entry(struct stage *stage, const struct part *part, struct error *err)
{
    struct stage_entry entry = part->entry;
    if (part->grows) {
        entry.mtime_ns = part->grows->mtime_ns;
        entry.etag = part->grows->etag;
    }
    return stage_add(stage, &entry, err);
}

int parts_compose(const struct composition *composition, struct parts *parts, const char *root,
                  const struct wait *wait, struct stage **ret_stage, struct error *err)
{
    const struct wait reading = {.timeout_ms = composition->config.timeout_ms,
                                 .cancelled = wait->cancelled,
                                 .shutdown = wait->shutdown};
    struct composing composing = {composition, parts, &reading, {0}};
    struct stage *stage;
    int result = stage_new(root, describe, &composing, &stage, err);
    if (result < 0)
        return result;
    for (size_t i = 0; result == 0 && !composing.why.code && i < parts->count; i++)
        result = parts->list[i].is_archive ? parts_add_members(stage, &parts->list[i], i, err)
                                           : compose_entry(stage, &parts->list[i], err);
    if (result == 0 && composing.why.code)
        result = error_set(err, composing.why.code, "%s", composing.why.message);
    if (result < 0)
        stage_free(stage);
    else
        *ret_stage = stage;
    return result;
}
