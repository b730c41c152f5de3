/* A disk cache in the scratch directory for the tests of it, and objects with the pattern of testing.h. */
#ifndef RUNFS_TESTS_DISK_DISK_TEST_H
#define RUNFS_TESTS_DISK_DISK_TEST_H

#include "cache/cache.h"
#include "disk/disk_internal.h"
#include "testing.h"

#define DISK_BLOCK ((uint64_t)CACHE_BLOCK_SIZE)

/* What the caches opened below said, and how often. */
extern char disk_noted[512];
extern unsigned disk_notes;

/* Opens the cache NAME of the scratch directory, without limits or of SIZE_MAX bytes. */
struct disk *disk_here(const char *name);
struct disk *disk_of_size(const char *name, uint64_t size_max);

/* Tries to open the cache at PATH. */
int disk_try(const char *path, struct disk **ret_disk, struct error *err);

/* The object KEY. */
struct disk_object *disk_object_of(struct disk *disk, const char *key, uint64_t size);

/* Saves block NUMBER; 0 or -errno. */
int save_block(struct disk_object *object, uint64_t number);

/* Whether block NUMBER can be loaded; fails where it has wrong bytes. */
bool load_block(struct disk_object *object, uint64_t number);

/* A name, below the scratch directory, of a file of OBJECT in the cache NAME: its ".map" or ".data". */
const char *file_of(const char *name, const struct disk_object *object, const char *suffix);

/* Changes the byte at OFFSET of a file of the scratch directory. */
void flip_byte(const char *name, uint64_t offset);

uint64_t size_of_file(const char *name);
bool exists(const char *name);

/* What all files below NAME take, in bytes. */
uint64_t taken_below(const char *name);

/* How many descriptors the process has open. */
unsigned open_descriptors(void);

#endif
