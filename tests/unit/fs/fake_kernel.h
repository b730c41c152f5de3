/* The kernel's side of a mount: speaks the FUSE protocol with a file system through a socket pair, so that a test says which
   requests are under way, and sees each reply. */
#ifndef RUNFS_TESTS_FS_FAKE_KERNEL_H
#define RUNFS_TESTS_FS_FAKE_KERNEL_H

#include <linux/fuse.h>

#include "fs/fs_internal.h"
#include "testing.h"

#define ROOT              FUSE_ROOT_ID
#define KERNEL_PATIENT_MS 60000 /* a timeout that is never reached */

/* Serves RUN from now on, with these as `timeout` and `refresh`. */
void kernel_open(struct run *run);
extern uint64_t kernel_timeout_ms;
extern uint64_t kernel_refresh_ms;

/* Ends the session as an unmount does, and frees; every request but those of `kernel_forget` has had one reply or, where it was
   still under way, none. */
void kernel_close(void);

extern struct fs *kernel_fs;

/* Sends a request; gives its number. */
uint64_t kernel_send(uint32_t opcode, uint64_t node, const void *arg, size_t len);
uint64_t kernel_lookup(uint64_t parent, const char *name);
uint64_t kernel_read(uint64_t node, uint64_t handle, uint64_t offset, uint32_t size);
uint64_t kernel_open_of(uint64_t node);
uint64_t kernel_opendir_of(uint64_t node);
uint64_t kernel_readdir(uint64_t node, uint64_t handle);
uint64_t kernel_release(uint64_t node, uint64_t handle);
uint64_t kernel_getxattr(uint64_t node, const char *name);

/* The caller of a request got a signal; of the next one, whose number it gives: the interrupt overtakes it. */
void kernel_interrupt(uint64_t unique);
uint64_t kernel_interrupt_next(void);
void kernel_forget(uint64_t node, uint64_t count);

struct reply {
    uint64_t unique;
    int error; /* positive; 0 */
    size_t len;
    union {
        char bytes[256 * 1024];
        struct fuse_entry_out entry;
        struct fuse_open_out open;
        struct fuse_attr_out attr;
    };
};

/* The reply to a request, which is waited for; valid until the next call. */
const struct reply *kernel_await(uint64_t unique);

/* Whether there is no reply yet; those that are there are taken in first. */
bool kernel_waits(uint64_t unique);

/* Waits for a notification of this kind (enum fuse_notify_code). */
void kernel_await_notification(int code);

/* In one: the node id of a path, which must be there, with a reference for each part; an open file's handle; an error, 0 for none. */
uint64_t kernel_walk(const char *path);
uint64_t kernel_open_file(uint64_t node);
int kernel_error(uint64_t unique);

#endif
