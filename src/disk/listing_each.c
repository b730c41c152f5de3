/* What listings there are on disk; see listing.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "disk/disk_internal.h"
#include "disk/listing.h"
#include "disk/listing_format.h"

#define FIELDS 4 /* of an identity: endpoint, bucket, prefix, access; each ends in a NUL */

static bool split(const char *identity, size_t len, const char *ret_fields[FIELDS])
{
    const char *at = identity;
    for (int i = 0; i < FIELDS; i++) {
        const char *nul = memchr(at, '\0', len - (size_t)(at - identity));
        if (!nul)
            return false;
        ret_fields[i] = at;
        at = nul + 1;
    }
    return at == identity + len;
}

static void tell(FILE *file, const char *access, listing_scope_fn fn, void *context)
{
    char bytes[LISTING_HEAD];
    struct listing_head head;
    const char *fields[FIELDS];
    if (fread(bytes, 1, LISTING_HEAD, file) != LISTING_HEAD || !listing_head_read(bytes, &head))
        return;
    _cleanup_free_ char *identity = malloc(head.identity_len + 1);
    if (!identity || fread(identity, 1, head.identity_len, file) != head.identity_len ||
        !split(identity, head.identity_len, fields) || (access && strcmp(access, fields[3]) != 0))
        return;
    const struct cache_scope scope = {fields[0], fields[1], fields[2]};
    fn(context, &scope, head.began_ms);
}

void listing_each(struct disk *disk, const char *access, listing_scope_fn fn, void *context)
{
    int fd = openat(disk->listings_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (strlen(entry->d_name) != LISTING_NAME - 1)
            continue;
        int listing = disk_open_file(disk->listings_fd, entry->d_name, O_RDONLY);
        _cleanup_fclose_ FILE *file = listing < 0 ? NULL : fdopen(listing, "r");
        if (file)
            tell(file, access, fn, context);
        else if (listing >= 0)
            (void)close(listing);
    }
    if (dir)
        (void)closedir(dir);
    else if (fd >= 0)
        (void)close(fd);
}
