/* What a pass that has not come to its end has found so far; see partial.h. */
#include "unpack/partial.h"

#include <stdlib.h>
#include <string.h>

static const struct tar_limits limits = {.members = EARLY_MEMBERS_MAX, .name_bytes = EARLY_NAME_BYTES_MAX};

void early_clear(struct early *early)
{
    members_free(early->members);
    free(early->hashes);
    for (int i = 0; i < EARLY_CHUNKS; i++)
        free(early->kept[i]);
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

static bool add_hash(struct early *early, const void *data)
{
    if (early->chunks == early->hash_capacity) {
        uint64_t capacity = early->hash_capacity ? 2 * early->hash_capacity : 64;
        struct toc_hash *hashes = reallocarray(early->hashes, capacity, sizeof *hashes);
        if (!hashes)
            return false;
        early->hashes = hashes;
        early->hash_capacity = capacity;
    }
    early->hashes[early->chunks] = toc_hash(data, TOC_CHUNK_SIZE);
    return true;
}

void early_chunk(struct early *early, uint64_t number, const void *data, bool on_disk)
{
    char **kept = &early->kept[number % EARLY_CHUNKS];
    if (number != early->chunks) /* one is missing: what follows is there at the end only */
        return;
    if (on_disk) {
        free(*kept);
        *kept = NULL;
    } else if (*kept || (*kept = malloc(TOC_CHUNK_SIZE))) {
        memcpy(*kept, data, TOC_CHUNK_SIZE);
    }
    if (add_hash(early, data))
        early->chunks++;
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

bool early_copy(const struct early *early, uint64_t number, void *data)
{
    const char *kept = early->kept[number % EARLY_CHUNKS];
    if (!kept || number >= early->chunks || early->chunks - number > EARLY_CHUNKS)
        return false;
    memcpy(data, kept, TOC_CHUNK_SIZE);
    return true;
}
