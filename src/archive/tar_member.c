/* Members of a tar archive: what their header and the headers before it say together. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "archive/tar_internal.h"
#include "archive/tar_name.h"
#include "archive/tar_number.h"

static const char map_too_long[] = "its sparse map is longer than its data";

/* The first reason counts. */
static void set_fault(struct tar *tar, const char *why)
{
    if (!tar->fault)
        tar->fault = why;
}

static bool is_plain_file(char type)
{
    return type == '0' || type == '\0' || type == '7';
}

/* A type by its letter, as POSIX and GNU have them; what POSIX does not name is a file. Whether it is no vendor's. */
static bool type_of(char letter, enum tar_type *ret_type)
{
    static const enum tar_type types[] = {['1' - '1'] = TAR_HARD_LINK, ['2' - '1'] = TAR_SYMLINK,
                                          ['3' - '1'] = TAR_CHARACTER, ['4' - '1'] = TAR_BLOCK,
                                          ['5' - '1'] = TAR_DIRECTORY, ['6' - '1'] = TAR_FIFO};
    if (letter >= '1' && letter <= '6')
        *ret_type = types[letter - '1'];
    else
        *ret_type = letter == 'D' ? TAR_DIRECTORY : TAR_FILE; /* a directory of GNU's incremental archives */
    return letter < 'A' || letter > 'Z' || letter == 'D' || letter == 'S';
}

/* Bytes of data behind the header. */
static int read_data_size(struct tar *tar, struct error *err)
{
    char type = tar->header.type;
    const struct tar_pax_number *pax = tar_pax_number(&tar->own.size, &tar->global.size);
    int64_t size;
    int64_t end;
    int result = tar_field(tar->header.size, sizeof tar->header.size, &size);
    if (pax->set) {
        size = pax->value;
        result = 0;
    }
    if (type >= '1' && type <= '6')
        size = result = 0;
    if (result < 0 || size < 0 || __builtin_add_overflow((int64_t)(tar->offset + TAR_BLOCK_SIZE), size, &end))
        return error_set(err, EBADMSG, "tar header at %" PRIu64 ": its size makes no sense",
                         tar->member.header);
    tar->data = (uint64_t)size;
    return 0;
}

/* The name as the archive has it: of a pax record, a long name of GNU's, or the header. */
static const char *raw_name(struct tar *tar, size_t *ret_len)
{
    const struct tar_pax_text *pax = tar_pax_text(&tar->own.path, &tar->global.path);
    if (tar->own.sparse_name.set && tar->own.sparse_name.len)
        pax = &tar->own.sparse_name;
    if (pax->set) {
        *ret_len = pax->len;
        return pax->text;
    }
    if (tar->long_name.too_long)
        set_fault(tar, "its name is too long");
    if (!tar->long_name.set || tar->long_name.too_long)
        tar_header_name(&tar->header, &tar->raw);
    const struct strbuf *text =
        tar->long_name.set && !tar->long_name.too_long ? &tar->long_name.text : &tar->raw;
    *ret_len = text->len;
    return strbuf_text(text);
}

static int resolve_name(struct tar *tar, const char **ret_raw, struct error *err)
{
    size_t len;
    const char *raw = raw_name(tar, &len);
    const char *fault = tar_name_normalise(raw, len, &tar->path);
    if (tar->raw.failed || tar->path.failed)
        return error_errno(err, ENOMEM, "tar");
    if (fault)
        set_fault(tar, fault);
    /* old programs mark directories by a slash alone */
    if (len && raw[len - 1] == '/' && is_plain_file(tar->header.type))
        tar->member.type = TAR_DIRECTORY;
    if (!tar->path.len && tar->member.type != TAR_DIRECTORY)
        set_fault(tar, "its name is empty");
    tar->member.path = strbuf_text(&tar->path);
    tar->member.path_len = tar->path.len;
    *ret_raw = raw;
    return 0;
}

/* The target as the archive has it, like raw_name(). Only what the header itself holds has no NUL behind it. */
static const char *raw_link(struct tar *tar, size_t *ret_len)
{
    const struct tar_pax_text *pax = tar_pax_text(&tar->own.link, &tar->global.link);
    if (pax->set) {
        *ret_len = pax->len;
        return pax->text;
    }
    if (tar->long_link.too_long)
        set_fault(tar, "its link target is too long");
    if (tar->long_link.set) {
        *ret_len = tar->long_link.text.len;
        return strbuf_text(&tar->long_link.text);
    }
    *ret_len = strnlen(tar->header.link, sizeof tar->header.link);
    return tar->header.link;
}

static int resolve_link(struct tar *tar, struct error *err)
{
    size_t len = 0;
    const char *target = NULL;
    strbuf_clear(&tar->target);
    if (tar->member.type == TAR_SYMLINK || tar->member.type == TAR_HARD_LINK)
        target = raw_link(tar, &len);
    if (target && tar->member.type == TAR_HARD_LINK) {
        if (tar_name_normalise(target, len, &tar->target) || !tar->target.len)
            set_fault(tar, "its link target cannot be a member");
    } else if (target) {
        if (len == 0)
            set_fault(tar, "its link target is empty");
        else if (len > TAR_NAME_MAX)
            set_fault(tar, "its link target is too long");
        else if (memchr(target, '\0', len))
            set_fault(tar, "its link target holds a NUL byte");
        else
            strbuf_add(&tar->target, target, len);
    }
    tar->member.link = strbuf_text(&tar->target);
    tar->member.link_len = tar->target.len;
    return tar->target.failed ? error_errno(err, ENOMEM, "tar") : 0;
}

static void resolve_attributes(struct tar *tar)
{
    const struct tar_pax_number *mtime = tar_pax_number(&tar->own.mtime, &tar->global.mtime);
    int64_t mode = 0;
    int64_t seconds = 0;
    if (tar_field(tar->header.mode, sizeof tar->header.mode, &mode) < 0)
        set_fault(tar, "its mode is invalid");
    if (!mtime->set && tar_field(tar->header.mtime, sizeof tar->header.mtime, &seconds) < 0)
        set_fault(tar, "its mtime is invalid");
    if (tar->own.fault || tar->global.fault)
        set_fault(tar, tar->own.fault ? tar->own.fault : tar->global.fault);
    tar->member.mode = (uint32_t)mode & 07777;
    tar->member.mtime_ns = mtime->set ? mtime->value : tar_seconds(seconds);
}

/* Where the data lie; of a sparse file, its size and where its parts lie. */
static void resolve_data(struct tar *tar)
{
    struct tar_member *member = &tar->member;
    bool is_file = member->type == TAR_FILE;
    const struct tar_pax_number *pax = &tar->own.sparse_size;
    int64_t size = pax->value;
    member->offset = tar->offset;
    member->stored = member->size = is_file ? tar->data : 0;
    member->sparse = member->sparse && is_file;
    if (!member->sparse)
        return;
    if (tar->header.type == 'S') {
        const unsigned char *field = tar->header.tail.old.real_size;
        if (tar_field(field, sizeof tar->header.tail.old.real_size, &size) < 0 || size < 0)
            set_fault(tar, "its size makes no sense");
    } else if (!pax->set || pax->blank) {
        set_fault(tar, "its sparse map lacks the file's size");
    }
    member->size = size < 0 ? 0 : (uint64_t)size;
    tar_sparse_finish(&tar->sparse, member->size, member->stored, member->offset);
    if (tar->sparse.fault)
        set_fault(tar, tar->sparse.fault);
    member->extents = tar->sparse.extents;
    member->extent_count = tar->sparse.count;
}

void tar_member_clear(struct tar *tar)
{
    tar_pax_clear(&tar->own);
    tar_sparse_clear(&tar->sparse);
    tar->long_name.set = tar->long_name.too_long = false;
    tar->long_link.set = tar->long_link.too_long = false;
    tar->announced = false;
}

int tar_member_end(struct tar *tar, struct error *err)
{
    int result = tar->handler->end(tar->context, &tar->member, err);
    if (result < 0)
        return result;
    tar_member_clear(tar);
    tar_skip(tar, tar_padding(tar->data));
    return 0;
}

/* Headers and sparse map have been read; the data begin here. A volume's label is no member. */
static int open_member(struct tar *tar, struct error *err)
{
    const char *raw = "";
    uint64_t rest = tar->data + tar_padding(tar->data);
    int result = resolve_name(tar, &raw, err);
    if (result == 0)
        result = resolve_link(tar, err);
    if (result < 0)
        return result;
    resolve_attributes(tar);
    resolve_data(tar);
    if (tar->fault) {
        if (tar->header.type != 'V')
            tar->handler->refused(tar->context, raw, tar->fault);
        tar_member_clear(tar);
        tar_skip(tar, rest);
        return 0;
    }
    tar->name_bytes += tar->member.path_len + tar->member.link_len;
    if (tar->name_bytes > tar->limits.name_bytes)
        return error_set(err, E2BIG, "tar: names of more than %" PRIu64 " bytes in all",
                         tar->limits.name_bytes);
    result = tar->handler->begin(tar->context, &tar->member, err);
    if (result < 0)
        return result;
    if (tar->member.stored) {
        tar->state = TAR_IN_DATA;
        tar->left = tar->data;
        return 0;
    }
    result = tar_member_end(tar, err);
    tar_skip(tar, rest); /* with a directory's data, if any */
    return result;
}

/* Of which form a pax sparse file is, if it is one: 1.0 has its map before the data, older ones in the header. */
static void start_pax_sparse(struct tar *tar)
{
    const struct tar_pax *pax = &tar->own;
    if (pax->major.set && pax->major.value == 1 && pax->minor.value == 0) {
        tar->member.sparse = true;
        tar->map = (struct tar_map){0};
        if (tar->data)
            tar->state = TAR_IN_MAP;
        else
            set_fault(tar, map_too_long);
    } else if (pax->major.value) {
        set_fault(tar, "its sparse map is of an unknown form");
    } else if (pax->has_map || pax->sparse_size.set) {
        struct tar_sparse map = tar->own.map;
        tar->own.map = tar->sparse; /* the empty one, for its memory */
        tar->sparse = map;
        tar->member.sparse = true;
        if (pax->has_offset)
            set_fault(tar, "its sparse map has an offset without a size");
    }
}

int tar_member_start(struct tar *tar, struct error *err)
{
    if (tar->members++ >= tar->limits.members)
        return error_set(err, E2BIG, "tar: more than %" PRIu64 " members", tar->limits.members);
    tar->header = tar->block.header;
    tar->fault = NULL;
    tar->member = (struct tar_member){.header = tar->offset - TAR_BLOCK_SIZE};
    int result = read_data_size(tar, err);
    if (result < 0)
        return result;
    if (!type_of(tar->header.type, &tar->member.type))
        set_fault(tar, "its type is unknown");
    if (tar->header.type == 'S') {
        tar->member.sparse = true;
        if (tar_sparse_add_old(&tar->sparse, tar->header.tail.old.extents, OLD_SPARSE_IN_HEADER) < 0)
            return error_errno(err, ENOMEM, "tar");
        if (tar->header.tail.old.extended)
            tar->state = TAR_IN_EXTENSION;
    } else if (is_plain_file(tar->header.type)) {
        start_pax_sparse(tar);
    }
    return tar->state == TAR_AT_HEADER ? open_member(tar, err) : 0;
}

int tar_member_extension(struct tar *tar, struct error *err)
{
    const struct tar_extension *extension = &tar->block.extension;
    if (tar_sparse_add_old(&tar->sparse, extension->extents, OLD_SPARSE_IN_EXTENSION) < 0)
        return error_errno(err, ENOMEM, "tar");
    return extension->extended ? 0 : open_member(tar, err);
}

/* The map takes whole blocks of the member's data. */
int tar_member_map(struct tar *tar, struct error *err)
{
    bool whole = tar->data >= TAR_BLOCK_SIZE;
    tar->data -= whole ? TAR_BLOCK_SIZE : tar->data;
    if (whole && tar_map_read(&tar->map, &tar->sparse, tar->block.bytes) < 0)
        return error_errno(err, ENOMEM, "tar");
    if (!tar->map.complete && tar->data)
        return 0;
    if (!tar->map.complete)
        set_fault(tar, map_too_long);
    return open_member(tar, err);
}
