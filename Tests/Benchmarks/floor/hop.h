/* A hop between two stages: blocks over PUB and SUB, an empty one at the end. */
#ifndef FLOOR_HOP_H
#define FLOOR_HOP_H

#include <stddef.h>

#include "stages.h"

/* XPUB, bound in the folder; waits until so many have subscribed, so that nothing is missed. */
void *publisher(void *context, const char *folder, const char *stream);
void await_subscribers(void *socket, int count);
/* Sends acts as blocks of at most `batch_events_max`; one without any tells the end. */
void publish(void *socket, const struct act *acts, size_t count);
void publish_end(void *socket);

void *subscriber(void *context, const char *folder, const char *stream);

/* Takes what has come into `acts`, which has room for `taken_events_max`; waits for the first block
   only, stops at a whole transaction, and sets `*ended` when the last block came. */
size_t receive(void *socket, struct act *acts, int *ended);

#endif
