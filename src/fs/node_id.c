/* Node ids: which run they are of, and which node; see fs_internal.h. */
#include <assert.h>

#include "fs/fs_internal.h"

#define NUMBER_SHIFT 48 /* addresses of a process have fewer bits, unless it asks for others */

static_assert(sizeof(fuse_ino_t) == sizeof(uint64_t), "node ids have room for an address and a number");

static unsigned number_of(fuse_ino_t ino)
{
    return (unsigned)(ino >> NUMBER_SHIFT);
}

struct run_slot *fs_holder(struct fs *fs, fuse_ino_t ino)
{
    unsigned number = number_of(ino);
    return number ? runs_numbered(fs->runs, number) : &fs->own;
}

struct run_slot *fs_run_of(struct fs *fs, fuse_ino_t ino)
{
    struct run_slot *of = fs_holder(fs, ino);
    if (!fs->runs || of->number || ino == FUSE_ROOT_ID)
        return of;
    tree_lock_read(of->tree);
    struct run_slot *shown = runs_shown_at(fs_node(of, ino));
    tree_unlock(of->tree);
    return shown ? shown : of;
}

bool fs_enter(struct run_slot *of)
{
    return !of->number || runs_enter(of);
}

void fs_leave(struct run_slot *of)
{
    if (of->number)
        runs_leave(of);
}

struct node *fs_node(struct run_slot *of, fuse_ino_t ino)
{
    if (ino == FUSE_ROOT_ID || number_of(ino) != of->number)
        return tree_root(of->tree); /* the directory of a run, in the mount's own tree, stands for its root */
    return (struct node *)(uintptr_t)(ino & ((UINT64_C(1) << NUMBER_SHIFT) - 1));
}

fuse_ino_t fs_ino(const struct run_slot *of, const struct node *node)
{
    uint64_t address = (uint64_t)(uintptr_t)node;
    assert(address >> NUMBER_SHIFT == 0);
    return (uint64_t)of->number << NUMBER_SHIFT | address;
}
