/* Stands in for libFuzzer where a fuzzer is an ordinary test: runs it over every file of the directories
   named. */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The file is given out in a block of its exact size, so that memory checkers see a read past its end. */
static void run_file(int dir, const char *name)
{
    struct stat st;
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0) {
        perror(name);
        exit(EXIT_FAILURE);
    }
    size_t size = (size_t)st.st_size;
    uint8_t *data = malloc(size ? size : 1);
    if (!data || read(fd, data, size) != (ssize_t)size) {
        perror(name);
        exit(EXIT_FAILURE);
    }
    (void)close(fd);
    (void)printf("%s\n", name);
    (void)fflush(stdout); /* the last one named is the one that crashed */
    (void)LLVMFuzzerTestOneInput(data, size);
    free(data);
}

static unsigned run_directory(const char *path)
{
    unsigned count = 0;
    DIR *dir = opendir(path);
    if (!dir) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    for (const struct dirent *entry; (entry = readdir(dir));)
        if (entry->d_name[0] != '.') {
            run_file(dirfd(dir), entry->d_name);
            count++;
        }
    (void)closedir(dir);
    return count;
}

int main(int argc, char **argv)
{
    unsigned count = 0;
    for (int i = 1; i < argc; i++)
        count += run_directory(argv[i]);
    (void)printf("%u inputs\n", count);
    return count ? EXIT_SUCCESS : EXIT_FAILURE;
}
