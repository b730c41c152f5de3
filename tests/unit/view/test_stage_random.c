/* Random rows, composed by the stage and by a model that is as simple as the rules allow: each row by itself, then one
   upon the other, by whole paths. What shows is the same, in whatever order entries come that may come in any. */
#include "stage_test.h"

#define ITEMS_MAX 256
#define ENTRIES   12 /* of a source */
#define SOURCES   3  /* of a row */
#define ROWS      4

/* What is at a path: a directory has no content. */
struct item {
    char path[8];
    enum node_type type;
    uint32_t content;
    bool conflict;
};

struct world {
    struct item items[ITEMS_MAX];
    size_t count;
};

struct row {
    bool flatten;
    bool overlay;
    struct world sources[SOURCES]; /* each a tree by itself */
    size_t count;
};

static uint32_t random_below(uint64_t *state, uint32_t limit)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33) % limit;
}

static struct item *item_at(struct world *world, const char *path)
{
    for (size_t i = 0; i < world->count; i++)
        if (strcmp(world->items[i].path, path) == 0)
            return &world->items[i];
    return NULL;
}

static bool is_at_or_below(const char *path, const char *top)
{
    size_t len = strlen(top);
    return strncmp(path, top, len) == 0 && (!path[len] || path[len] == '/');
}

static void drop(struct world *world, const char *top)
{
    size_t kept = 0;
    for (size_t i = 0; i < world->count; i++)
        if (!is_at_or_below(world->items[i].path, top))
            world->items[kept++] = world->items[i];
    world->count = kept;
}

/* One item upon a world, which has its parents. */
static void unite(struct world *world, const struct item *item)
{
    struct item *at = item_at(world, item->path);
    if (!at) {
        cr_assert_lt(world->count, ITEMS_MAX);
        world->items[world->count++] = *item;
        return;
    }
    bool same = at->type == item->type && (at->type == NODE_DIRECTORY || at->content == item->content);
    at->conflict = at->conflict || item->conflict || !same;
    if (at->type == NODE_DIRECTORY || item->type == NODE_DIRECTORY)
        at->type = NODE_DIRECTORY;
}

static void unite_parents(struct world *world, const char *path)
{
    struct item parent = {.type = NODE_DIRECTORY};
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        memcpy(parent.path, path, (size_t)(slash - path));
        unite(world, &parent);
    }
}

static void overlay(struct world *world, const struct item *item)
{
    struct item *at = item_at(world, item->path);
    if (at && at->type == NODE_DIRECTORY && item->type == NODE_DIRECTORY) {
        at->conflict = item->conflict;
        return;
    }
    drop(world, item->path);
    unite(world, item);
}

static int compare_items(const void *a, const void *b)
{
    return strcmp(((const struct item *)a)->path, ((const struct item *)b)->path);
}

static void sort(struct world *world)
{
    qsort(world->items, world->count, sizeof *world->items, compare_items);
}

/* A row by itself: its sources one upon the other. */
static void compose_row(const struct row *row, struct world *layer)
{
    for (size_t s = 0; s < row->count; s++)
        for (size_t i = 0; i < row->sources[s].count; i++) {
            const struct item *item = &row->sources[s].items[i];
            unite_parents(layer, item->path);
            struct item *at = item_at(layer, item->path);
            bool replaces = row->flatten && at && at->type != NODE_DIRECTORY && item->type != NODE_DIRECTORY;
            if (replaces)
                *at = *item;
            else
                unite(layer, item);
        }
    sort(layer);
}

static const char *model(const struct row *rows, size_t count)
{
    static struct strbuf out = STRBUF_INIT(1 << 16);
    static const char *const marks[] = {[NODE_FILE] = "", [NODE_DIRECTORY] = "/", [NODE_LINK] = "@"};
    struct world world = {.count = 0};
    const char *hidden = NULL;
    for (size_t r = 0; r < count; r++) {
        struct world layer = {.count = 0};
        compose_row(&rows[r], &layer);
        for (size_t i = 0; i < layer.count; i++)
            (rows[r].overlay ? overlay : unite)(&world, &layer.items[i]);
    }
    sort(&world);
    strbuf_clear(&out);
    for (size_t i = 0; i < world.count; i++) {
        const struct item *item = &world.items[i];
        if (hidden && is_at_or_below(item->path, hidden))
            continue;
        hidden = item->conflict ? item->path : NULL;
        strbuf_addf(&out, "%s%s", item->path, item->conflict ? "!" : marks[item->type]);
        if (!item->conflict && item->type == NODE_FILE)
            strbuf_addf(&out, "=%u", item->content);
        strbuf_adds(&out, " ");
    }
    return strbuf_text(&out);
}

static void add_item(struct stage *stage, uint32_t number, const struct row *row, const struct item *item)
{
    static const char *const targets[] = {"x", "y", "z"};
    struct described described = {"s", "md5:c"};
    struct error err = {0};
    struct stage_entry entry = {
        .path = item->path,
        .path_len = strlen(item->path),
        .type = item->type,
        .row = number,
        .member = true,
        .archive = item->content,
        .size = item->content,
        .links = 1,
        .link = item->type == NODE_LINK ? targets[item->content] : NULL,
        .flatten = row->flatten,
        .overlay = row->overlay,
        .ref = (uint64_t)(uintptr_t)&described,
    };
    assert_ok(stage_add(stage, &entry, &err), &err);
}

static const char *staged(const struct row *rows, size_t count)
{
    struct stage *stage = new_stage("");
    for (uint32_t r = 0; r < count; r++)
        for (size_t s = 0; s < rows[r].count; s++)
            for (size_t i = 0; i < rows[r].sources[s].count; i++)
                add_item(stage, r, &rows[r], &rows[r].sources[s].items[i]);
    struct node *root = finished(stage);
    const char *text = shown(root);
    tree_free_members(root);
    stage_free(stage);
    return text;
}

/* A tree by itself: what would meet something of its own is left out. */
static void make_source(uint64_t *state, struct world *source)
{
    for (int i = 0; i < ENTRIES; i++) {
        struct item item = {.content = random_below(state, 3)};
        struct world before = *source;
        size_t len = 0;
        for (uint32_t depth = random_below(state, 3) + 1; depth; depth--) {
            item.path[len++] = (char)('a' + random_below(state, 3));
            item.path[len++] = '/';
        }
        item.path[len - 1] = '\0';
        uint32_t type = random_below(state, 8);
        item.type = type < 2 ? NODE_DIRECTORY : type < 4 ? NODE_LINK : NODE_FILE;
        unite_parents(source, item.path);
        bool meets = item_at(source, item.path) && item.type != NODE_DIRECTORY;
        unite(source, &item);
        for (size_t j = 0; j < source->count; j++)
            meets = meets || source->items[j].conflict;
        if (meets)
            *source = before;
    }
    /* without most of the directories that its entries imply */
    size_t kept = 0;
    for (size_t i = 0; i < source->count; i++)
        if (source->items[i].type != NODE_DIRECTORY || random_below(state, 3) == 0)
            source->items[kept++] = source->items[i];
    source->count = kept;
}

static bool meets_itself(const struct row *row)
{
    struct world layer = {.count = 0};
    bool conflict = false;
    compose_row(row, &layer);
    for (size_t i = 0; i < layer.count; i++)
        conflict = conflict || layer.items[i].conflict;
    return conflict;
}

/* An overlay row in conflict with itself is the last one: what it leaves below the conflict, for a later overlay to uncover,
   depends on the order of its sources. */
static size_t make_rows(uint64_t *state, bool overlays, struct row *rows)
{
    size_t count = random_below(state, ROWS) + 1;
    for (size_t r = 0; r < count; r++) {
        rows[r] =
            (struct row){.flatten = random_below(state, 2), .overlay = overlays && random_below(state, 2)};
        rows[r].count = random_below(state, SOURCES) + 1;
        for (size_t s = 0; s < rows[r].count; s++)
            make_source(state, &rows[r].sources[s]);
        if (rows[r].overlay && meets_itself(&rows[r]))
            return r + 1;
    }
    return count;
}

static void shuffle(uint64_t *state, void *array, size_t count, size_t size)
{
    char spare[sizeof(struct row)];
    char *bytes = array;
    for (size_t i = count; i > 1; i--) {
        char *a = bytes + (i - 1) * size;
        char *b = bytes + random_below(state, (uint32_t)i) * size;
        memcpy(spare, a, size);
        memmove(a, b, size);
        memcpy(b, spare, size);
    }
}

Test(stage_random, what_shows_is_what_the_rules_say)
{
    static struct row rows[ROWS];
    uint64_t state = 1;
    for (int round = 0; round < 3000; round++) {
        size_t count = make_rows(&state, true, rows);
        const char *wanted = model(rows, count);
        const char *got = staged(rows, count);
        cr_assert_str_eq(got, wanted, "round %d: %s instead of %s", round, got, wanted);
    }
}

/* A source's entries come in any order, and so do sources of what is not flattened, and rows that are no overlays. */
Test(stage_random, the_order_of_what_has_none_does_not_matter)
{
    static struct row rows[ROWS];
    uint64_t state = 2;
    for (int round = 0; round < 3000; round++) {
        size_t count = make_rows(&state, round % 2, rows);
        const char *wanted = model(rows, count);
        if (round % 2 == 0)
            shuffle(&state, rows, count, sizeof *rows);
        for (size_t r = 0; r < count; r++) {
            if (!rows[r].flatten)
                shuffle(&state, rows[r].sources, rows[r].count, sizeof *rows[r].sources);
            for (size_t s = 0; s < rows[r].count; s++)
                shuffle(&state, rows[r].sources[s].items, rows[r].sources[s].count, sizeof(struct item));
        }
        const char *got = staged(rows, count);
        cr_assert_str_eq(got, wanted, "round %d: %s instead of %s", round, got, wanted);
    }
}
