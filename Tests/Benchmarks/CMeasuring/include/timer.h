/* A timer that wakes a poll to the microsecond; Swift's Glibc module does not hold it. */
#ifndef GREENSEASON_TIMER_H
#define GREENSEASON_TIMER_H

#include <stdint.h>

/* A file descriptor that can be read from a set time on; -1 with errno if there is none. */
int greenseason_timer_open(void);

/* Sets it to `nanoseconds` of CLOCK_MONOTONIC; what was set before is forgotten. */
void greenseason_timer_set(int timer, int64_t nanoseconds);

#endif
