/* What the tests of stages share: rows of entries in one line each, and what came of them as text. */
#ifndef RUNFS_TESTS_VIEW_STAGE_TEST_H
#define RUNFS_TESTS_VIEW_STAGE_TEST_H

#include "tree/tree_internal.h"
#include "tree/tree_test.h"
#include "view/stage.h"

/* What is said of an entry. */
struct described {
    const char *source;
    const char *content;
};

static inline void describe_entry(void *context, uint32_t row, uint64_t ref, struct strbuf *source,
                                  struct strbuf *content)
{
    const struct described *described = (const struct described *)(uintptr_t)ref;
    (void)context;
    (void)row;
    strbuf_adds(source, described->source);
    strbuf_adds(content, described->content);
}

#define SAYS(source, content)                                                                                \
    .ref = (uint64_t)(uintptr_t) & (struct described)                                                        \
    {                                                                                                        \
        source, content                                                                                      \
    }

static inline struct stage *new_stage(const char *root)
{
    struct stage *stage;
    struct error err = {0};
    assert_ok(stage_new(root, describe_entry, NULL, &stage, &err), &err);
    return stage;
}

static inline void stage_entry_add(struct stage *stage, struct stage_entry entry)
{
    struct error err = {0};
    entry.path_len = strlen(entry.path);
    entry.member = entry.member || (!entry.key && !entry.grows && !entry.problem);
    entry.mode = entry.mode ? entry.mode : 0644;
    assert_ok(stage_add(stage, &entry, &err), &err);
}

/* Adds an entry of row ROW at PATH; what else there is to say of it follows. */
#define ADD(stage, at_row, at_path, ...)                                                                     \
    stage_entry_add(stage, (struct stage_entry){.row = (at_row), .path = (at_path), __VA_ARGS__})

/* A member of a file of SIZE bytes and the content ID, in "N.tar". */
#define FILE_OF(n, id, bytes)                                                                                \
    .type = NODE_FILE, .archive = (n), .file = 1, .links = 1, .size = (bytes), SAYS(#n ".tar f", id)
#define DIRECTORY_OF(n) .type = NODE_DIRECTORY, .archive = (n), .mode = 0755, SAYS(#n ".tar d", "")
#define LINK_OF(n, to)                                                                                       \
    .type = NODE_LINK, .archive = (n), .link = (to), .size = strlen(to), SAYS(#n ".tar l", "")

static inline void print_node(const struct node *node, struct strbuf *path, struct strbuf *out)
{
    static const char *const marks[] = {[NODE_FILE] = "", [NODE_DIRECTORY] = "/", [NODE_LINK] = "@"};
    size_t before = path->len;
    for (size_t i = 0; node->type == NODE_DIRECTORY && i < node->directory->count; i++) {
        const struct node *child = node->directory->children[i];
        cr_assert_eq(child->parent, node);
        strbuf_addf(path, "%s%s", path->len ? "/" : "", node_name(child));
        strbuf_addf(out, "%s%s%s", strbuf_text(path), marks[child->type], child->problem ? "!" : "");
        if (child->type == NODE_FILE && !child->problem)
            strbuf_addf(out, "=%u", child->archive);
        strbuf_adds(out, " ");
        print_node(child, path, out);
        path->data[path->len = before] = '\0';
    }
}

/* Everything below ROOT: "d/ d/f=1 d/l@ p! ", directories with a slash, links with an at sign, files with their archive's
   number, problems with an exclamation mark. */
static inline const char *shown(const struct node *root)
{
    static struct strbuf out = STRBUF_INIT(1 << 24);
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(1 << 20);
    strbuf_clear(&out);
    print_node(root, &path, &out);
    return strbuf_text(&out);
}

/* The lines of notes. */
static inline const char *lines(const struct stage_notes *notes)
{
    static struct strbuf out = STRBUF_INIT(1 << 24);
    strbuf_clear(&out);
    for (size_t i = 0; i < notes->count; i++)
        strbuf_addf(&out, "%s\n", notes->notes[i].text);
    cr_assert_eq(notes->total, notes->count);
    return strbuf_text(&out);
}

static inline struct node *finished(struct stage *stage)
{
    struct node *root;
    struct error err = {0};
    assert_ok(stage_finish(stage, &root, &err), &err);
    return root;
}

/* The node at PATH below a private root. */
static inline const struct node *below(const struct node *root, const char *path)
{
    for (; *path; path += strspn(path, "/")) {
        size_t len = strcspn(path, "/");
        root = tree_lookup(root, path, len);
        cr_assert(root, "%s is missing", path);
        path += len;
    }
    return root;
}

/* Finishes and frees STAGE: what shows, conflicts and overlaps are as given. */
#define assert_stage(stage, nodes, conflicts, overlaps)                                                      \
    do {                                                                                                     \
        struct node *root_ = finished(stage);                                                                \
        cr_assert_str_eq(shown(root_), (nodes), "%s", shown(root_));                                         \
        cr_assert_str_eq(lines(stage_conflicts(stage)), (conflicts), "%s", lines(stage_conflicts(stage)));   \
        cr_assert_str_eq(lines(stage_overlaps(stage)), (overlaps), "%s", lines(stage_overlaps(stage)));      \
        tree_free_members(root_);                                                                            \
        stage_free(stage);                                                                                   \
    } while (0)

#endif
