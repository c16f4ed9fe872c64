#include "table.h"

#include <stdlib.h>

struct table table_of(uint64_t expected) {
    uint64_t size = 1024;
    while (size < expected * 2) size *= 2;
    struct table table = {calloc(size, sizeof(struct entry)), size - 1, 0};
    return table;
}

static void grow(struct table *table) {
    struct table larger = table_of(table->mask + 1);
    for (uint64_t i = 0; i <= table->mask; i++) {
        struct entry *old = &table->entries[i];
        if (old->key.high == 0 && old->key.low == 0) continue;
        int is_new;
        *table_entry(&larger, old->key, &is_new) = *old;
    }
    free(table->entries);
    *table = larger;
}

struct entry *table_entry(struct table *table, struct hash key, int *is_new) {
    if (table->count * 4 > table->mask * 3) grow(table);
    uint64_t place = (key.high ^ (key.low >> 17)) * 0x9e3779b97f4a7c15u;
    for (place = (place >> 20) & table->mask;; place = (place + 1) & table->mask) {
        struct entry *entry = &table->entries[place];
        if (entry->key.high == key.high && entry->key.low == key.low) {
            *is_new = 0;
            return entry;
        }
        if (entry->key.high == 0 && entry->key.low == 0) {
            entry->key = key;
            table->count++;
            *is_new = 1;
            return entry;
        }
    }
}
