/* What a partner reports: an event of a PUBLISH body, read with as little work as will do. */
#ifndef FLOOR_REPORT_H
#define FLOOR_REPORT_H

#include <stddef.h>
#include <stdint.h>

struct text {
    const char *start;
    size_t bytes;
};

/* The texts point into the body. */
struct report {
    struct text id, source, subject, behaviour, unit, quantity, time;
};

/* Reads the next event from `cursor` on and moves it behind the event; 0 at the end of the array.
   Nothing is checked: the bytes come from a generator that is known to write sound events. */
int next_report(const char **cursor, const char *end, struct report *report);

/* A decimal in millionths. */
int64_t millionths(struct text text);

/* RFC 3339 in milliseconds since 1970-01-01T00:00:00Z. */
int64_t instant(struct text text);

/* 128 bits of FNV-1a, in two lanes: enough to tell generated ids apart. */
struct hash {
    uint64_t high, low;
};

struct hash hash_of(struct text first, struct text second);

#endif
