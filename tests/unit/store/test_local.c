/* A local directory as a store: what is listed, and that nothing is read but what was listed. */
#include "store/local.h"

#include <errno.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/strbuf.h"
#include "testing.h"

static const struct wait patient = {.timeout_ms = 10000};

static struct store *store;

/* What was listed, "KEY|SIZE\n" each, links as "KEY>TARGET\n", sorted; and what was noted. */
static struct strbuf listed = STRBUF_INIT(1 << 20);
static struct strbuf noted = STRBUF_INIT(1 << 20);

static void note(const char *path, const char *why)
{
    strbuf_addf(&noted, "%s: %s\n", path + strlen(scratch_path("run")) - strlen("/run"), why);
}

static void set_up(void)
{
    struct error err;
    scratch_open();
    scratch_mkdir("run");
    assert_ok(local_open(scratch_path("run"), note, &store, &err), &err);
}

static void tear_down(void)
{
    store_close(store);
    strbuf_done(&listed);
    strbuf_done(&noted);
    scratch_close();
}

TestSuite(local, .init = set_up, .fini = tear_down);

static int add_line(void *context, const struct object *object, struct error *err)
{
    char **lines = context;
    char *line;
    size_t count = 0;
    (void)err;
    cr_assert_eq(strlen(object->key), object->key_len);
    cr_assert_str_eq(object->etag, "");
    cr_assert_geq(object->link ? asprintf(&line, "%s>%s\n", object->key, object->link)
                               : asprintf(&line, "%s|%zu\n", object->key, (size_t)object->size),
                  0);
    while (lines[count] && strcmp(lines[count], line) < 0)
        count++;
    for (; line; count++) {
        char *next = lines[count];
        lines[count] = line;
        line = next;
    }
    return 0;
}

static const char *list(void)
{
    static char *lines[200];
    struct error err = {0};
    strbuf_clear(&listed);
    assert_ok(store->ops->list(store, NULL, add_line, lines, &patient, &err), &err);
    for (size_t i = 0; i < COUNT(lines); i++) {
        strbuf_adds(&listed, lines[i] ? lines[i] : "");
        free(lines[i]);
        lines[i] = NULL;
    }
    return strbuf_text(&listed);
}

/* The object KEY as it is now. */
static struct object object_of(const char *key)
{
    struct stat st;
    cr_assert_eq(stat(scratch_path("run/%s", key), &st), 0);
    return (struct object){
        .key = key,
        .key_len = strlen(key),
        .etag = "",
        .size = (uint64_t)st.st_size,
        .mtime_ns = st.st_mtim.tv_sec * 1000000000LL + st.st_mtim.tv_nsec,
    };
}

static int open_object(const struct object *object, struct error *err)
{
    char bytes[64];
    size_t n = 0;
    struct reader *reader = NULL;
    int result = store->ops->open(store, object, &reader, err);
    if (result == 0)
        result = reader_pread(reader, bytes, sizeof bytes, 0, &patient, &n, err);
    cr_assert(result < 0 || n == object->size);
    reader_close(reader);
    return result;
}

Test(local, lists_files_directories_and_links)
{
    scratch_mkdir("run/logs");
    scratch_mkdir("run/logs/empty");
    scratch_write("run/logs/a b.log", "12345");
    scratch_write("run/x", "");
    cr_assert_eq(symlink("../x", scratch_path("run/logs/l")), 0);
    cr_assert_eq(symlink("/nowhere", scratch_path("run/dangling")), 0);
    cr_assert_str_eq(list(), "dangling>/nowhere\n"
                             "logs/a b.log|5\n"
                             "logs/empty/|0\n"
                             "logs/l>../x\n"
                             "logs/|0\n"
                             "x|0\n"
                             "|0\n");
    cr_assert_str_eq(strbuf_text(&noted), "");
}

static int note_executable(void *context, const struct object *object, struct error *err)
{
    (void)err;
    if (object->executable)
        strbuf_addf(context, "%s ", object->key);
    return 0;
}

Test(local, programs_are_told_from_other_files)
{
    struct strbuf programs = STRBUF_INIT(100);
    struct error err = {0};
    scratch_mkdir("run/directory");
    scratch_write("run/program", "#!");
    scratch_write("run/text", "");
    cr_assert_eq(chmod(scratch_path("run/program"), 0710), 0);
    cr_assert_eq(symlink("program", scratch_path("run/link")), 0);
    assert_ok(store->ops->list(store, NULL, note_executable, &programs, &patient, &err), &err);
    cr_assert_str_eq(strbuf_text(&programs), "program ");
    strbuf_done(&programs);
}

Test(local, names_are_bytes)
{
    scratch_write("run/\xff\xfe", "1");
    scratch_write("run/a\nb", "1");
    scratch_write("run/...", "1");
    scratch_write("run/.hidden", "1");
    cr_assert_str_eq(list(), "...|1\n.hidden|1\na\nb|1\n|0\n\xff\xfe|1\n");
}

/* What leads out of the run is shown as a link and never followed. */
Test(local, links_to_directories_are_not_walked)
{
    scratch_mkdir("outside");
    scratch_write("outside/secret", "1");
    cr_assert_eq(symlink("../outside", scratch_path("run/out")), 0);
    cr_assert_eq(symlink(".", scratch_path("run/loop")), 0);
    cr_assert_str_eq(list(), "loop>.\nout>../outside\n|0\n");
}

Test(local, devices_sockets_and_pipes_are_noted_not_listed)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", scratch_path("run/socket"));
    cr_assert_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    scratch_mkdir("run/d");
    cr_assert_eq(mkfifo(scratch_path("run/d/pipe"), 0600), 0);
    cr_assert_str_eq(list(), "d/|0\n|0\n");
    cr_assert(strstr(strbuf_text(&noted), "/run/d/pipe: not a file, directory or link\n"), "%s",
              strbuf_text(&noted));
    cr_assert(strstr(strbuf_text(&noted), "/run/socket: "));
    (void)close(fd);
}

/* What is mounted below may be another driver that is stuck, or our own mount. */
Test(local, other_file_systems_are_noted_not_entered)
{
    struct error err = {0};
    own_mounts();
    store_close(store); /* it is in the mounts that were left */
    assert_ok(local_open(scratch_path("run"), note, &store, &err), &err);
    scratch_mkdir("run/mounted");
    scratch_write("run/x", "1");
    cr_assert_eq(mount("none", scratch_path("run/mounted"), "tmpfs", 0, NULL), 0);
    scratch_write("run/mounted/inside", "1");
    cr_assert_str_eq(list(), "x|1\n|0\n");
    cr_assert(strstr(strbuf_text(&noted), "/run/mounted: another file system"), "%s", strbuf_text(&noted));
    struct object object = object_of("mounted/inside");
    assert_refused(open_object(&object, &err), ESTALE, &err, "mounted/inside");
}

/* Root may read everything, so it becomes somebody else for a while. */
static void become(uid_t uid)
{
    if (getuid() == 0)
        cr_assert_eq(seteuid(uid), 0);
}

Test(local, directories_that_may_not_be_read_are_noted)
{
    scratch_mkdir("run/closed");
    scratch_mkdir("run/names-only");
    scratch_write("run/closed/a", "1");
    scratch_write("run/names-only/a", "1");
    scratch_write("run/x", "1");
    cr_assert_eq(chmod(scratch_path("run/closed"), 0), 0);
    cr_assert_eq(chmod(scratch_path("run/names-only"), 0444), 0);
    become(65534);
    const char *lines = list();
    become(0);
    cr_assert(strstr(lines, "x|1\n"), "%s", lines);
    cr_assert_null(strstr(lines, "closed/"));
    cr_assert(strstr(strbuf_text(&noted), "/run/closed: it may not be read"), "%s", strbuf_text(&noted));
    cr_assert(strstr(strbuf_text(&noted), "/run/names-only/a: "), "%s", strbuf_text(&noted));
}

static int stop_listing(void *context, const struct object *object, struct error *err)
{
    (void)object;
    ++*(unsigned *)context;
    return error_set(err, ENOSPC, "enough");
}

Test(local, a_failure_of_the_receiver_ends_the_listing)
{
    unsigned calls = 0;
    struct error err = {0};
    scratch_write("run/a", "1");
    assert_refused(store->ops->list(store, NULL, stop_listing, &calls, &patient, &err), ENOSPC, &err,
                   "enough");
    cr_assert_eq(calls, 1);
}

Test(local, a_listing_can_be_cancelled)
{
    static char *lines[10];
    struct cancel cancelled = CANCEL_INIT;
    struct wait wait = {.timeout_ms = 10000, .cancelled = &cancelled};
    cancel_request(&cancelled);
    struct error err = {0};
    scratch_write("run/a", "1");
    assert_refused(store->ops->list(store, NULL, add_line, lines, &wait, &err), EINTR, &err, "interrupted");
    free(lines[0]);
}

Test(local, missing_directories_and_files_are_refused)
{
    struct store *none = NULL;
    struct error err = {0};
    assert_refused(local_open(scratch_path("none"), NULL, &none, &err), ENOENT, &err, "/none: No such file");
    scratch_write("file", "1");
    assert_refused(local_open(scratch_path("file"), NULL, &none, &err), ENOTDIR, &err,
                   "/file: Not a directory");
    cr_assert_null(none);
    store_close(NULL);
}

Test(local, an_object_reads_as_it_was_listed)
{
    struct error err = {0};
    scratch_mkdir("run/d");
    scratch_write("run/d/f", "content");
    struct object object = object_of("d/f");
    assert_ok(open_object(&object, &err), &err);
}

Test(local, an_object_that_was_replaced_is_stale)
{
    struct error err = {0};
    scratch_mkdir("run/d");
    scratch_write("run/d/f", "content");
    const struct object listed_as = object_of("d/f");
    struct object object = listed_as;
    object.size++;
    assert_refused(open_object(&object, &err), ESTALE, &err, "run/d/f: the file has been replaced");
    object = listed_as;
    object.mtime_ns--;
    assert_refused(open_object(&object, &err), ESTALE, &err, "replaced");
    cr_assert_eq(unlink(scratch_path("run/d/f")), 0);
    assert_refused(open_object(&listed_as, &err), ESTALE, &err, "run/d/f");
    scratch_mkdir("run/d/f");
    assert_refused(open_object(&listed_as, &err), ESTALE, &err, "replaced");
}

Test(local, an_object_whose_directory_became_a_file_is_stale)
{
    struct error err = {0};
    scratch_mkdir("run/d");
    scratch_write("run/d/f", "content");
    const struct object object = object_of("d/f");
    cr_assert_eq(unlink(scratch_path("run/d/f")), 0);
    cr_assert_eq(rmdir(scratch_path("run/d")), 0);
    scratch_write("run/d", "");
    assert_refused(open_object(&object, &err), ESTALE, &err, "run/d/f");
}

/* Whoever can write the directory must not make us open what lies outside, or block. */
Test(local, links_and_pipes_put_in_an_objects_place_are_not_opened)
{
    struct error err = {0};
    scratch_write("secret", "content");
    scratch_mkdir("run/d");
    scratch_write("run/d/f", "content");
    const struct object object = object_of("d/f");
    cr_assert_eq(unlink(scratch_path("run/d/f")), 0);
    cr_assert_eq(symlink("../../secret", scratch_path("run/d/f")), 0);
    assert_refused(open_object(&object, &err), ESTALE, &err, "run/d/f");
    cr_assert_eq(unlink(scratch_path("run/d/f")), 0);
    cr_assert_eq(mkfifo(scratch_path("run/d/f"), 0600), 0);
    assert_refused(open_object(&object, &err), ESTALE, &err, "replaced");
    cr_assert_eq(rename(scratch_path("run/d"), scratch_path("moved")), 0);
    cr_assert_eq(symlink("../moved", scratch_path("run/d")), 0);
    assert_refused(open_object(&object, &err), ESTALE, &err, "run/d/f");
}

Test(local, keys_that_lead_outside_are_not_opened)
{
    static const char *const keys[] = {"../secret", "/etc/passwd", "d/../../secret", ".."};
    scratch_write("secret", "content");
    scratch_mkdir("run/d");
    for (size_t i = 0; i < COUNT(keys); i++) {
        struct reader *reader = NULL;
        struct error err = {0};
        struct object object = {.key = keys[i], .key_len = strlen(keys[i]), .etag = "", .size = 7};
        cr_assert_lt(store->ops->open(store, &object, &reader, &err), 0, "%s", keys[i]);
        cr_assert(err.message[0]);
        cr_assert_null(reader);
    }
}

/* Makes directories one in the other below DIRECTORY, with a file in the last one. */
static void make_deep(const char *directory, const char *name, unsigned depth)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (unsigned i = 0; i < depth; i++) {
        cr_assert_eq(mkdirat(fd, name, 0755), 0);
        int below = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        (void)close(fd);
        fd = below;
    }
    int file = openat(fd, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    cr_assert_geq(file, 0);
    (void)close(file);
    (void)close(fd);
}

Test(local, directories_nested_without_end_are_refused)
{
    static char *lines[600];
    struct error err = {0};
    make_deep(scratch_path("run"), "d", 600);
    cr_assert_eq(store->ops->list(store, NULL, add_line, lines, &patient, &err), -ELOOP, "%s", err.message);
    for (size_t i = 0; i < COUNT(lines); i++)
        free(lines[i]);
}

/* Keys are right or there are none. */
static int check_deep_key(void *context, const struct object *object, struct error *err)
{
    (void)err;
    if (object->key_len >= 4 && strcmp(object->key + object->key_len - 4, "file") == 0)
        *(size_t *)context = object->key_len;
    return 0;
}

Test(local, paths_longer_than_64_kib_are_refused_not_cut)
{
    char name[251];
    size_t len = 0;
    struct error err = {0};
    memset(name, 'n', 250);
    name[250] = '\0';
    make_deep(scratch_path("run"), name, 300);
    int result = store->ops->list(store, NULL, check_deep_key, &len, &patient, &err);
    cr_assert(result < 0 ? len == 0 : len == 0 || len == 300 * 251 + 4, "result %d, key of %zu bytes", result,
              len);
}
