/* The kernel's side of a mount; see fake_kernel.h. */
#include "fake_kernel.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define REPLIES_MAX 512

struct fs *kernel_fs;
uint64_t kernel_timeout_ms = KERNEL_PATIENT_MS;
uint64_t kernel_refresh_ms = KERNEL_PATIENT_MS;

static int kernel_fd = -1;
static pthread_t server;
static uint64_t last_unique;
static struct reply *replies[REPLIES_MAX]; /* not taken yet */
static bool replied[REPLIES_MAX];          /* by request */
static struct reply taken;
static unsigned notified; /* a bit for each code */

static void *serve(void *context)
{
    struct error err = {0};
    (void)fs_serve_on(kernel_fs, *(int *)context, &err); /* fails, as the connection ends */
    return NULL;
}

/* Takes in one message, after WAIT_MS at most. False where there is none. */
static bool take_in(int wait_ms)
{
    struct pollfd state = {.fd = kernel_fd, .events = POLLIN};
    struct fuse_out_header header;
    if (poll(&state, 1, wait_ms) != 1)
        return false;
    struct reply *reply = malloc(sizeof *reply);
    struct iovec parts[] = {{&header, sizeof header}, {reply->bytes, sizeof reply->bytes}};
    ssize_t n = readv(kernel_fd, parts, 2);
    if (n <= 0) { /* the session has ended */
        free(reply);
        return false;
    }
    cr_assert_geq(n, (ssize_t)sizeof header);
    reply->unique = header.unique;
    reply->error = -header.error;
    reply->len = (size_t)n - sizeof header;
    if (header.unique == 0) { /* a notification, whose code is in the place of the error */
        notified |= 1U << header.error;
        free(reply);
        return true;
    }
    cr_assert_not(replied[header.unique], "request %d has two replies", (int)header.unique);
    replied[header.unique] = true;
    replies[header.unique] = reply;
    return true;
}

uint64_t kernel_send(uint32_t opcode, uint64_t node, const void *arg, size_t len)
{
    struct fuse_in_header header = {
        .len = (uint32_t)(sizeof header + len),
        .opcode = opcode,
        .unique = ++last_unique,
        .nodeid = node,
        .pid = (uint32_t)getpid(),
    };
    struct iovec parts[] = {{&header, sizeof header}, {(void *)(uintptr_t)arg, len}};
    cr_assert_lt(last_unique, REPLIES_MAX);
    cr_assert_eq(writev(kernel_fd, parts, 2), (ssize_t)header.len);
    return header.unique;
}

uint64_t kernel_lookup(uint64_t parent, const char *name)
{
    return kernel_send(FUSE_LOOKUP, parent, name, strlen(name) + 1);
}

uint64_t kernel_read(uint64_t node, uint64_t handle, uint64_t offset, uint32_t size)
{
    struct fuse_read_in in = {.fh = handle, .offset = offset, .size = size};
    return kernel_send(FUSE_READ, node, &in, sizeof in);
}

uint64_t kernel_open_of(uint64_t node)
{
    struct fuse_open_in in = {.flags = O_RDONLY};
    return kernel_send(FUSE_OPEN, node, &in, sizeof in);
}

uint64_t kernel_opendir_of(uint64_t node)
{
    struct fuse_open_in in = {.flags = O_RDONLY};
    return kernel_send(FUSE_OPENDIR, node, &in, sizeof in);
}

uint64_t kernel_readdir(uint64_t node, uint64_t handle)
{
    struct fuse_read_in in = {.fh = handle, .size = 64 * 1024};
    return kernel_send(FUSE_READDIRPLUS, node, &in, sizeof in);
}

uint64_t kernel_release(uint64_t node, uint64_t handle)
{
    struct fuse_release_in in = {.fh = handle, .flags = O_RDONLY};
    return kernel_send(FUSE_RELEASE, node, &in, sizeof in);
}

uint64_t kernel_getxattr(uint64_t node, const char *name)
{
    char arg[sizeof(struct fuse_getxattr_in) + 64] = "";
    struct fuse_getxattr_in in = {.size = 4096};
    memcpy(arg, &in, sizeof in);
    (void)snprintf(arg + sizeof in, sizeof arg - sizeof in, "%s", name);
    return kernel_send(FUSE_GETXATTR, node, arg, sizeof in + strlen(name) + 1);
}

void kernel_interrupt(uint64_t unique)
{
    struct fuse_interrupt_in in = {.unique = unique};
    (void)kernel_send(FUSE_INTERRUPT, 0, &in, sizeof in);
}

uint64_t kernel_interrupt_next(void)
{
    uint64_t next = last_unique + 2; /* the interrupt has a number, too */
    kernel_interrupt(next);
    return next;
}

void kernel_forget(uint64_t node, uint64_t count)
{
    struct fuse_forget_in in = {.nlookup = count};
    (void)kernel_send(FUSE_FORGET, node, &in, sizeof in);
}

const struct reply *kernel_await(uint64_t unique)
{
    while (!replies[unique])
        cr_assert(take_in(-1), "the session has ended");
    taken = *replies[unique];
    free(replies[unique]);
    replies[unique] = NULL;
    return &taken;
}

void kernel_await_notification(int code)
{
    while (!(notified & 1U << code))
        cr_assert(take_in(-1), "the session has ended");
    notified &= ~(1U << code);
}

bool kernel_waits(uint64_t unique)
{
    while (take_in(0))
        ;
    return !replied[unique];
}

int kernel_error(uint64_t unique)
{
    return kernel_await(unique)->error;
}

uint64_t kernel_walk(const char *path)
{
    char copy[256];
    char *rest = copy;
    uint64_t node = ROOT;
    (void)snprintf(copy, sizeof copy, "%s", path);
    for (const char *name; (name = strsep(&rest, "/"));) {
        const struct reply *reply = kernel_await(kernel_lookup(node, name));
        cr_assert(reply->error == 0 && reply->entry.nodeid, "%s of %s: %d", name, path, reply->error);
        node = reply->entry.nodeid;
    }
    return node;
}

uint64_t kernel_open_file(uint64_t node)
{
    const struct reply *reply = kernel_await(kernel_open_of(node));
    cr_assert_eq(reply->error, 0, "%d", reply->error);
    return reply->open.fh;
}

void kernel_open(struct run *run)
{
    static int ends[2];
    struct error err = {0};
    const struct fs_config config = {
        .mountpoint = "/nowhere", .refresh_ms = kernel_refresh_ms, .timeout_ms = kernel_timeout_ms};
    struct fuse_init_in init = {.major = FUSE_KERNEL_VERSION, .minor = 36, .flags = FUSE_PARALLEL_DIROPS};
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    kernel_fd = ends[0];
    assert_ok(fs_new(&config, run, &kernel_fs, &err), &err);
    cr_assert_eq(pthread_create(&server, NULL, serve, &ends[1]), 0);
    cr_assert_eq(kernel_error(kernel_send(FUSE_INIT, 0, &init, sizeof init)), 0);
}

void kernel_close(void)
{
    if (!kernel_fs)
        return;
    (void)shutdown(kernel_fd, SHUT_WR); /* the session ends, those that wait go on */
    cr_assert_eq(pthread_join(server, NULL), 0);
    fs_close(kernel_fs);
    kernel_fs = NULL;
    while (take_in(0))
        ;
    (void)close(kernel_fd);
    for (size_t i = 0; i < REPLIES_MAX; i++)
        free(replies[i]);
}
