#define _GNU_SOURCE
#include "allocations.h"

#include <errno.h>
#include <stddef.h>

/* A program's own malloc goes before glibc's for every library it loads (malloc(3), "Replacing
   malloc"); these count, and hand on to what glibc calls its own by these names. */
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
void __libc_free(void *);

static _Thread_local uint64_t count;

void *malloc(size_t bytes) {
    count++;
    return __libc_malloc(bytes);
}

void *calloc(size_t members, size_t bytes) {
    count++;
    return __libc_calloc(members, bytes);
}

void *realloc(void *block, size_t bytes) {
    count++;
    return __libc_realloc(block, bytes);
}

void *memalign(size_t alignment, size_t bytes) {
    count++;
    return __libc_memalign(alignment, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) {
    count++;
    return __libc_memalign(alignment, bytes);
}

int posix_memalign(void **block, size_t alignment, size_t bytes) {
    count++;
    void *found = __libc_memalign(alignment, bytes);
    if (found == NULL) return ENOMEM;
    *block = found;
    return 0;
}

void free(void *block) { __libc_free(block); }

uint64_t greenseason_allocations(void) { return count; }

__attribute__((noinline)) void greenseason_measured(void (*body)(void *context), void *context) {
    body(context);
    /* Keeps the call from becoming a jump, after which nobody would return here. */
    __asm__ volatile("");
}
