/* A hash table in memory from 128 bits to a number: ids seen, subjects bound, sums by resident. */
#ifndef FLOOR_TABLE_H
#define FLOOR_TABLE_H

#include <stdint.h>

#include "report.h"

struct entry {
    struct hash key;
    int64_t value, other;
};

struct table {
    struct entry *entries;
    uint64_t mask, count;
};

struct table table_of(uint64_t expected);

/* The entry of `key`, made with zeros if there is none; `*is_new` says which. A key of all zeros is
   no key. */
struct entry *table_entry(struct table *table, struct hash key, int *is_new);

#endif
