/* Builds a tree from keys: finds directories by path, settles names that two keys claim, sorts, sums up. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/cleanup.h"
#include "tree/tree_internal.h"

int tree_new(tree_note_fn note, struct tree **ret_tree, struct error *err)
{
    struct tree *tree = calloc(1, sizeof *tree);
    struct node *root = node_new(NODE_DIRECTORY, "", 0, "", "", NULL);
    if (!tree || !root) {
        free(tree);
        node_free(root);
        return error_errno(err, ENOMEM, "tree");
    }
    tree->root = root;
    tree->note = note;
    rwlock_init(&tree->lock, LOCK_TREE);
    *ret_tree = tree;
    return 0;
}

static void count_verdict(struct tree *tree, const char *key, enum tree_verdict verdict)
{
    tree->totals.verdicts[verdict]++;
    if (verdict > TREE_MARKER && tree->note && tree->notes++ < TREE_NOTES_MAX)
        tree->note(key, tree_verdict_text(verdict));
}

/* Compares NODE's path with PATH (LEN bytes) from the end, parent by parent. */
static bool has_path(const struct node *node, const char *path, size_t len)
{
    for (; node->parent; node = node->parent) {
        if (len < node->name_len || memcmp(path + len - node->name_len, node_name(node), node->name_len) != 0)
            return false;
        len -= node->name_len;
        if (node->parent->parent) {
            if (!len || path[len - 1] != '/')
                return false;
            len--;
        }
    }
    return len == 0;
}

/* The slot of the directory PATH, or the free one where it belongs. The table is never full. */
static struct node **path_slot(const struct path_table *table, const char *path, size_t len)
{
    size_t mask = table->capacity - 1;
    size_t i = (size_t)XXH3_64bits(path, len) & mask;
    while (table->slots[i] && !has_path(table->slots[i], path, len))
        i = (i + 1) & mask;
    return &table->slots[i];
}

/* Makes sure that one more directory fits. */
static int reserve_slot(struct path_table *table)
{
    if (table->count * 2 < table->capacity)
        return 0;
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(SIZE_MAX / 2);
    size_t capacity = table->capacity ? 2 * table->capacity : 64;
    struct path_table larger = {calloc(capacity, sizeof(struct node *)), capacity, table->count};
    if (!larger.slots)
        return -ENOMEM;
    for (size_t i = 0; i < table->capacity; i++) {
        if (!table->slots[i])
            continue;
        strbuf_clear(&path);
        (void)tree_path(table->slots[i], &path);
        if (path.failed) {
            free(larger.slots);
            return -path.failed;
        }
        *path_slot(&larger, strbuf_text(&path), path.len) = table->slots[i];
    }
    free(table->slots);
    *table = larger;
    return 0;
}

static int add_child(struct tree *tree, struct node *parent, enum node_type type, const char *name,
                     size_t name_len, const char *etag, const char *link, struct node **ret_node,
                     struct error *err)
{
    if (tree->nodes >= TREE_NODES_MAX)
        return error_set(err, E2BIG, "more than %d objects", TREE_NODES_MAX);
    struct node *node = node_new(type, name, name_len, etag, link, NULL);
    if (!node || node_append(parent, node) < 0) {
        node_free(node);
        return error_errno(err, ENOMEM, "tree");
    }
    tree->nodes++;
    *ret_node = node;
    return 0;
}

/* The directory PATH (LEN bytes, checked), made with its parents where it is missing. */
static int ensure_directory(struct tree *tree, const char *path, size_t len, struct node **ret_node,
                            struct error *err)
{
    if (len == 0) {
        *ret_node = tree->root;
        return 0;
    }
    if (reserve_slot(&tree->paths) < 0)
        return error_errno(err, ENOMEM, "tree");
    struct node *found = *path_slot(&tree->paths, path, len);
    if (found) {
        *ret_node = found;
        return 0;
    }
    const char *slash = memrchr(path, '/', len);
    const char *name = slash ? slash + 1 : path;
    struct node *parent;
    struct node *node;
    int result = ensure_directory(tree, path, slash ? (size_t)(slash - path) : 0, &parent, err);
    if (result == 0 && reserve_slot(&tree->paths) < 0) /* the parents took slots */
        result = error_errno(err, ENOMEM, "tree");
    if (result == 0)
        result =
            add_child(tree, parent, NODE_DIRECTORY, name, (size_t)(path + len - name), "", "", &node, err);
    if (result < 0)
        return result;
    *path_slot(&tree->paths, path, len) = node; /* looked up again: making the parents may have moved it */
    tree->paths.count++;
    *ret_node = node;
    return 0;
}

static int add_marker(struct tree *tree, const struct tree_entry *entry, size_t len, struct error *err)
{
    struct node *node;
    int result = ensure_directory(tree, entry->key, len, &node, err);
    if (result < 0)
        return result;
    node->mtime_ns = entry->mtime_ns;
    node->directory->explicit_time = true;
    count_verdict(tree, entry->key, entry->size ? TREE_MARKER_CONTENT : TREE_MARKER);
    return 0;
}

int tree_add(struct tree *tree, const struct tree_entry *entry, struct error *err)
{
    if (entry->key_len == 0)
        return add_marker(tree, entry, 0, err);
    bool marker = entry->key[entry->key_len - 1] == '/';
    size_t len = entry->key_len - marker;
    enum tree_verdict verdict = path_verdict(entry->key, len);
    if (verdict != TREE_SHOWN) {
        count_verdict(tree, entry->key, verdict);
        return 0;
    }
    if (marker)
        return add_marker(tree, entry, len, err);
    const char *slash = memrchr(entry->key, '/', len);
    const char *name = slash ? slash + 1 : entry->key;
    struct node *parent;
    struct node *node;
    int result = ensure_directory(tree, entry->key, slash ? (size_t)(slash - entry->key) : 0, &parent, err);
    if (result == 0)
        result = add_child(tree, parent, entry->link ? NODE_LINK : NODE_FILE, name,
                           (size_t)(entry->key + len - name), entry->etag, entry->link ? entry->link : "",
                           &node, err);
    if (result < 0)
        return result;
    node->size = entry->size;
    node->mtime_ns = entry->mtime_ns;
    node->output = runfs_classify(entry->key, len).output;
    count_verdict(tree, entry->key, TREE_SHOWN);
    return 0;
}

/* Drops all but the last of equal names from a sorted directory. */
static void drop_equal_names(struct tree *tree, struct directory *d)
{
    size_t kept = 0;
    for (size_t i = 0; i < d->count; i++) {
        struct node *node = d->children[i];
        const struct node *next = i + 1 < d->count ? d->children[i + 1] : NULL;
        if (!next || strcmp(node_name(node), node_name(next)) != 0) {
            d->children[kept++] = node;
            continue;
        }
        _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(TREE_PATH_LIMIT);
        (void)tree_path(node, &path);
        tree->totals.verdicts[TREE_SHOWN]--;
        count_verdict(tree, strbuf_text(&path),
                      next->type == NODE_DIRECTORY ? TREE_SHADOWED : TREE_DUPLICATE);
        node_free(node);
    }
    d->count = kept;
}

void directory_finish(struct tree *tree, struct node *node)
{
    struct directory *d = node->directory;
    struct tree_totals none = {0};
    struct tree_totals *totals = tree ? &tree->totals : &none;
    directory_sort_by_name(d);
    if (tree) {
        drop_equal_names(tree, d);
        if (tree->archives)
            archives_add(tree, node);
        directory_sort_by_ino(d);
    }
    totals->directories++;
    for (size_t i = 0; i < d->count; i++) {
        struct node *child = d->children[i];
        if (child->type == NODE_DIRECTORY) {
            d->subdirectories++;
            directory_finish(tree, child);
        } else {
            totals->files++;
            totals->bytes += child->size;
        }
        if (!d->explicit_time && child->mtime_ns > node->mtime_ns)
            node->mtime_ns = child->mtime_ns;
    }
}

void tree_finish(struct tree *tree)
{
    free(tree->paths.slots);
    tree->paths = (struct path_table){0};
    directory_finish(tree, tree->root);
}
