/* What a stage says: conflicts and overlaps in words, kept while they hold. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "view/stage_internal.h"

#define NO_LIMIT (SIZE_MAX / 2)

/* Appends bytes as part of one line. */
static void add_safe(struct strbuf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == 0x7f)
            strbuf_addf(out, "\\x%02x", c);
        else
            strbuf_add(out, &text[i], 1);
    }
}

static bool is_within_character(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* Appends text as part of one line; of a long one both ends. */
static void add_text(struct strbuf *out, const char *text, size_t len)
{
    if (len <= STAGE_TEXT_MAX) {
        add_safe(out, text, len);
        return;
    }
    size_t head = STAGE_TEXT_MAX / 2;
    size_t tail = len - STAGE_TEXT_MAX / 2;
    while (head && is_within_character(text[head]))
        head--;
    while (tail < len && is_within_character(text[tail]))
        tail++;
    add_safe(out, text, head);
    strbuf_adds(out, "...");
    add_safe(out, text + tail, len - tail);
}

/* Appends "SOURCE [CONTENT:SIZE:TYPE]". */
static void add_side(const struct stage *stage, const struct side *side, struct strbuf *out)
{
    _cleanup_strbuf_ struct strbuf source = STRBUF_INIT(NO_LIMIT);
    _cleanup_strbuf_ struct strbuf content = STRBUF_INIT(NO_LIMIT);
    const struct node *node = side->node;
    char type = node_mode(node) & 0111 ? 'x' : 'f';
    if (side->row == ROW_NONE)
        strbuf_adds(&source, "the view");
    else
        stage->describe(stage->context, side->row, side->ref, &source, &content);
    if (node->type != NODE_FILE) {
        type = node->type == NODE_LINK ? 'l' : 't';
        strbuf_clear(&content);
    }
    if (node->type == NODE_LINK)
        strbuf_addf(&content, "->%s", node_link(node));
    add_text(out, strbuf_text(&source), source.len);
    strbuf_adds(out, " [");
    add_text(out, content.len ? strbuf_text(&content) : "-", content.len ? content.len : 1);
    strbuf_addf(out, ":%" PRIu64 ":%c]", node->type == NODE_DIRECTORY ? 0 : node->size, type);
    if (source.failed || content.failed)
        out->failed = ENOMEM;
}

/* The mark of a place all conflicts of which are beyond what is kept. */
#define BEYOND UINT32_MAX

/* Whether no more notes are kept in LIST; counts the one of PLACE then. */
static bool is_beyond(struct stage *stage, struct stage_notes *list, uint32_t place)
{
    if (list->count < STAGE_NOTES_MAX)
        return false;
    list->total++;
    if (list == &stage->conflicts && place != PLACE_NONE && !stage->places[place].notes)
        stage->places[place].notes = BEYOND;
    return true;
}

/* Keeps a note of PLACE, which links its conflicts; both strings are taken. */
static int keep_note(struct stage *stage, struct stage_notes *list, uint32_t place, struct strbuf *path,
                     struct strbuf *text)
{
    uint32_t *last = list == &stage->conflicts && place != PLACE_NONE ? &stage->places[place].notes : NULL;
    struct stage_note note = {.place = place, .before = last ? *last : 0};
    if (path->failed || text->failed || array_room(list->notes, list->count, list->capacity) < 0 ||
        strbuf_take(path, &note.path) < 0 || strbuf_take(text, &note.text) < 0) {
        free(note.path);
        return -ENOMEM;
    }
    list->notes[list->count++] = note;
    if (last)
        *last = (uint32_t)list->count;
    return 0;
}

int stage_note_meeting(struct stage *stage, enum meeting meeting, uint32_t place, const struct side *first,
                       const struct stage_entry *entry, const struct node *node)
{
    static const char *const words[][2] = {
        [MEETING_CONFLICT] = {"conflict", " and "},
        [MEETING_BENEATH] = {"conflict", " and, beneath it, "},
        [MEETING_OVERLAP] = {"overlap", " replaced by "},
    };
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(NO_LIMIT);
    _cleanup_strbuf_ struct strbuf text = STRBUF_INIT(NO_LIMIT);
    struct stage_notes *list = meeting == MEETING_OVERLAP ? &stage->overlaps : &stage->conflicts;
    const struct place *at = &stage->places[place];
    struct side there = {at->node, at->ref, at->ref_row};
    struct side comes = {node, entry->ref, entry->row};
    if (is_beyond(stage, list, place))
        return 0;
    strbuf_adds(&path, "");
    place_path(stage, place, &path);
    add_text(&text, strbuf_text(&path), path.len);
    strbuf_addf(&text, ": %s: ", words[meeting][0]);
    add_side(stage, first ? first : &there, &text);
    strbuf_adds(&text, words[meeting][1]);
    add_side(stage, &comes, &text);
    return keep_note(stage, list, place, &path, &text);
}

int stage_note_wrong(struct stage *stage, uint32_t place, const struct stage_entry *entry, const char *why)
{
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(NO_LIMIT);
    _cleanup_strbuf_ struct strbuf text = STRBUF_INIT(NO_LIMIT);
    if (is_beyond(stage, &stage->conflicts, place))
        return 0;
    struct node *node = stage_node(entry, "", 0);
    if (!node)
        return -ENOMEM;
    struct side side = {node, entry->ref, entry->row};
    strbuf_add(&path, entry->path, entry->path_len);
    add_text(&text, entry->path, entry->path_len);
    strbuf_adds(&text, ": ");
    add_side(stage, &side, &text);
    strbuf_adds(&text, ": ");
    add_text(&text, why, strlen(why));
    node_free(node);
    return keep_note(stage, &stage->conflicts, place, &path, &text);
}

static void drop_note(struct stage_note *note)
{
    free(note->path);
    free(note->text);
    note->path = note->text = NULL;
}

void stage_retract(struct stage *stage, uint32_t place)
{
    uint32_t index = stage->places[place].notes;
    stage->places[place].notes = 0;
    if (index == BEYOND) {
        stage->conflicts.total--;
        return;
    }
    while (index) {
        struct stage_note *note = &stage->conflicts.notes[index - 1];
        index = note->before;
        drop_note(note);
    }
}

void stage_retract_note(struct stage *stage, uint32_t place, uint32_t note)
{
    uint32_t index = stage->places[place].notes;
    bool left = false;
    if (!note || !index || index == BEYOND)
        return;
    drop_note(&stage->conflicts.notes[note - 1]);
    for (; index && !left; index = stage->conflicts.notes[index - 1].before)
        left = stage->conflicts.notes[index - 1].text;
    if (!left)
        stage->places[place].notes = 0;
}

const char *stage_reason(const struct stage *stage, uint32_t place)
{
    const char *reason = "in conflict, as too many paths are to keep all reasons";
    uint32_t index = stage->places[place].notes;
    for (; index && index != BEYOND; index = stage->conflicts.notes[index - 1].before)
        if (stage->conflicts.notes[index - 1].text)
            reason = stage->conflicts.notes[index - 1].text;
    return reason;
}

/* By path, of one path in the order of entries. */
static int compare_notes(const void *a, const void *b)
{
    const struct stage_note *left = a;
    const struct stage_note *right = b;
    int order = strcmp(left->path, right->path);
    return order ? order : (left->before > right->before) - (left->before < right->before);
}

void stage_notes_finish(struct stage_notes *list, const bool *lives)
{
    size_t count = list->count;
    list->count = 0;
    for (size_t i = 0; i < count; i++) {
        struct stage_note *note = &list->notes[i];
        if (note->text && note->place != PLACE_NONE && !lives[note->place])
            drop_note(note);
        note->before = (uint32_t)i;
        if (note->text)
            list->notes[list->count++] = *note;
    }
    if (list->count)
        qsort(list->notes, list->count, sizeof *list->notes, compare_notes);
    list->total += list->count;
}

void stage_notes_free(struct stage_notes *list)
{
    for (size_t i = 0; i < list->count; i++)
        drop_note(&list->notes[i]);
    free(list->notes);
}

const struct stage_notes *stage_conflicts(const struct stage *stage)
{
    return &stage->conflicts;
}

const struct stage_notes *stage_overlaps(const struct stage *stage)
{
    return &stage->overlaps;
}
