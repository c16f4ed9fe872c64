#include "timer.h"

#include <sys/timerfd.h>
#include <time.h>

int greenseason_timer_open(void) {
    return timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
}

void greenseason_timer_set(int timer, int64_t nanoseconds) {
    struct itimerspec when = {
        .it_value = {nanoseconds / 1000000000, nanoseconds % 1000000000}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
}
