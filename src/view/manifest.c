/* Manifests of archives; see manifest.h. */
#include "view/manifest.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "unpack/member_copy.h"

static int parse(const char *text, size_t len, struct runfs_flatten **ret_places, struct error *err)
{
    struct runfs_error why;
    if (runfs_flatten_new(text, len, ret_places, &why) == 0)
        return 0;
    return error_set(err, why.code == EINVAL ? EBADMSG : why.code, "%s", why.message);
}

static int manifest_parse_member(struct archive *archive, const struct toc *toc, const struct wait *wait,
                                 struct runfs_flatten **ret_places, struct error *err)
{
    const struct member_table *table = toc->members;
    _cleanup_free_ char *text = NULL;
    uint32_t member;
    if (table->member_count == 1)
        return parse("", 0, ret_places, err);
    if (member_entry(table, 0, RUNFS_FLATTEN_MANIFEST, strlen(RUNFS_FLATTEN_MANIFEST), &member) < 0 ||
        member_file(table, member)->type != MEMBER_FILE)
        return error_set(err, EBADMSG, "has no manifest, so that its members have no place");
    const struct member_file *file = member_file(table, member);
    if (file->size > RUNFS_FLATTEN_SIZE_MAX)
        return error_set(err, EBADMSG, "its manifest is larger than %d bytes", RUNFS_FLATTEN_SIZE_MAX);
    int result =
        member_copy_get(archive, toc, table->members[member].file, RUNFS_FLATTEN_MANIFEST, wait, &text, err);
    return result < 0 ? result : parse(text, file->size, ret_places, err);
}

int manifest_get(struct archive *archive, const struct toc *toc, const struct wait *wait,
                 struct runfs_flatten **ret_places, struct error *err)
{
    int result = manifest_parse_member(archive, toc, wait, ret_places, err);
    return result == -EAGAIN ? result : error_prefix(err, result, "%s", archive_object(archive)->key);
}
