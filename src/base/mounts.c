/* The list is read to its end: the last mount at a place is the one on top. */
#include "base/mounts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define MOUNTINFO "/proc/self/mountinfo"

/* The fields before the optional ones: ID, parent, device, root, mountpoint, options. */
enum { FIELD_ID, FIELD_DEVICE = 2, FIELD_MOUNTPOINT = 4, FIELDS = 6 };

static bool is_octal(const char *digits)
{
    return strspn(digits, "01234567") >= 3;
}

/* Blanks, newlines and backslashes of names are written as \040 and the like. */
static void unescape_octal(char *text)
{
    char *out = text;
    for (; *text; out++) {
        if (*text == '\\' && is_octal(text + 1)) {
            *out = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0'));
            text += 4;
        } else {
            *out = *text++;
        }
    }
    *out = '\0';
}

bool mount_line_parse(char *line, struct mount_line *ret_mount)
{
    char *fields[FIELDS];
    char *end;
    char *type = strstr(line, " - ");
    if (!type)
        return false;
    *type = '\0';
    type += strlen(" - ");
    type[strcspn(type, " \n")] = '\0';
    for (int i = 0; i < FIELDS; i++)
        if (!(fields[i] = strsep(&line, " ")))
            return false;
    unescape_octal(fields[FIELD_MOUNTPOINT]);
    *ret_mount = (struct mount_line){.id = strtoull(fields[FIELD_ID], &end, 10),
                                     .device = fields[FIELD_DEVICE],
                                     .mountpoint = fields[FIELD_MOUNTPOINT],
                                     .type = type};
    return end != fields[FIELD_ID] && !*end;
}

/* The last of the mounts at MOUNTPOINT, or, where that is NULL, the one with the number ID. */
static int find_mount(const char *mountpoint, uint64_t id, struct mount *ret_mount)
{
    _cleanup_fclose_ FILE *list = fopen(MOUNTINFO, "re");
    _cleanup_free_ char *line = NULL;
    struct mount_line mount;
    size_t size = 0;
    int result = -ENOENT;
    if (!list)
        return -errno;
    while (getline(&line, &size, list) > 0) {
        if (!mount_line_parse(line, &mount) ||
            (mountpoint ? strcmp(mount.mountpoint, mountpoint) != 0 : mount.id != id))
            continue;
        (void)snprintf(ret_mount->device, sizeof ret_mount->device, "%s", mount.device);
        (void)snprintf(ret_mount->type, sizeof ret_mount->type, "%s", mount.type);
        result = 0;
    }
    return ferror(list) ? -EIO : result;
}

int mount_at(const char *mountpoint, struct mount *ret_mount)
{
    return find_mount(mountpoint, 0, ret_mount);
}

int mount_by_id(uint64_t id, struct mount *ret_mount)
{
    return find_mount(NULL, id, ret_mount);
}
