/* A preloaded library for tests: the allocation number FAIL_MALLOC_NTH of those of at least FAIL_MALLOC_SIZE bytes fails, in
   malloc, calloc or realloc; those before and after it do not. */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

static atomic_long seen;

static bool must_fail(size_t size)
{
    static _Atomic size_t size_min;
    static atomic_long nth;
    if (!atomic_load(&size_min)) { /* getenv() does not allocate */
        const char *n = getenv("FAIL_MALLOC_NTH");
        const char *min = getenv("FAIL_MALLOC_SIZE");
        atomic_store(&nth, n ? strtol(n, NULL, 10) : 0);
        atomic_store(&size_min, min ? strtoul(min, NULL, 10) : (size_t)-1);
    }
    if (size < atomic_load(&size_min) || atomic_fetch_add(&seen, 1) + 1 != atomic_load(&nth))
        return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return must_fail(size) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return must_fail(size ? count * size : 0) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return must_fail(size) ? NULL : __libc_realloc(old, size);
}
