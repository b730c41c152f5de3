/* The .sha256sum companions of a run's files; see checksum.h. */
#include "run/checksum.h"

#include <errno.h>
#include <stdio.h>

#include "run/run_internal.h"

#define SUFFIX        ".sha256sum"
#define NAME_BYTES    256
#define COMPANION_MAX 4096 /* bytes; the first word is what counts */

const struct node *checksum_companion(const struct node *node)
{
    char name[NAME_BYTES + sizeof SUFFIX];
    if (node->detached || !node->parent || node->member)
        return NULL;
    int len = snprintf(name, sizeof name, "%s" SUFFIX, node_name(node));
    const struct node *found = tree_lookup(node->parent, name, (size_t)len);
    return found && found->type == NODE_FILE ? found : NULL;
}

static int read_all(struct run *run, const struct node *node, const struct wait *wait, char *text,
                    size_t *ret_len, struct error *err)
{
    struct reader *reader;
    int result = run_open_node(run, node, &reader, err);
    if (result < 0)
        return result;
    *ret_len = 0;
    result = reader_pread(reader, text, COMPANION_MAX, 0, wait, ret_len, err);
    reader_close(reader);
    return result;
}

int checksum_read(struct run *run, const struct node *node, const struct wait *wait,
                  char ret_text[SHA256_TEXT], struct error *err)
{
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(TREE_PATH_LIMIT);
    char text[COMPANION_MAX];
    size_t len;
    struct runfs_error why;
    tree_lock_read(run_tree(run));
    const struct node *companion = checksum_companion(node);
    if (companion)
        (void)tree_path(companion, &path);
    tree_unlock(run_tree(run));
    if (!companion)
        return error_set(err, ENODATA, "%s: no " SUFFIX, node_name(node));
    int result = read_all(run, companion, wait, text, &len, err);
    if (result < 0)
        return result;
    if (runfs_companion_parse(text, len, ret_text, &why) < 0)
        return error_set(err, EBADMSG, "%s: %s", strbuf_text(&path), why.message);
    return 0;
}
