/* Takes artifact file names apart and makes them; targets, companions, endings of archives. */
#include <errno.h>
#include <runfs/artifact.h>
#include <string.h>

#include "base/strbuf.h"
#include "layout/ending.h"
#include "layout/fail.h"
#include "layout/text.h"

const char *const archive_endings[ARCHIVE_ENDINGS] = {
    [ARCHIVE_ZST] = ".tar.zst", [ARCHIVE_XZ] = ".tar.xz", [ARCHIVE_GZ] = ".tar.gz", [ARCHIVE_TAR] = ".tar"};
static const char companion_suffix[] = ".sha256sum";

const char *const *runfs_artifact_components(void)
{
    static const char *const components[] = {"lib", "run", "dbg", "dev", "doc", "test", NULL};
    return components;
}

size_t archive_ending(const char *name, size_t len)
{
    size_t i = 0;
    for (; i < ARCHIVE_ENDINGS; i++) {
        size_t ending = strlen(archive_endings[i]);
        if (len > ending && memcmp(name + len - ending, archive_endings[i], ending) == 0)
            break;
    }
    return i;
}

static bool is_part(struct runfs_span part)
{
    return part.len && span_find(part, '_') == part.len && span_find(part, '/') == part.len &&
           !has_control(part);
}

bool runfs_artifact_parse(const char *file, size_t len, struct runfs_artifact_name *ret_name)
{
    struct runfs_span rest = {file, len};
    struct runfs_artifact_name name = {0};
    size_t ending = archive_ending(file, len);
    if (ending != ARCHIVE_ZST && ending != ARCHIVE_XZ)
        return false;
    name.suffix = ending == ARCHIVE_ZST ? RUNFS_SUFFIX_ZST : RUNFS_SUFFIX_XZ;
    rest.len -= strlen(archive_endings[ending]);
    if (!span_take(&rest, '_', &name.name) || !span_take(&rest, '_', &name.component))
        return false;
    name.family = rest;
    if (!is_part(name.name) || !is_part(name.component) || !is_part(name.family))
        return false;
    *ret_name = name;
    return true;
}

int runfs_artifact_format(const struct runfs_artifact_name *name, char **ret_file, struct runfs_error *err)
{
    const struct runfs_span parts[] = {name->name, name->component, name->family};
    _cleanup_strbuf_ struct strbuf file = STRBUF_INIT(RUNFS_KEY_MAX);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!is_part(parts[i]))
            return layout_fail(err, EINVAL,
                               "artifact name part '%.*s': empty, or holds '_', '/' or a control character",
                               SPAN_ARG(parts[i]));
        strbuf_addf(&file, "%s%.*s", i ? "_" : "", SPAN_ARG(parts[i]));
    }
    strbuf_adds(&file, archive_endings[name->suffix == RUNFS_SUFFIX_ZST ? ARCHIVE_ZST : ARCHIVE_XZ]);
    return layout_take(&file, "artifact name", ret_file, err);
}

bool runfs_artifact_preferred(const struct runfs_artifact_name *a, const struct runfs_artifact_name *b)
{
    return a->suffix == RUNFS_SUFFIX_ZST && b->suffix == RUNFS_SUFFIX_XZ && span_equal(a->name, b->name) &&
           span_equal(a->component, b->component) && span_equal(a->family, b->family);
}

bool runfs_target_match(struct runfs_span a, struct runfs_span b)
{
    a.len = span_find(a, ':');
    b.len = span_find(b, ':');
    return span_equal(a, b);
}

bool runfs_target_wanted(struct runfs_span family, const char *const *targets, size_t count)
{
    if (count == 0 || span_is(family, "generic"))
        return true;
    for (size_t i = 0; i < count; i++)
        if (runfs_target_match(family, span_of(targets[i])))
            return true;
    return false;
}

int runfs_companion_name(const char *file, char **ret_companion, struct runfs_error *err)
{
    _cleanup_strbuf_ struct strbuf companion = STRBUF_INIT(RUNFS_KEY_MAX);
    if (!*file)
        return layout_fail(err, EINVAL, "companion: no file is named");
    strbuf_adds(&companion, file);
    strbuf_adds(&companion, companion_suffix);
    return layout_take(&companion, "companion's name", ret_companion, err);
}

bool runfs_companion_of(const char *file, size_t len, struct runfs_span *ret_owner)
{
    const size_t suffix_len = sizeof companion_suffix - 1;
    struct runfs_span owner = {file, len};
    if (len <= suffix_len || !span_ends(owner, span_of(companion_suffix)))
        return false;
    owner.len -= suffix_len;
    *ret_owner = owner;
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

int runfs_companion_parse(const char *content, size_t len, char ret_hex[RUNFS_SHA256_HEX_LEN + 1],
                          struct runfs_error *err)
{
    size_t start = 0;
    size_t end;
    while (start < len && is_space(content[start]))
        start++;
    for (end = start; end < len && !is_space(content[end]); end++)
        if (!(content[end] >= '0' && content[end] <= '9') && !(content[end] >= 'a' && content[end] <= 'f'))
            return layout_fail(err, EINVAL,
                               "sha256sum: the first word holds more than lower-case hexadecimal digits");
    if (end - start != RUNFS_SHA256_HEX_LEN)
        return layout_fail(err, EINVAL, "sha256sum: the first word has %zu digits, not %d", end - start,
                           RUNFS_SHA256_HEX_LEN);
    memcpy(ret_hex, content + start, RUNFS_SHA256_HEX_LEN);
    ret_hex[RUNFS_SHA256_HEX_LEN] = '\0';
    return 0;
}
