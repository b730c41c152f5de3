/* What a pass that has not come to its end has found so far; see partial.h. */
#include "unpack/partial.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

static const struct tar_limits limits = {.members = EARLY_MEMBERS_MAX, .name_bytes = EARLY_NAME_BYTES_MAX};

void early_clear(struct early *early)
{
    members_free(early->members);
    free(early->hashes);
    *early = (struct early){0};
}

void early_begin(struct early *early, const struct codec *codec)
{
    early_clear(early);
    early->codec = codec;
    if (members_new(&limits, NULL, NULL, &early->members, NULL) < 0)
        early->members = NULL;
}

/* It counts as there from its header on. The map of a sparse file would need more room than is to be had. */
void early_member(struct early *early, const struct tar_member *member)
{
    struct tar_member told = *member;
    told.extents = NULL;
    told.extent_count = 0;
    if (!early->members || early->full)
        return;
    early->full = members_handler.end(early->members, &told, NULL) < 0;
}

/* Where one is missing, what follows is there at the end only. */
void early_chunk(struct early *early, uint64_t number, const struct hash128 *hash)
{
    if (number == early->chunks && array_room(early->hashes, early->chunks, early->hash_capacity) == 0)
        early->hashes[early->chunks++] = *hash;
}

bool early_find(const struct early *early, const char *path, struct member_file *ret_file, char *link)
{
    const char *target;
    if (!early->members || members_look(early->members, path, ret_file, &target) < 0 || ret_file->sparse ||
        ret_file->type == MEMBER_BROKEN || ret_file->offset > early->trusted)
        return false;
    if (ret_file->type == MEMBER_SYMLINK) {
        memcpy(link, target, ret_file->count);
        link[ret_file->count] = '\0';
    }
    return true;
}

bool early_has(const struct early *early, uint64_t offset, uint64_t len)
{
    uint64_t end = offset + len;
    if (!early->codec)
        return false;
    if (codec_is_direct(early->codec))
        return true; /* it is read where it is */
    return end <= early->trusted && end <= early->chunks * TOC_CHUNK_SIZE;
}
