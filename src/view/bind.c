#include "view/bind.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <runfs/view.h>

#include "base/strbuf.h"

int bind_split(const char *text, size_t *ret_name_len)
{
    size_t len = strcspn(text, "=");
    if (!text[len] || !text[len + 1] || runfs_bind_name_check(text, len, NULL) < 0)
        return -EINVAL;
    *ret_name_len = len;
    return 0;
}

const char *bind_source(const char *text)
{
    return strchr(text, '=') + 1;
}

static bool is_of(const char *bind, const char *name, size_t len)
{
    return strncmp(bind, name, len) == 0 && bind[len] == '=';
}

/* The last text of NAME; COUNT where there is none. */
static size_t find(const char *const *binds, size_t count, const char *name, size_t len)
{
    for (size_t i = count; i > 0; i--)
        if (is_of(binds[i - 1], name, len))
            return i - 1;
    return count;
}

/* COUNT + 1 names on the way are one too many: follows the way again to tell it. */
static int cycle(const char *const *binds, size_t count, const char *name, size_t len, struct error *err)
{
    _cleanup_strbuf_ struct strbuf way = STRBUF_INIT(ERROR_MESSAGE_MAX);
    size_t at = find(binds, count, name, len);
    for (size_t i = 0; i < count; i++) /* into the cycle, if it does not begin with NAME */
        at = find(binds, count, bind_source(binds[at]), strlen(bind_source(binds[at])));
    const char *first = binds[at];
    len = strcspn(first, "=");
    do {
        strbuf_addf(&way, "%.*s, ", (int)strcspn(binds[at], "="), binds[at]);
        at = find(binds, count, bind_source(binds[at]), strlen(bind_source(binds[at])));
    } while (binds[at] != first);
    return error_set(err, ELOOP, "bind=%.*s: cycle: %s%.*s", (int)len, first, strbuf_text(&way), (int)len,
                     first);
}

int bind_resolve(const char *const *binds, size_t count, const char *name, size_t len, size_t *ret_bind,
                 struct error *err)
{
    size_t at = find(binds, count, name, len);
    if (at == count)
        return error_set(err, ENOENT, "%.*s: no bind=%.*s=SOURCE names it", (int)len, name, (int)len, name);
    for (size_t steps = 0; steps <= count; steps++) {
        const char *source = bind_source(binds[at]);
        size_t next = find(binds, count, source, strlen(source));
        if (next == count) {
            *ret_bind = at;
            return 0;
        }
        at = next;
    }
    return cycle(binds, count, name, len, err);
}
