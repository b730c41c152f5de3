/* Operations that wait for a listing or an archive before they are done; see fs_internal.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "fs/fs_internal.h"

int fs_defer(struct fs_deferred *deferred, fuse_req_t req, fuse_ino_t ino, const char *name,
             const struct fuse_file_info *fi, fs_operation operation)
{
    if (name && !(deferred->name = strdup(name)))
        return -ENOMEM;
    deferred->req = req;
    deferred->ino = ino;
    deferred->operation = operation;
    deferred->arrived = clock_ms();
    if (fi) {
        deferred->fi = *fi;
        deferred->has_fi = true;
    }
    return 0;
}

void fs_resume(struct fs_deferred *deferred)
{
    deferred->operation(deferred->req, deferred->ino, deferred->name,
                        deferred->has_fi ? &deferred->fi : NULL);
}

void fs_deferred_free(struct fs_deferred *deferred)
{
    free(deferred->name);
    free(deferred);
}
