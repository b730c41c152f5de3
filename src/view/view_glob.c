#include "view/view_glob.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PATTERNS_MAX 4096

/* glob(3) gives its functions no context: the tree under way, of each thread. */
static _Thread_local struct tree *globbed;

/* A directory being read. */
struct reading {
    const struct node *directory;
    size_t next;
    struct dirent entry;
};

static const unsigned char types[] = {[NODE_FILE] = DT_REG, [NODE_DIRECTORY] = DT_DIR, [NODE_LINK] = DT_LNK};

static void *open_directory(const char *path)
{
    const struct node *node = tree_find(globbed, path);
    struct reading *reading = node && node->type == NODE_DIRECTORY ? calloc(1, sizeof *reading) : NULL;
    if (reading)
        reading->directory = node;
    else
        errno = node ? ENOTDIR : ENOENT;
    return reading;
}

static struct dirent *read_directory(void *context)
{
    struct reading *reading = context;
    const struct node *node = tree_entry(reading->directory, TREE_BY_NAME, reading->next++);
    if (!node)
        return NULL;
    reading->entry.d_ino = node->ino;
    reading->entry.d_type = types[node->type];
    (void)snprintf(reading->entry.d_name, sizeof reading->entry.d_name, "%s", node_name(node));
    return &reading->entry;
}

static int look(const char *path, struct stat *ret_st)
{
    static const mode_t modes[] = {[NODE_FILE] = S_IFREG, [NODE_DIRECTORY] = S_IFDIR, [NODE_LINK] = S_IFLNK};
    const struct node *node = tree_find(globbed, path);
    if (!node) {
        errno = ENOENT;
        return -1;
    }
    *ret_st = (struct stat){.st_mode = modes[node->type]};
    return 0;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Braces may name one path twice. */
static void sort_once(glob_t *found)
{
    size_t kept = 0;
    if (found->gl_pathc)
        qsort(found->gl_pathv, found->gl_pathc, sizeof(char *), compare_paths);
    for (size_t i = 0; i < found->gl_pathc; i++) {
        if (kept && strcmp(found->gl_pathv[kept - 1], found->gl_pathv[i]) == 0)
            free(found->gl_pathv[i]);
        else
            found->gl_pathv[kept++] = found->gl_pathv[i];
    }
    if (found->gl_pathv)
        found->gl_pathv[kept] = NULL;
    found->gl_pathc = kept;
}

/* How many patterns the braces of TEXT stand for, up to a '}' or ',' of its own level, which *END is set to; those of a group
   that is left open count too often at worst. Never more than a little above the limit. */
static size_t count_patterns(const char *text, unsigned depth, const char **end)
{
    size_t product = 1;
    while (*text && !(depth && (*text == ',' || *text == '}'))) {
        if (*text == '\\' && text[1]) {
            text += 2;
            continue;
        }
        if (*text++ != '{')
            continue;
        size_t sum = 0;
        do {
            sum += count_patterns(text, depth + 1, &text);
        } while (*text++ == ',');
        text -= !text[-1]; /* not past the end */
        product = product * sum > PATTERNS_MAX ? PATTERNS_MAX + 1 : product * sum;
    }
    *end = text;
    return product;
}

int view_glob(struct tree *tree, const char *pattern, glob_t *ret_found, struct error *err)
{
    glob_t found = {
        .gl_opendir = open_directory,
        .gl_readdir = read_directory,
        .gl_closedir = free,
        .gl_lstat = look,
        .gl_stat = look,
    };
    const char *end;
    if (count_patterns(pattern, 0, &end) > PATTERNS_MAX)
        return error_set(err, E2BIG, "braces that stand for more than %d patterns: %s", PATTERNS_MAX,
                         pattern);
    globbed = tree;
    int code = glob(pattern, GLOB_BRACE | GLOB_ALTDIRFUNC | GLOB_NOSORT, NULL, &found);
    globbed = NULL;
    if (code && code != GLOB_NOMATCH) {
        globfree(&found);
        return error_errno(err, ENOMEM, "%s", pattern);
    }
    sort_once(&found);
    *ret_found = found;
    return 0;
}

bool view_is_pattern(const char *pattern)
{
    return strpbrk(pattern, "*?[{\\");
}
