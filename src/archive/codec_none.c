/* A plain tar: no compression, told by its first header. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "archive/codec_internal.h"

#define TAR_HEADER 512
#define SUM_AT     148
#define SUM_LEN    8
#define MAGIC_AT   257

/* An octal number with blanks before it, ended by a blank or NUL: false where there is none. */
static bool parse_sum(const uint8_t *field, uint32_t *ret_sum)
{
    size_t i = 0;
    uint32_t sum = 0;
    while (i < SUM_LEN && field[i] == ' ')
        i++;
    size_t first = i;
    for (; i < SUM_LEN && field[i] >= '0' && field[i] <= '7'; i++)
        sum = sum * 8 + (field[i] - '0');
    if (i == first || (i < SUM_LEN && field[i] != ' ' && field[i] != '\0'))
        return false;
    *ret_sum = sum;
    return true;
}

/* The sum counts its own field as blanks; some old programs summed signed bytes. */
static bool has_right_sum(const uint8_t *head)
{
    uint32_t wanted;
    uint32_t sum = 0;
    uint32_t signed_sum = 0;
    if (!parse_sum(head + SUM_AT, &wanted))
        return false;
    for (size_t i = 0; i < TAR_HEADER; i++) {
        uint8_t byte = i >= SUM_AT && i < SUM_AT + SUM_LEN ? ' ' : head[i];
        sum += byte;
        signed_sum += byte < 0x80 ? byte : byte - UINT32_C(256);
    }
    return wanted == sum || wanted == signed_sum;
}

/* A header of V7's time has no magic. */
static bool none_matches(const uint8_t *head, size_t len)
{
    if (len < TAR_HEADER)
        return false;
    return memcmp(head + MAGIC_AT, "ustar", 5) == 0 || (head[0] != '\0' && has_right_sum(head));
}

/* No boundary means more than another: every offset is one, and there are no units. */
static int none_run(struct codec_decoder *d, const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap,
                    struct codec_step *step, struct error *err)
{
    size_t len = in_len < out_cap ? in_len : out_cap;
    (void)d, (void)err;
    if (len > 0)
        memcpy(out, in, len);
    step->used = step->made = len;
    step->boundary = step->unchecked = true;
    return 0;
}

static int none_finish(struct codec_decoder *d, struct error *err)
{
    (void)d, (void)err;
    return 0;
}

static void none_point(const struct codec_decoder *d, struct codec_point *point)
{
    (void)d;
    point->kind = CODEC_AT_START;
}

static uint64_t none_memory(const struct codec_decoder *d)
{
    return sizeof *d;
}

static void none_close(struct codec_decoder *d)
{
    free(d);
}

static const struct codec_decoder_ops none_ops = {none_run, none_finish, none_point, none_memory, none_close};

static struct codec_decoder *none_allocate(void)
{
    struct codec_decoder *d = calloc(1, sizeof *d);
    if (d)
        d->ops = &none_ops;
    return d;
}

static int none_open_at(struct codec_decoder *d, const struct codec_point *at, struct error *err)
{
    (void)d;
    if (at->kind != CODEC_AT_START || at->blob_len != 0 || at->decoded != at->encoded)
        return error_set(err, EIO, "none: not a restart point");
    return 0;
}

const struct codec codec_none = {.name = "none",
                                 .direct = true,
                                 .matches = none_matches,
                                 .allocate = none_allocate,
                                 .open_at = none_open_at};
