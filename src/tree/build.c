/* Building a tree from keys: names that POSIX cannot show, directories by path, order. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/cleanup.h"
#include "tree/tree_internal.h"

static const char *const fate_texts[TREE_FATES] = {
    [TREE_SHOWN] = "shown",
    [TREE_MARKER] = "shown as a directory",
    [TREE_MARKER_CONTENT] = "shown as a directory, without its content",
    [TREE_SHADOWED] = "hidden by the directory of the same name",
    [TREE_EMPTY_NAME] = "its name has an empty component",
    [TREE_DOT_NAME] = "its name has a component '.' or '..'",
    [TREE_LONG_NAME] = "its name has a component of more than 255 bytes",
    [TREE_NUL_NAME] = "its name holds a NUL byte",
    [TREE_TOO_DEEP] = "its name has too many components",
    [TREE_DUPLICATE] = "listed twice: the newest is shown",
};

const char *tree_fate_text(enum tree_fate fate)
{
    return fate_texts[fate];
}

static void count_fate(struct tree *tree, const char *key, enum tree_fate fate)
{
    tree->totals.fates[fate]++;
    if (fate > TREE_MARKER && tree->note && tree->notes++ < TREE_NOTES_MAX)
        tree->note(key, fate_texts[fate]);
}

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
    pthread_rwlockattr_t attributes;
    (void)pthread_rwlockattr_init(&attributes);
    /* many readers must not keep a new listing out; nobody takes the read lock twice */
    (void)pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    (void)pthread_rwlock_init(&tree->lock, &attributes);
    (void)pthread_rwlockattr_destroy(&attributes);
    *ret_tree = tree;
    return 0;
}

/* Whether NODE's path is PATH (LEN bytes): compared from the end, parent by parent. */
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

static int grow_table(struct path_table *table)
{
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

/* Makes sure that one more directory fits. */
static int reserve_slot(struct path_table *table)
{
    return table->count * 2 >= table->capacity ? grow_table(table) : 0;
}

static int count_node(struct tree *tree, struct error *err)
{
    if (tree->nodes >= TREE_NODES_MAX)
        return error_set(err, E2BIG, "more than %d objects", TREE_NODES_MAX);
    tree->nodes++;
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
    int result = ensure_directory(tree, path, slash ? (size_t)(slash - path) : 0, &parent, err);
    if (result == 0)
        result = count_node(tree, err);
    if (result == 0 && reserve_slot(&tree->paths) < 0) /* the parents took slots meanwhile */
        result = error_errno(err, ENOMEM, "tree");
    if (result < 0)
        return result;
    struct node *node = node_new(NODE_DIRECTORY, name, (size_t)(path + len - name), "", "", NULL);
    if (!node || node_append(parent, node) < 0) {
        node_free(node);
        return error_errno(err, ENOMEM, "tree");
    }
    *path_slot(&tree->paths, path, len) = node; /* looked up again: making the parents may have moved it */
    tree->paths.count++;
    *ret_node = node;
    return 0;
}

static enum tree_fate check_component(const char *name, size_t len)
{
    if (len == 0)
        return TREE_EMPTY_NAME;
    if (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')))
        return TREE_DOT_NAME;
    return len > NAME_MAX ? TREE_LONG_NAME : TREE_SHOWN;
}

enum tree_fate path_fate(const char *path, size_t len)
{
    if (memchr(path, '\0', len))
        return TREE_NUL_NAME;
    size_t depth = 1;
    size_t start = 0;
    for (size_t i = 0; i <= len; i++) {
        if (i < len && path[i] != '/')
            continue;
        enum tree_fate fate = check_component(path + start, i - start);
        if (fate != TREE_SHOWN)
            return fate;
        if (depth++ > TREE_DEPTH_MAX)
            return TREE_TOO_DEEP;
        start = i + 1;
    }
    return TREE_SHOWN;
}

static int add_marker(struct tree *tree, const struct tree_entry *entry, size_t len, struct error *err)
{
    struct node *node;
    int result = ensure_directory(tree, entry->key, len, &node, err);
    if (result < 0)
        return result;
    node->mtime_ns = entry->mtime_ns;
    node->directory->explicit_time = true;
    count_fate(tree, entry->key, entry->size ? TREE_MARKER_CONTENT : TREE_MARKER);
    return 0;
}

static int add_leaf(struct tree *tree, const struct tree_entry *entry, struct error *err)
{
    const char *slash = memrchr(entry->key, '/', entry->key_len);
    const char *name = slash ? slash + 1 : entry->key;
    size_t name_len = (size_t)(entry->key + entry->key_len - name);
    struct node *parent;
    int result = ensure_directory(tree, entry->key, slash ? (size_t)(slash - entry->key) : 0, &parent, err);
    if (result == 0)
        result = count_node(tree, err);
    if (result < 0)
        return result;
    struct node *node = node_new(entry->link ? NODE_LINK : NODE_FILE, name, name_len, entry->etag,
                                 entry->link ? entry->link : "", NULL);
    if (!node || node_append(parent, node) < 0) {
        node_free(node);
        return error_errno(err, ENOMEM, "tree");
    }
    node->size = entry->size;
    node->mtime_ns = entry->mtime_ns;
    node->output = runfs_classify(entry->key, entry->key_len).output;
    count_fate(tree, entry->key, TREE_SHOWN);
    return 0;
}

int tree_add(struct tree *tree, const struct tree_entry *entry, struct error *err)
{
    if (entry->key_len == 0)
        return add_marker(tree, entry, 0, err);
    bool marker = entry->key[entry->key_len - 1] == '/';
    size_t len = entry->key_len - marker;
    enum tree_fate fate = path_fate(entry->key, len);
    if (fate != TREE_SHOWN) {
        count_fate(tree, entry->key, fate);
        return 0;
    }
    return marker ? add_marker(tree, entry, len, err) : add_leaf(tree, entry, err);
}

int node_compare(const void *a, const void *b)
{
    const struct node *left = *(struct node *const *)a;
    const struct node *right = *(struct node *const *)b;
    int order = strcmp(node_name(left), node_name(right));
    if (order)
        return order;
    order = (left->type == NODE_DIRECTORY) - (right->type == NODE_DIRECTORY);
    return order ? order : (left->mtime_ns > right->mtime_ns) - (left->mtime_ns < right->mtime_ns);
}

/* Listings come in order, so that most directories are sorted as they are built. */
void directory_sort_by_name(struct directory *d)
{
    size_t i = 1;
    while (i < d->count && node_compare(&d->children[i - 1], &d->children[i]) <= 0)
        i++;
    if (i < d->count)
        qsort(d->children, d->count, sizeof(struct node *), node_compare);
}

static void hide(struct tree *tree, struct node *node, enum tree_fate fate)
{
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(64U * 1024);
    (void)tree_path(node, &path);
    tree->totals.fates[TREE_SHOWN]--;
    count_fate(tree, strbuf_text(&path), fate);
    node_free(node);
}

/* Drops all but the last of equal names from a sorted directory. */
static void settle_names(struct tree *tree, struct directory *d)
{
    size_t kept = 0;
    for (size_t i = 0; i < d->count; i++) {
        struct node *node = d->children[i];
        bool last = i + 1 == d->count || strcmp(node_name(node), node_name(d->children[i + 1])) != 0;
        if (last)
            d->children[kept++] = node;
        else
            hide(tree, node, d->children[i + 1]->type == NODE_DIRECTORY ? TREE_SHADOWED : TREE_DUPLICATE);
    }
    d->count = kept;
}

static int compare_ino(const void *a, const void *b, void *children)
{
    const struct node *left = ((struct node **)children)[*(const uint32_t *)a];
    const struct node *right = ((struct node **)children)[*(const uint32_t *)b];
    return (left->ino > right->ino) - (left->ino < right->ino);
}

void directory_sort_by_ino(struct directory *d)
{
    d->by_ino = reallocarray(NULL, d->count, sizeof *d->by_ino);
    for (size_t i = 0; d->by_ino && i < d->count; i++)
        d->by_ino[i] = (uint32_t)i;
    if (d->by_ino)
        qsort_r(d->by_ino, d->count, sizeof *d->by_ino, compare_ino, d->children);
}

/* Sorts a directory and those below it; its time is its newest entry's where it has none of its own. */
static void finish_directory(struct tree *tree, struct node *node)
{
    struct directory *d = node->directory;
    directory_sort_by_name(d);
    settle_names(tree, d);
    if (tree->archives)
        archives_add(tree, node);
    directory_sort_by_ino(d);
    tree->totals.directories++;
    for (size_t i = 0; i < d->count; i++) {
        struct node *child = d->children[i];
        if (child->type == NODE_DIRECTORY) {
            d->subdirectories++;
            finish_directory(tree, child);
        } else {
            tree->totals.files++;
            tree->totals.bytes += child->size;
        }
        if (!d->explicit_time && child->mtime_ns > node->mtime_ns)
            node->mtime_ns = child->mtime_ns;
    }
}

void tree_finish(struct tree *tree)
{
    free(tree->paths.slots);
    tree->paths = (struct path_table){0};
    finish_directory(tree, tree->root);
}
