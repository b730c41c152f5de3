/* The tar reader's machine: from pieces of any size to headers, data and what lies between. */
#include "archive/tar.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "archive/tar_internal.h"
#include "archive/tar_number.h"

/* What is left of a piece. */
struct input {
    const unsigned char *bytes;
    size_t len;
};

/* Steps over LEN bytes. */
static void consume(struct tar *tar, struct input *in, size_t len)
{
    in->bytes += len;
    in->len -= len;
    tar->offset += len;
}

/* Collects a block; whether it is complete. */
static bool collect_block(struct tar *tar, struct input *in)
{
    size_t room = TAR_BLOCK_SIZE - tar->filled;
    size_t len = in->len < room ? in->len : room;
    memcpy(tar->block.bytes + tar->filled, in->bytes, len);
    tar->filled += len;
    consume(tar, in, len);
    if (tar->filled < TAR_BLOCK_SIZE)
        return false;
    tar->filled = 0;
    return true;
}

/* The content of a header that speaks of the next one, or of all that follow, is complete. */
static int finish_meta(struct tar *tar, struct error *err)
{
    tar_skip(tar, tar_padding(tar->meta.len));
    const char *text = strbuf_text(&tar->meta);
    if (tar->meta_type != 'L' && tar->meta_type != 'K')
        return tar_pax_parse(tar->meta_type == 'g' ? &tar->global : &tar->own, text, tar->meta.len, err);
    struct tar_long_name *name = tar->meta_type == 'L' ? &tar->long_name : &tar->long_link;
    strbuf_clear(&name->text);
    strbuf_add(&name->text, text, strnlen(text, tar->meta.len));
    name->set = true;
    name->too_long = false;
    return name->text.failed ? error_errno(err, name->text.failed, "tar") : 0;
}

/* A header that speaks of the next one, or of all that follow: its content comes next. */
static int start_meta(struct tar *tar, struct error *err)
{
    const struct tar_header *header = &tar->block.header;
    uint64_t at = tar->offset - TAR_BLOCK_SIZE;
    bool is_name = header->type == 'L' || header->type == 'K';
    int64_t size;
    if (tar_field(header->size, sizeof header->size, &size) < 0 || size < 0)
        return error_set(err, EBADMSG, "tar header at %" PRIu64 ": its size makes no sense", at);
    if (!is_name && size > TAR_PAX_MAX)
        return error_set(err, E2BIG, "tar header at %" PRIu64 ": a pax header of more than %u bytes", at,
                         TAR_PAX_MAX);
    tar->announced = tar->announced || header->type != 'g';
    tar->meta_type = header->type;
    strbuf_clear(&tar->meta);
    if (is_name && size > TAR_NAME_MAX + 1) { /* with its NUL; skipped here, and refuses its member later */
        struct tar_long_name *name = header->type == 'L' ? &tar->long_name : &tar->long_link;
        name->set = name->too_long = true;
        tar_skip(tar, (uint64_t)size + tar_padding((uint64_t)size));
        return 0;
    }
    tar->state = TAR_IN_META;
    tar->left = (uint64_t)size;
    return size ? 0 : finish_meta(tar, err);
}

static int take_header(struct tar *tar, struct error *err)
{
    uint64_t at = tar->offset - TAR_BLOCK_SIZE;
    if (tar_block_is_zero(tar->block.bytes)) {
        tar->state = TAR_BEHIND_END;
        return 0;
    }
    if (!tar_header_fits(&tar->block.header))
        return at ? error_set(err, EBADMSG, "tar header at %" PRIu64 ": its checksum is wrong", at)
                  : error_set(err, EBADMSG, "this is no tar archive");
    switch (tar->block.header.type) {
    case 'x':
    case 'X':
    case 'g':
    case 'L':
    case 'K':
        return start_meta(tar, err);
    default:
        return tar_member_start(tar, err);
    }
}

/* Takes bytes of a piece, which is not empty, up to the next change of state or its end. */
static int take_bytes(struct tar *tar, struct input *in, struct error *err)
{
    size_t len = in->len < tar->left ? in->len : (size_t)tar->left;
    int result = 0;
    switch (tar->state) {
    case TAR_AT_HEADER:
        return collect_block(tar, in) ? take_header(tar, err) : 0;
    case TAR_IN_EXTENSION:
        return collect_block(tar, in) ? tar_member_extension(tar, err) : 0;
    case TAR_IN_MAP:
        return collect_block(tar, in) ? tar_member_map(tar, err) : 0;
    case TAR_IN_META:
        strbuf_add(&tar->meta, in->bytes, len);
        if (tar->meta.failed)
            return error_errno(err, tar->meta.failed, "tar");
        consume(tar, in, len);
        tar->left -= len;
        return tar->left ? 0 : finish_meta(tar, err);
    case TAR_IN_DATA:
        result = tar->handler->data(tar->context, &tar->member, in->bytes, len, err);
        if (result < 0)
            return result;
        consume(tar, in, len);
        tar->left -= len;
        return tar->left ? 0 : tar_member_end(tar, err);
    case TAR_IN_SKIPPED:
        consume(tar, in, len);
        tar_skip(tar, tar->left - len);
        return 0;
    default:
        consume(tar, in, in->len);
        return 0;
    }
}

static const char *const state_texts[TAR_STATES] = {
    [TAR_AT_HEADER] = "a header",
    [TAR_IN_META] = "a pax header or long name",
    [TAR_IN_EXTENSION] = "a sparse map",
    [TAR_IN_MAP] = "a sparse map",
    [TAR_IN_DATA] = "a file",
    [TAR_IN_SKIPPED] = "a member",
    [TAR_BEHIND_END] = "nothing",
};

static int tar_fail_again(const struct tar *tar, struct error *err)
{
    if (err)
        *err = tar->failure;
    return -tar->failure.code;
}

int tar_feed(struct tar *tar, const void *bytes, size_t len, struct error *err)
{
    struct input in = {bytes, len};
    while (in.len && !tar->failure.code) {
        struct error why = {0};
        int result = take_bytes(tar, &in, &why);
        if (result < 0) {
            tar->failure = why;
            tar->failure.code = -result; /* a callback may have said nothing */
        }
    }
    return tar->failure.code ? tar_fail_again(tar, err) : 0;
}

int tar_end(struct tar *tar, struct error *err)
{
    bool between = tar->state == TAR_AT_HEADER && !tar->filled && !tar->announced;
    if (!tar->failure.code && tar->state != TAR_BEHIND_END && !between)
        (void)error_set(&tar->failure, EBADMSG, "tar: the archive ends at byte %" PRIu64 " within %s",
                        tar->offset, state_texts[tar->state]);
    return tar->failure.code ? tar_fail_again(tar, err) : 0;
}

int tar_new(const struct tar_limits *limits, const struct tar_handler *handler, void *context,
            struct tar **ret_tar, struct error *err)
{
    struct tar *tar = calloc(1, sizeof *tar);
    if (!tar)
        return error_errno(err, ENOMEM, "tar");
    tar->handler = handler;
    tar->context = context;
    tar->limits = limits ? *limits : (struct tar_limits)TAR_LIMITS;
    tar->meta.max = TAR_PAX_MAX;
    tar->raw.max = tar->path.max = tar->target.max = TAR_NAME_MAX;
    tar->long_name.text.max = tar->long_link.text.max = TAR_NAME_MAX + 1;
    *ret_tar = tar;
    return 0;
}

void tar_free(struct tar *tar)
{
    if (!tar)
        return;
    tar_pax_clear(&tar->own);
    tar_pax_clear(&tar->global);
    tar_sparse_done(&tar->own.map);
    tar_sparse_done(&tar->global.map);
    tar_sparse_done(&tar->sparse);
    strbuf_done(&tar->meta);
    strbuf_done(&tar->long_name.text);
    strbuf_done(&tar->long_link.text);
    strbuf_done(&tar->raw);
    strbuf_done(&tar->path);
    strbuf_done(&tar->target);
    free(tar);
}
