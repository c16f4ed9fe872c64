/* Counts what this process asks of malloc, and marks the code whose instructions count. */
#ifndef GREENSEASON_ALLOCATIONS_H
#define GREENSEASON_ALLOCATIONS_H

#include <stdint.h>

/* Blocks that the calling thread has asked for so far, by malloc, calloc, realloc and the like. */
uint64_t greenseason_allocations(void);

/* Calls `body` with `context`: a function of its own, never inlined, so that callgrind can be told
   to collect inside it and nowhere else (--toggle-collect). */
void greenseason_measured(void (*body)(void *context), void *context);

#endif
