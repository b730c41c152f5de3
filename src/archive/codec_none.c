/* A plain tar: no compression, recognised by its first header. */
#include <errno.h>
#include <string.h>

#include "archive/codec_internal.h"
#include "archive/tar_header.h"

/* A header of V7's time has no magic. */
static bool none_matches(const uint8_t *head, size_t len)
{
    const struct tar_header *header = (const struct tar_header *)head;
    if (len < sizeof *header)
        return false;
    return memcmp(header->magic, "ustar", 5) == 0 || (header->name[0] && tar_header_fits(header));
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

static int none_open_at(struct codec_decoder *d, const struct codec_point *at, struct error *err)
{
    (void)d;
    return at->decoded == at->encoded ? 0 : error_set(err, EIO, "none: not a restart point");
}

static const struct codec_decoder_ops none_ops = {.run = none_run};

const struct codec codec_none = {.name = "none",
                                 .direct = true,
                                 .matches = none_matches,
                                 .ops = &none_ops,
                                 .size = sizeof(struct codec_decoder),
                                 .open_at = none_open_at};
