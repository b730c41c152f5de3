/* What the tests of the tree share: adding keys in one line, and what was noted of them. */
#ifndef RUNFS_TESTS_TREE_TREE_TEST_H
#define RUNFS_TESTS_TREE_TREE_TEST_H

#include "testing.h"
#include "tree/tree.h"

#define SECOND ((int64_t)1000000000)

/* The notes of the last trees, "KEY: WHY\n" each. */
static char noted[65536];

static inline void note_key(const char *key, const char *why)
{
    size_t used = strlen(noted);
    (void)snprintf(noted + used, sizeof noted - used, "%s: %s\n", key, why);
}

static inline struct tree *new_tree(void)
{
    struct tree *tree;
    struct error err;
    assert_ok(tree_new(note_key, &tree, &err), &err);
    return tree;
}

static inline void add_entry(struct tree *tree, const struct tree_entry *entry)
{
    struct error err;
    assert_ok(tree_add(tree, entry, &err), &err);
}

/* Adds a file of SIZE bytes and time MTIME (seconds), with an ETag. */
static inline void add_file(struct tree *tree, const char *key, uint64_t size, int64_t mtime,
                            const char *etag)
{
    struct tree_entry entry = {key, strlen(key), etag, NULL, size, mtime * SECOND};
    add_entry(tree, &entry);
}

static inline void add_key(struct tree *tree, const char *key)
{
    add_file(tree, key, 1, 1, "e");
}

/* A finished tree of KEYS (NULL-terminated), each a file of one byte. */
static inline struct tree *tree_of(const char *const *keys)
{
    struct tree *tree = new_tree();
    for (; *keys; keys++)
        add_key(tree, *keys);
    tree_finish(tree);
    return tree;
}

#define TREE_OF(...) tree_of((const char *const[]){__VA_ARGS__, NULL})

/* The names of a directory's entries, "a b/ c@ ": directories with a slash, links with an at sign. */
static inline const char *names_of(const struct node *directory)
{
    static char names[4096];
    static const char *const marks[] = {[NODE_FILE] = "", [NODE_DIRECTORY] = "/", [NODE_LINK] = "@"};
    size_t used = 0;
    names[0] = '\0';
    for (size_t i = 0; i < directory->directory->count && used < sizeof names; i++) {
        const struct node *node = directory->directory->children[i];
        used +=
            (size_t)snprintf(names + used, sizeof names - used, "%s%s ", node_name(node), marks[node->type]);
    }
    return names;
}

static inline uint64_t fate_count(struct tree *tree, enum tree_verdict verdict)
{
    return tree_totals(tree).verdicts[verdict];
}

#endif
