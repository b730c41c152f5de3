/* A local directory as a store; see local.h. Everything is opened below the root's descriptor and no symbolic
   link is followed, so that nothing outside is ever shown as a file of the run. */
#include "store/local.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "base/strbuf.h"

#define PATH_LIMIT  (64U * 1024)
#define DEPTH_LIMIT 512

struct local {
    struct store store;
    int root;   /* owned */
    char *path; /* for messages, owned */
    void (*note)(const char *path, const char *why);
};

struct walk {
    struct local *local;
    list_fn fn;
    void *context;
    const struct wait *wait;
    struct strbuf key; /* of the directory under way, ending in '/', or empty */
};

static int walk_directory(struct walk *walk, int parent, const char *name, unsigned depth, struct error *err);

/* Opens PATH below DIR. No symbolic link is followed, and no mount is entered: one below us may be our own, or another
   driver's that is stuck, and listing it would wait for ourselves or for ever. */
static int open_inside(int dir, const char *path, int flags)
{
    lock_assert_none("opens a file");
    struct open_how how = {
        .flags = (uint64_t)(unsigned)flags | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
    };
    return (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
}

static int64_t mtime_of(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

static void note(const struct walk *walk, const char *name, const char *why)
{
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(PATH_LIMIT);
    strbuf_addf(&path, "%s/%s%s", walk->local->path, strbuf_text(&walk->key), name);
    if (walk->local->note)
        walk->local->note(strbuf_text(&path), why);
}

static int walk_failed(const struct walk *walk, int code, const char *name, struct error *err)
{
    return error_errno(err, code, "%s/%s%s", walk->local->path, strbuf_text(&walk->key), name);
}

static int emit(struct walk *walk, const char *name, const struct stat *st, const char *link,
                struct error *err)
{
    _cleanup_strbuf_ struct strbuf key = STRBUF_INIT(PATH_LIMIT);
    strbuf_addf(&key, "%s%s", strbuf_text(&walk->key), name);
    if (key.failed)
        return walk_failed(walk, key.failed, "", err);
    struct object object = {
        .key = strbuf_text(&key),
        .key_len = key.len,
        .etag = "",
        .link = link,
        .executable = S_ISREG(st->st_mode) && (st->st_mode & 0111),
        .size = link ? strlen(link) : (uint64_t)st->st_size,
        .mtime_ns = mtime_of(st),
    };
    return walk->fn(walk->context, &object, err);
}

static int visit_link(struct walk *walk, int dir, const char *name, const struct stat *st, struct error *err)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(dir, name, target, sizeof target - 1);
    if (n < 0)
        return 0; /* gone since */
    target[n] = '\0';
    return emit(walk, name, st, target, err);
}

static int visit(struct walk *walk, int dir, const struct dirent *entry, unsigned depth, struct error *err)
{
    const char *name = entry->d_name;
    struct stat st;
    if (entry->d_type == DT_DIR)
        return walk_directory(walk, dir, name, depth + 1, err);
    int code = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? errno : 0;
    if (code == EACCES) {
        note(walk, name, "it may not be read");
        return 0;
    }
    if (code)
        return code == ENOENT ? 0 : walk_failed(walk, code, name, err);
    switch (st.st_mode & S_IFMT) {
    case S_IFREG:
        return emit(walk, name, &st, NULL, err);
    case S_IFLNK:
        return visit_link(walk, dir, name, &st, err);
    case S_IFDIR:
        return walk_directory(walk, dir, name, depth + 1, err);
    default:
        note(walk, name, "not a file, directory or link");
        return 0;
    }
}

static int read_entries(struct walk *walk, int fd, unsigned depth, struct error *err)
{
    struct dirent *entry;
    int result = 0;
    DIR *dir = fdopendir(fd);
    if (!dir) {
        result = walk_failed(walk, errno, "", err);
        (void)close(fd);
        return result;
    }
    while (result == 0 && (errno = 0, entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        result = wait_cancelled(walk->wait)
                     ? error_set(err, EINTR, "%s: listing interrupted", walk->local->path)
                     : visit(walk, dirfd(dir), entry, depth, err);
    }
    if (result == 0 && errno)
        result = walk_failed(walk, errno, "", err);
    (void)closedir(dir);
    return result;
}

static int walk_directory(struct walk *walk, int parent, const char *name, unsigned depth, struct error *err)
{
    _cleanup_close_ int fd = open_inside(parent, name, O_RDONLY | O_DIRECTORY);
    struct stat st;
    if (fd < 0 && depth && errno == EXDEV) {
        note(walk, name, "another file system is mounted there");
        return 0;
    }
    if (fd < 0 && depth && errno == EACCES) {
        note(walk, name, "it may not be read");
        return 0;
    }
    if (fd < 0 && depth && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
        return 0; /* gone since, or something else now */
    if (fd < 0 || fstat(fd, &st) < 0)
        return walk_failed(walk, errno, depth ? name : "", err);
    if (depth > DEPTH_LIMIT)
        return error_set(err, ELOOP, "%s/%s: directories nested too deeply", walk->local->path,
                         strbuf_text(&walk->key));
    size_t len = walk->key.len;
    if (depth)
        strbuf_addf(&walk->key, "%s/", name);
    if (walk->key.failed)
        return walk_failed(walk, ENAMETOOLONG, "", err);
    st.st_size = 0;
    int result = emit(walk, "", &st, NULL, err);
    if (result == 0)
        result = read_entries(walk, TAKE_FD(fd), depth, err);
    walk->key.len = len;
    if (walk->key.data)
        walk->key.data[len] = '\0';
    return result;
}

static int local_list(struct store *store, const char *const *subtrees, list_fn fn, void *context,
                      const struct wait *wait, struct error *err)
{
    (void)subtrees; /* a directory needs no hints */
    struct local *local = (struct local *)store;
    struct walk walk = {local, fn, context, wait, STRBUF_INIT(PATH_LIMIT)};
    int result = walk_directory(&walk, local->root, ".", 0, err);
    strbuf_done(&walk.key);
    return result;
}

/* A file written since it was listed must not be read under its old node: the kernel may hold pages of the
 * old bytes. */
static int check_as_listed(int fd, const struct object *object, struct error *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return error_errno(err, errno, "fstat");
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != object->size || mtime_of(&st) != object->mtime_ns)
        return error_set(err, ESTALE, "the file has been replaced");
    return 0;
}

/* Whether an open failed because something else is where the file was listed. */
static bool is_replaced(int code)
{
    return code == ENOENT || code == ELOOP || code == ENOTDIR || code == EXDEV;
}

static int local_open_object(struct store *store, const struct object *object, struct reader **ret_reader,
                             struct error *err)
{
    struct local *local = (struct local *)store;
    int fd = open_inside(local->root, object->key, O_RDONLY | O_NONBLOCK);
    if (fd < 0)
        return error_errno(err, is_replaced(errno) ? ESTALE : errno, "%s/%s", local->path, object->key);
    int result = check_as_listed(fd, object, err);
    if (result < 0)
        (void)close(fd);
    else
        result = reader_open_fd(fd, object->size, ret_reader, err);
    return error_prefix(err, result, "%s/%s", local->path, object->key);
}

static void local_close(struct store *store)
{
    struct local *local = (struct local *)store;
    if (local->root >= 0)
        (void)close(local->root);
    free(local->path);
    free(local);
}

static const struct store_ops local_ops = {
    .list = local_list, .open = local_open_object, .close = local_close};

int local_open(const char *path, void (*note_fn)(const char *path, const char *why), struct store **ret_store,
               struct error *err)
{
    struct local *local = calloc(1, sizeof *local);
    if (!local)
        return error_errno(err, ENOMEM, "%s", path);
    local->store.ops = &local_ops;
    local->note = note_fn;
    local->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = local->root < 0 ? errno : 0;
    local->path = strdup(path);
    if (!failed && !local->path)
        failed = ENOMEM;
    if (failed) {
        local_close(&local->store);
        return error_errno(err, failed, "%s", path);
    }
    *ret_store = &local->store;
    return 0;
}
