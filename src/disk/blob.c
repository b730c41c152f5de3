/* Tables of contents on disk; see blob.h. */
#include "disk/blob.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "disk/disk_internal.h"

static int write_whole(int fd, const char *identity, uint32_t identity_len, const void *bytes, size_t len)
{
    uint32_t head = htole32(identity_len);
    FILE *out = fdopen(fd, "w");
    if (!out) {
        (void)close(fd);
        return -errno;
    }
    bool written = fwrite(&head, sizeof head, 1, out) == 1 && fwrite(identity, identity_len, 1, out) == 1 &&
                   fwrite(bytes, len, 1, out) == 1;
    written = fclose(out) == 0 && written;
    return written ? 0 : errno ? -errno : -EIO;
}

void table_write(struct disk *disk, const char *identity, size_t identity_len, const void *bytes, size_t len)
{
    char name[IDENTITY_NAME];
    char temporary[64];
    if (!disk_may_write(disk) || identity_len > IDENTITY_MAX || space_reserve(&disk->space, len) < 0)
        return;
    identity_name(identity, identity_len, name);
    (void)snprintf(temporary, sizeof temporary, "new-%ld-%" PRIu64, (long)getpid(),
                   atomic_fetch_add(&disk->temporaries, 1));
    int fd = disk_open_file(disk->tables_fd, temporary, O_WRONLY | O_CREAT | O_EXCL);
    errno = 0;
    int result = fd < 0 ? fd : write_whole(fd, identity, (uint32_t)identity_len, bytes, len);
    if (result == 0 && renameat(disk->tables_fd, temporary, disk->tables_fd, name) < 0)
        result = -errno;
    if (result < 0) {
        (void)unlinkat(disk->tables_fd, temporary, 0);
        space_return(&disk->space, len);
        disk_write_failed(disk, "cannot keep a table of contents", -result);
    }
}

/* Reads what stands behind the head; NULL where the file is another's or cut. */
static void *read_bytes(int fd, const char *identity, size_t identity_len, size_t *ret_len)
{
    uint32_t head;
    struct stat st;
    _cleanup_free_ char *found = malloc(identity_len + 1);
    struct iovec parts[] = {{&head, sizeof head}, {found, identity_len}};
    size_t before = sizeof head + identity_len;
    if (!found || fstat(fd, &st) < 0 || (uint64_t)st.st_size <= before ||
        (uint64_t)st.st_size - before > TABLE_BYTES_MAX || preadv(fd, parts, 2, 0) != (ssize_t)before ||
        le32toh(head) != identity_len || memcmp(found, identity, identity_len) != 0)
        return NULL;
    size_t len = (size_t)st.st_size - before;
    char *bytes = malloc(len);
    size_t done = 0;
    while (bytes && done < len) {
        ssize_t n = pread(fd, bytes + done, len - done, (off_t)(before + done));
        if (n <= 0) {
            free(bytes);
            return NULL;
        }
        done += (size_t)n;
    }
    *ret_len = len;
    return bytes;
}

void *table_read(struct disk *disk, const char *identity, size_t identity_len, size_t *ret_len)
{
    char name[IDENTITY_NAME];
    if (identity_len > IDENTITY_MAX)
        return NULL;
    identity_name(identity, identity_len, name);
    _cleanup_close_ int fd = disk_open_file(disk->tables_fd, name, O_RDONLY);
    return fd < 0 ? NULL : read_bytes(fd, identity, identity_len, ret_len);
}
