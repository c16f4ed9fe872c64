#include "hop.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "store.h"

static void *open_socket(
    void *context, int kind, const char *folder, const char *stream, int binds
) {
    char endpoint[512];
    snprintf(endpoint, sizeof endpoint, "ipc://%s/%s.ipc", folder, stream);
    void *socket = zmq_socket(context, kind);
    int unbounded = 0, linger = binds ? -1 : 0;
    /* Nothing is replayed here, so nothing may be dropped; a subscriber has nothing to say. */
    zmq_setsockopt(socket, ZMQ_SNDHWM, &unbounded, sizeof unbounded);
    zmq_setsockopt(socket, ZMQ_RCVHWM, &unbounded, sizeof unbounded);
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    if ((binds ? zmq_bind : zmq_connect)(socket, endpoint) != 0)
        fail(endpoint, zmq_strerror(errno));
    return socket;
}

void *publisher(void *context, const char *folder, const char *stream) {
    void *socket = open_socket(context, ZMQ_XPUB, folder, stream, 1);
    int verbose = 1;
    /* Otherwise the second of two equal subscriptions would not be told. */
    zmq_setsockopt(socket, ZMQ_XPUB_VERBOSE, &verbose, sizeof verbose);
    return socket;
}

void await_subscribers(void *socket, int count) {
    char subscription[64];
    for (int i = 0; i < count; i++) zmq_recv(socket, subscription, sizeof subscription, 0);
}

static void send_block(void *socket, const struct act *acts, size_t count) {
    if (zmq_send(socket, acts, count * sizeof(struct act), 0) < 0)
        fail("publish", zmq_strerror(errno));
}

void publish(void *socket, const struct act *acts, size_t count) {
    for (size_t sent = 0; sent < count; sent += batch_events_max) {
        size_t left = count - sent;
        send_block(socket, acts + sent, left < batch_events_max ? left : batch_events_max);
    }
}

void publish_end(void *socket) { send_block(socket, NULL, 0); }

void *subscriber(void *context, const char *folder, const char *stream) {
    void *socket = open_socket(context, ZMQ_SUB, folder, stream, 0);
    zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0);
    return socket;
}

size_t receive(void *socket, struct act *acts, int *ended) {
    size_t count = 0;
    while (!*ended && count < batch_events_max) {
        zmq_msg_t block;
        zmq_msg_init(&block);
        if (zmq_msg_recv(&block, socket, count == 0 ? 0 : ZMQ_DONTWAIT) < 0) {
            if (errno == EAGAIN) break;
            fail("receive", zmq_strerror(errno));
        }
        size_t bytes = zmq_msg_size(&block);
        if (bytes == 0) *ended = 1;
        memcpy(acts + count, zmq_msg_data(&block), bytes);
        count += bytes / sizeof(struct act);
        zmq_msg_close(&block);
    }
    return count;
}
