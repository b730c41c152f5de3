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

static int pass_over(const struct sidecar_config *config, struct reader *encoded, const struct wait *wait,
                     struct pass_result *ret_table, struct error *err)
{
    struct sidecar_config copy = *config;
    struct pass_config pass_config = {.threads = thread_cores(),
                                      .tar = &archives_tar_limits,
                                      .etag = config->etags,
                                      .note = on_note,
                                      .context = &copy};
    struct pass_progress progress;
    struct pass *pass = NULL;
    int result = pass_open(&pass_config, encoded, wait, &pass, err);
    while (result == 0 && (result = pass_step(pass, err)) > 0) {
        pass_progress(pass, &progress);
        config->progress(config->context, progress.encoded);
        result = 0;
    }
    if (result == 0)
        result = pass_finish(pass, ret_table, err);
    pass_close(pass);
    return result;
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
    struct pass_result table;
    int result = pass_over(config, encoded, wait, &table, err);
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
