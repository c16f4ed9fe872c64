/* The four stages, each a process with a store of its own. */
#ifndef FLOOR_STAGES_H
#define FLOOR_STAGES_H

#include <stdint.h>

/* A transaction takes bodies of at most 1,000 events, or blocks of at most `batch_events_max`,
   until it has `batch_events_max`: less than `taken_events_max` in all. */
enum { batch_events_max = 2000, taken_events_max = 4000 };

struct settings {
    /* Where stores and sockets lie. */
    const char *folder;
    /* The city's bindings.csv: partner,subject,resident. */
    const char *bindings;
    int64_t events;
};

/* What a stage came to. It tells the parent through a pipe: a byte once it is ready to receive, and
   this once its last commit is on disk. */
struct outcome {
    int64_t events, milligrams, cpu_nanoseconds, peak_kibibytes;
};

/* One event on its way between stages: blocks are arrays of them. */
struct act {
    int64_t resident, time, quantity, worth;
    int32_t behaviour, day;
};

void ingest(const struct settings *settings, int parent);
void score(const struct settings *settings, int parent);
void reward(const struct settings *settings, int parent);
void credit(const struct settings *settings, int parent);

#endif
