/* Collects members: what each does to the names that are there already. */
#include "archive/members.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "archive/members_internal.h"
#include "base/array.h"

static const struct member_file made_directory = {
    .type = MEMBER_DIRECTORY, .made = true, .mode = 0755, .links = 1, .mtime_ns = INT64_MIN};

static void note_member(struct members *members, const char *name, const char *why)
{
    if (members->note && members->notes++ < MEMBERS_NOTES_MAX)
        members->note(members->context, name, why);
}

static void refuse_member(void *context, const char *name, const char *why)
{
    struct members *members = context;
    members->refused++;
    note_member(members, name, why);
}

static struct member_file *file_of(const struct members *members, uint32_t node)
{
    return &members->files[members->nodes[node].file];
}

/* A name stands for FILE from now on. The file that it stood for stays if it has other names; else its place is used
   again. */
static int replace_file(struct members *members, uint32_t node, const struct member_file *file,
                        struct error *err)
{
    struct member_file *old = file_of(members, node);
    if (old->links == 1) {
        *old = *file;
        return 0;
    }
    uint32_t number;
    int result = members_add_file(members, file, &number, err);
    if (result < 0)
        return result;
    file_of(members, node)->links--; /* looked up again: it may have moved */
    members->nodes[node].file = number;
    return 0;
}

/* Adds a name with a file of its own. */
static int add_name(struct members *members, uint32_t parent, const char *name, size_t len,
                    const struct member_file *file, uint32_t *ret_node, struct error *err)
{
    uint32_t number;
    int result = members_add_file(members, file, &number, err);
    return result < 0 ? result : members_add_child(members, parent, name, len, number, ret_node, err);
}

/* Where a member goes: its directory, made where it is missing or a broken link, and its name there. */
struct place {
    uint32_t parent;
    const char *name;
    size_t name_len;
    uint32_t node;   /* 0 while there is none, and for the root */
    const char *why; /* it must be refused, or NULL */
};

static int find_place(struct members *members, const struct tar_member *member, struct place *place,
                      struct error *err)
{
    const char *path = member->path;
    const char *slash;
    *place = (struct place){0};
    while ((slash = strchr(path, '/'))) {
        size_t len = (size_t)(slash - path);
        uint32_t node = members_child(members, place->parent, path, len);
        enum member_type type = node ? file_of(members, node)->type : MEMBER_DIRECTORY;
        int result = 0;
        if (!node)
            result = add_name(members, place->parent, path, len, &made_directory, &node, err);
        else if (type == MEMBER_BROKEN)
            result = replace_file(members, node, &made_directory, err);
        else if (type != MEMBER_DIRECTORY)
            place->why =
                type == MEMBER_SYMLINK ? "it lies beneath a symbolic link" : "it lies beneath a file";
        if (result < 0 || place->why)
            return result;
        place->parent = node;
        path = slash + 1;
    }
    place->name = path;
    place->name_len = strlen(path);
    place->node = members_child(members, place->parent, path, place->name_len);
    return 0;
}

/* Puts FILE at a place. A directory stays where it has entries, and as a directory where it comes again. */
static int put_at(struct members *members, const struct tar_member *member, const struct place *place,
                  const struct member_file *file, struct error *err)
{
    uint32_t node = place->node;
    if (member->path_len && !node)
        return add_name(members, place->parent, place->name, place->name_len, file, &node, err);
    if (file_of(members, node)->type == MEMBER_DIRECTORY && file->type != MEMBER_DIRECTORY &&
        members->nodes[node].children) {
        refuse_member(members, member->path, "a directory that is not empty has its name");
        return 0;
    }
    return replace_file(members, node, file, err);
}

/* The node of a path, or 0. */
static uint32_t find_node(const struct members *members, const char *path)
{
    uint32_t node = 0;
    for (;;) {
        size_t len = strcspn(path, "/");
        node = members_child(members, node, path, len);
        if (!node || !path[len])
            return node;
        path += len + 1;
    }
}

/* What is there already is better than a link that leads nowhere. */
static int put_broken(struct members *members, const struct tar_member *member, const struct place *place,
                      const char *why, struct error *err)
{
    struct member_file file = {.type = MEMBER_BROKEN,
                               .mode = member->mode,
                               .links = 1,
                               .mtime_ns = member->mtime_ns,
                               .offset = member->offset,
                               .count = (uint32_t)member->link_len};
    if (place->node && file_of(members, place->node)->type != MEMBER_BROKEN) {
        refuse_member(members, member->path, why);
        return 0;
    }
    note_member(members, member->path, why);
    int result = members_add_text(members, member->link, member->link_len, &file.first, err);
    return result < 0 ? result : put_at(members, member, place, &file, err);
}

/* Gives the file of a hard link's target one more name. */
static int put_hard_link(struct members *members, const struct tar_member *member, const struct place *place,
                         struct error *err)
{
    uint32_t target = find_node(members, member->link);
    uint32_t node = place->node;
    uint32_t file = members->nodes[target].file;
    if (!target || members->files[file].type == MEMBER_BROKEN)
        return put_broken(members, member, place, "its link target is missing", err);
    if (members->files[file].type == MEMBER_DIRECTORY)
        return put_broken(members, member, place, "its link target is a directory", err);
    if (node && members->nodes[node].file == file)
        return 0; /* it is that file already */
    if (!node) {
        int result =
            members_add_child(members, place->parent, place->name, place->name_len, file, &node, err);
        if (result == 0)
            members->files[file].links++;
        return result;
    }
    if (members->nodes[node].children) {
        refuse_member(members, member->path, "a directory that is not empty has its name");
        return 0;
    }
    file_of(members, node)->links--; /* without a name it is dropped in the end */
    members->nodes[node].file = file;
    members->files[file].links++;
    return 0;
}

/* Keeps the extents of a sparse file. */
static int add_extents(struct members *members, const struct tar_member *member, struct member_file *file,
                       struct error *err)
{
    size_t count = member->extent_count;
    if (count > MEMBERS_EXTENTS_MAX - members->extent_count)
        return error_set(err, E2BIG, "tar: sparse files of more than %d parts in all", MEMBERS_EXTENTS_MAX);
    file->first = (uint32_t)members->extent_count;
    file->count = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        if (array_room(members->extents, members->extent_count, members->extent_capacity) < 0)
            return error_errno(err, ENOMEM, "tar");
        members->extents[members->extent_count++] = member->extents[i];
    }
    return 0;
}

static int put_file(struct members *members, const struct tar_member *member, const struct place *place,
                    struct error *err)
{
    static const enum member_type types[] = {
        [TAR_FILE] = MEMBER_FILE,       [TAR_DIRECTORY] = MEMBER_DIRECTORY,
        [TAR_SYMLINK] = MEMBER_SYMLINK, [TAR_CHARACTER] = MEMBER_CHARACTER,
        [TAR_BLOCK] = MEMBER_BLOCK,     [TAR_FIFO] = MEMBER_FIFO,
    };
    struct member_file file = {.type = types[member->type],
                               .sparse = member->sparse,
                               .mode = member->mode,
                               .links = 1,
                               .mtime_ns = member->mtime_ns,
                               .offset = member->offset,
                               .size = member->size};
    int result = members_hash_end(&members->hash, member, &file, err);
    if (result == 0 && member->sparse)
        result = add_extents(members, member, &file, err);
    if (result == 0 && member->type == TAR_SYMLINK) {
        file.count = (uint32_t)member->link_len;
        result = members_add_text(members, member->link, member->link_len, &file.first, err);
    }
    return result < 0 ? result : put_at(members, member, place, &file, err);
}

static int on_begin(void *context, const struct tar_member *member, struct error *err)
{
    struct members *members = context;
    return members_hash_begin(&members->hash, member, err);
}

static int on_data(void *context, const struct tar_member *member, const void *bytes, size_t len,
                   struct error *err)
{
    struct members *members = context;
    return members_hash_data(&members->hash, member, bytes, len, err);
}

static int on_end(void *context, const struct tar_member *member, struct error *err)
{
    struct members *members = context;
    struct place place;
    int result = find_place(members, member, &place, err);
    if (result < 0)
        return result;
    if (!place.why && member->type == TAR_SYMLINK && member->link_len > MEMBERS_LINK_MAX)
        place.why = "its link target is too long";
    if (place.why) {
        refuse_member(members, member->path, place.why);
        return 0;
    }
    return member->type == TAR_HARD_LINK ? put_hard_link(members, member, &place, err)
                                         : put_file(members, member, &place, err);
}

const struct tar_handler members_handler = {on_begin, on_data, on_end, refuse_member};

int members_new(const struct tar_limits *limits, members_note_fn note_fn, void *context,
                struct members **ret_members, struct error *err)
{
    struct members *members = calloc(1, sizeof *members);
    uint32_t root;
    if (!members)
        return error_errno(err, ENOMEM, "tar");
    members->limits = limits ? *limits : (struct tar_limits)TAR_LIMITS;
    members->text.max =
        members->limits.name_bytes < UINT32_MAX / 2 ? members->limits.name_bytes : UINT32_MAX / 2;
    members->note = note_fn;
    members->context = context;
    if (getrandom(&members->index.seed, sizeof members->index.seed, GRND_NONBLOCK) < 0)
        members->index.seed = (uint64_t)(uintptr_t)members; /* early at boot: better than nothing */
    int result = members_hash_init(&members->hash, members->limits.hole_bytes, err);
    if (result == 0)
        result = add_name(members, 0, "", 0, &made_directory, &root, err);
    if (result < 0) {
        members_free(members);
        return result;
    }
    *ret_members = members;
    return 0;
}

int members_look(const struct members *members, const char *path, struct member_file *ret_file,
                 const char **ret_link)
{
    uint32_t node = find_node(members, path);
    if (!node)
        return -ENOENT;
    *ret_file = *file_of(members, node);
    bool link = ret_file->type == MEMBER_SYMLINK || ret_file->type == MEMBER_BROKEN;
    *ret_link = strbuf_text(&members->text) + (link ? ret_file->first : 0);
    return 0;
}

uint64_t members_refused(const struct members *members)
{
    return members->refused;
}

void members_empty(struct members *members)
{
    free(members->nodes);
    free(members->files);
    free(members->extents);
    strbuf_done(&members->text);
    free(members->index.slots);
    members->nodes = NULL;
    members->files = NULL;
    members->extents = NULL;
    members->index.slots = NULL;
}

void members_free(struct members *members)
{
    if (!members)
        return;
    members_hash_done(&members->hash);
    members_empty(members);
    free(members);
}
