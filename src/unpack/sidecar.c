/* Making the table of contents that is stored beside an archive; see sidecar.h. */
#include "unpack/sidecar.h"

#include <errno.h>
#include <stdlib.h>

#include "archive/pass.h"
#include "base/thread.h"
#include "unpack/archives.h"

static void on_note(void *context, const char *name, const char *why)
{
    const struct sidecar_config *config = context;
    config->note(config->context, name, why);
}

static bool on_progress(void *context, uint64_t encoded, uint64_t decoded, uint64_t trusted)
{
    const struct sidecar_config *config = context;
    (void)decoded, (void)trusted;
    config->progress(config->context, encoded);
    return true;
}

/* Whether a mount could use it. */
static int check_table(const struct pass_result *table, struct error *err)
{
    if (!table->toc->complete)
        return error_set(err, EBADMSG, "%s", table->toc->problem);
    if (table->len > ARCHIVES_SIDECAR_MAX)
        return error_set(err, EFBIG, "a table of %zu bytes would not be used", table->len);
    return 0;
}

int sidecar_make(const struct sidecar_config *config, struct reader *encoded, const struct wait *wait,
                 unsigned char **ret_bytes, size_t *ret_len, struct error *err)
{
    struct sidecar_config copy = *config;
    struct pass_result table;
    struct pass_config pass = {.threads = thread_cores(),
                               .tar = &archives_tar_limits,
                               .etag = config->etags,
                               .note = on_note,
                               .go_on = on_progress,
                               .context = &copy};
    int result = pass_run(&pass, encoded, wait, &table, err);
    if (result < 0)
        return result;
    result = check_table(&table, err);
    toc_free(table.toc);
    if (result < 0) {
        free(table.bytes);
        return result;
    }
    *ret_bytes = table.bytes;
    *ret_len = table.len;
    return 0;
}
