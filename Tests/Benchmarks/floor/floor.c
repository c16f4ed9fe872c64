/* What libzmq and SQLite can do on this machine with the work of GreenSeason's chain.

       floor FOLDER BODIES BINDINGS

   The same bytes over the same hops: PUBLISH bodies with durable receipts to an ingesting stage,
   from there to a scoring one, and on to rewards and credit; four processes with a store each (WAL,
   FULL), one transaction for at most 2,000 events, blocks over PUB and SUB. It does less than
   GreenSeason must: no CURVE, no validation, no chain of hashes, no caps, no lots, no replay. So it
   is a yardstick, not a rival.

   BODIES is a run of: events as 4 bytes, length as 4 bytes (both little-endian), body. Prints one
   JSON object; fails unless all four stores came to the same end. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "stages.h"
#include "store.h"

struct stage {
    const char *name;
    void (*work)(const struct settings *, int parent);
    int pipe;
    pid_t process;
    struct outcome outcome;
};

static struct stage stages[] = {
    {.name = "ingest", .work = ingest},
    {.name = "score", .work = score},
    {.name = "reward", .work = reward},
    {.name = "credit", .work = credit},
};
enum { stage_count = 4, bodies_in_flight_max = 16 };

/* A stage is its own process, begun before the bodies are in memory: its peak is its own. */
static void begin(struct stage *stage, const struct settings *settings) {
    int ends[2];
    if (pipe(ends) != 0) fail("pipe", strerror(errno));
    stage->process = fork();
    if (stage->process == 0) {
        /* Nobody waits for stages whose parent was ended. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        stage->work(settings, ends[1]);
        _exit(0);
    }
    close(ends[1]);
    stage->pipe = ends[0];
}

static void hear(struct stage *stage, void *bytes, size_t count) {
    if (read(stage->pipe, bytes, count) != (ssize_t)count) fail(stage->name, "ended early");
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct bodies {
    const char *bytes;
    size_t length;
    int64_t events;
};

static uint32_t word(const char *bytes) {
    uint32_t value;
    memcpy(&value, bytes, 4);
    return value;
}

static struct bodies map_bodies(const char *path) {
    int file = open(path, O_RDONLY);
    struct stat status;
    if (file < 0 || fstat(file, &status) != 0) fail(path, strerror(errno));
    struct bodies bodies = {.length = (size_t)status.st_size};
    bodies.bytes = mmap(NULL, bodies.length, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
    if (bodies.bytes == MAP_FAILED) fail(path, strerror(errno));
    for (size_t at = 0; at < bodies.length; at += 8 + word(bodies.bytes + at + 4))
        bodies.events += word(bodies.bytes + at);
    return bodies;
}

/* Sends all bodies, a few in flight, and returns when each has its receipt. */
static void send_all(struct bodies bodies, const char *folder, void *context) {
    char endpoint[512];
    snprintf(endpoint, sizeof endpoint, "ipc://%s/edge.ipc", folder);
    void *socket = zmq_socket(context, ZMQ_DEALER);
    if (zmq_connect(socket, endpoint) != 0) fail(endpoint, zmq_strerror(errno));
    int in_flight = 0;
    for (size_t at = 0; at < bodies.length || in_flight > 0;) {
        if (at < bodies.length && in_flight < bodies_in_flight_max) {
            uint32_t length = word(bodies.bytes + at + 4);
            if (zmq_send(socket, bodies.bytes + at + 8, length, 0) < 0)
                fail("send", zmq_strerror(errno));
            at += 8 + length;
            in_flight++;
        } else {
            int receipt;
            if (zmq_recv(socket, &receipt, sizeof receipt, 0) < 0)
                fail("receipt", zmq_strerror(errno));
            in_flight--;
        }
    }
    zmq_close(socket);
}

static int64_t ask_store(const char *folder, const char *name, const char *sql) {
    struct store store = store_open(folder, name, "");
    int64_t answer = ask(&store, sql);
    sqlite3_finalize(store.begin);
    sqlite3_finalize(store.commit);
    sqlite3_close(store.database);
    return answer;
}

/* All stores must hold the same events and the same sum. */
static void check(const char *folder) {
    int64_t accepted = stages[0].outcome.events, milligrams = stages[1].outcome.milligrams;
    struct {
        const char *store, *sql;
        int64_t expected;
    } facts[] = {
        {"ingest", "SELECT count(*) FROM event", accepted},
        {"score", "SELECT count(*) FROM entry", accepted},
        {"reward", "SELECT count(*) FROM transfer", accepted},
        {"score", "SELECT sum(milligrams) FROM entry", milligrams},
        {"reward", "SELECT sum(milligrams) FROM transfer", milligrams},
        {"reward", "SELECT sum(balance) FROM account", milligrams},
        {"credit", "SELECT sum(milligrams) FROM day_sum", milligrams},
        {"reward", "SELECT count(*) FROM transfer WHERE resident = 0", 0},
    };
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
        if (ask_store(folder, facts[i].store, facts[i].sql) != facts[i].expected)
            fail(facts[i].store, facts[i].sql);
    if (stages[3].outcome.events != accepted) fail("credit", "missed events");
}

static int64_t bytes_on_disk(const char *folder) {
    int64_t sum = 0;
    for (int i = 0; i < stage_count; i++) {
        char path[512];
        struct stat status;
        snprintf(path, sizeof path, "%s/%s.sqlite", folder, stages[i].name);
        if (stat(path, &status) == 0) sum += status.st_size;
    }
    return sum;
}

int main(int count, char **arguments) {
    if (count != 4) fail("usage", "floor FOLDER BODIES BINDINGS");
    struct settings settings = {arguments[1], arguments[3], 0};
    struct bodies counted = map_bodies(arguments[2]);
    settings.events = counted.events;
    munmap((void *)counted.bytes, counted.length);
    for (int i = 0; i < stage_count; i++) begin(&stages[i], &settings);
    struct bodies bodies = map_bodies(arguments[2]);
    for (int i = 0; i < stage_count; i++) {
        char ready;
        hear(&stages[i], &ready, 1);
    }
    void *context = zmq_ctx_new();
    double began = seconds();
    send_all(bodies, settings.folder, context);
    double receipts = seconds() - began;
    for (int i = 0; i < stage_count; i++)
        hear(&stages[i], &stages[i].outcome, sizeof stages[i].outcome);
    double settled = seconds() - began;
    for (int i = 0; i < stage_count; i++) waitpid(stages[i].process, NULL, 0);
    check(settings.folder);

    printf(
        "{\"events\": %ld, \"accepted\": %ld, \"seconds\": %.6f, \"receiptsSeconds\": %.6f, "
        "\"storeBytes\": %ld, \"stages\": [",
        bodies.events, stages[0].outcome.events, settled, receipts,
        bytes_on_disk(settings.folder));
    for (int i = 0; i < stage_count; i++)
        printf(
            "%s{\"name\": \"%s\", \"cpuNanoseconds\": %ld, \"peakKibibytes\": %ld}",
            i > 0 ? ", " : "", stages[i].name, stages[i].outcome.cpu_nanoseconds,
            stages[i].outcome.peak_kibibytes);
    printf("]}\n");
    return 0;
}
