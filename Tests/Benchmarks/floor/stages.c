#include "stages.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zmq.h>

#include "hop.h"
#include "report.h"
#include "store.h"
#include "table.h"

static int64_t cpu_nanoseconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * INT64_C(1000000000)
        + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * INT64_C(1000);
}

static void tell_ready(int parent) {
    if (write(parent, "r", 1) != 1) fail("ready", strerror(errno));
}

/* What the stage came to, and used since it was ready. */
static void tell(int parent, int64_t events, int64_t milligrams, int64_t cpu_before) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    struct outcome outcome = {events, milligrams, cpu_nanoseconds() - cpu_before, usage.ru_maxrss};
    if (write(parent, &outcome, sizeof outcome) != sizeof outcome)
        fail("outcome", strerror(errno));
}

/* MARK: Ingest */

static struct table read_bindings(const char *path) {
    FILE *file = fopen(path, "r");
    if (file == NULL) fail(path, strerror(errno));
    struct table bindings = table_of(1 << 18);
    char line[256];
    int is_new;
    while (fgets(line, sizeof line, file) != NULL) {
        char *subject = strchr(line, ',');
        char *resident = subject == NULL ? NULL : strchr(subject + 1, ',');
        char *digits = resident == NULL ? NULL : strrchr(resident, '-');
        if (digits == NULL) continue;
        struct text name = {subject + 1, (size_t)(resident - subject - 1)};
        table_entry(&bindings, hash_of(name, (struct text){0}), &is_new)->value = atoll(digits + 1);
    }
    fclose(file);
    return bindings;
}

/* Behaviours and units are few: each pair has a number, and its worth follows from that. */
static int32_t number_of(struct table *words, struct report *report) {
    int is_new;
    struct entry *entry = table_entry(words, hash_of(report->behaviour, report->unit), &is_new);
    if (is_new) entry->value = (int64_t)words->count;
    return (int32_t)entry->value;
}

/* A body that waits for its commit, with the frames that its receipt goes back by. */
struct waiting {
    zmq_msg_t route, body;
    int events;
};

void ingest(const struct settings *settings, int parent) {
    void *context = zmq_ctx_new();
    void *edge = zmq_socket(context, ZMQ_ROUTER);
    char endpoint[512];
    snprintf(endpoint, sizeof endpoint, "ipc://%s/edge.ipc", settings->folder);
    if (zmq_bind(edge, endpoint) != 0) fail(endpoint, zmq_strerror(errno));
    void *feed = publisher(context, settings->folder, "behaviour");
    struct store store = store_open(
        settings->folder, "ingest",
        "CREATE TABLE event (sequence INTEGER PRIMARY KEY, high INTEGER NOT NULL,"
        " low INTEGER NOT NULL) STRICT;"
        "CREATE TABLE block (first INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT");
    sqlite3_stmt *insert = prepare(&store, "INSERT INTO event VALUES (?, ?, ?)");
    sqlite3_stmt *append = prepare(&store, "INSERT INTO block VALUES (?, ?)");
    struct table bindings = read_bindings(settings->bindings);
    struct table seen = table_of(1 << 16);
    struct table words = table_of(64);
    struct act *acts = malloc(sizeof(struct act) * taken_events_max);
    struct waiting waiting[64];
    await_subscribers(feed, 1);
    tell_ready(parent);

    int64_t before = cpu_nanoseconds(), sequence = 0, received = 0;
    while (received < settings->events) {
        int bodies = 0, events = 0, accepted = 0;
        int64_t first = sequence + 1;
        run(store.begin);
        while (bodies < 64 && events < batch_events_max) {
            struct waiting *next = &waiting[bodies];
            zmq_msg_init(&next->route);
            zmq_msg_init(&next->body);
            if (zmq_msg_recv(&next->route, edge, bodies == 0 ? 0 : ZMQ_DONTWAIT) < 0) break;
            zmq_msg_recv(&next->body, edge, 0);
            next->events = 0;
            const char *cursor = zmq_msg_data(&next->body);
            const char *end = cursor + zmq_msg_size(&next->body);
            struct report report;
            while (next_report(&cursor, end, &report)) {
                next->events++;
                int is_new;
                struct hash id = hash_of(report.source, report.id);
                table_entry(&seen, id, &is_new);
                if (!is_new) continue;
                struct act *act = &acts[accepted++];
                act->resident =
                    table_entry(&bindings, hash_of(report.subject, (struct text){0}), &is_new)
                        ->value;
                act->time = instant(report.time);
                act->quantity = millionths(report.quantity);
                act->behaviour = number_of(&words, &report);
                act->worth = 0;
                act->day = (int32_t)((act->time + 28800000) / 86400000);
                sqlite3_bind_int64(insert, 1, ++sequence);
                sqlite3_bind_int64(insert, 2, (int64_t)id.high);
                sqlite3_bind_int64(insert, 3, (int64_t)id.low);
                run(insert);
            }
            events += next->events;
            bodies++;
        }
        if (accepted > 0) {
            sqlite3_bind_int64(append, 1, first);
            sqlite3_bind_blob(
                append, 2, acts, (int)(sizeof(struct act) * (size_t)accepted), SQLITE_STATIC);
            run(append);
        }
        run(store.commit);
        /* Receipts first: whoever waits for them can send again meanwhile. */
        for (int i = 0; i < bodies; i++) {
            zmq_msg_send(&waiting[i].route, edge, ZMQ_SNDMORE);
            zmq_send(edge, &waiting[i].events, sizeof waiting[i].events, 0);
            zmq_msg_close(&waiting[i].body);
        }
        publish(feed, acts, (size_t)accepted);
        received += events;
    }
    publish_end(feed);
    tell(parent, sequence, 0, before);
    zmq_close(edge);
    zmq_close(feed);
    zmq_ctx_term(context);
}

/* MARK: Score */

void score(const struct settings *settings, int parent) {
    void *context = zmq_ctx_new();
    void *feed = publisher(context, settings->folder, "points");
    struct store store = store_open(
        settings->folder, "score",
        "CREATE TABLE entry (sequence INTEGER PRIMARY KEY, resident INTEGER NOT NULL,"
        " day INTEGER NOT NULL, behaviour INTEGER NOT NULL, milligrams INTEGER NOT NULL) STRICT;"
        "CREATE TABLE block (first INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT");
    sqlite3_stmt *insert = prepare(&store, "INSERT INTO entry VALUES (?, ?, ?, ?, ?)");
    sqlite3_stmt *append = prepare(&store, "INSERT INTO block VALUES (?, ?)");
    struct act *acts = malloc(sizeof(struct act) * taken_events_max);
    void *input = subscriber(context, settings->folder, "behaviour");
    await_subscribers(feed, 2);
    tell_ready(parent);

    int64_t before = cpu_nanoseconds(), sequence = 0, milligrams = 0;
    for (int ended = 0; !ended;) {
        size_t count = receive(input, acts, &ended);
        if (count == 0) break;
        int64_t first = sequence + 1;
        run(store.begin);
        for (size_t i = 0; i < count; i++) {
            struct act *act = &acts[i];
            act->worth = act->quantity / 1000 * (1000 + act->behaviour) / 1000;
            milligrams += act->worth;
            sqlite3_bind_int64(insert, 1, ++sequence);
            sqlite3_bind_int64(insert, 2, act->resident);
            sqlite3_bind_int(insert, 3, act->day);
            sqlite3_bind_int(insert, 4, act->behaviour);
            sqlite3_bind_int64(insert, 5, act->worth);
            run(insert);
        }
        sqlite3_bind_int64(append, 1, first);
        sqlite3_bind_blob(append, 2, acts, (int)(sizeof(struct act) * count), SQLITE_STATIC);
        run(append);
        run(store.commit);
        publish(feed, acts, count);
    }
    publish_end(feed);
    tell(parent, sequence, milligrams, before);
    zmq_close(input);
    zmq_close(feed);
    zmq_ctx_term(context);
}

/* MARK: Rewards and credit */

/* Sums by resident, or by resident and day; what a transaction touched is written once. */
struct fold {
    struct table sums;
    struct hash touched[taken_events_max];
    size_t count;
    int64_t transaction;
};

static struct fold *fold_of(void) {
    struct fold *fold = calloc(1, sizeof(struct fold));
    fold->sums = table_of(1 << 17);
    return fold;
}

static void fold_begin(struct fold *fold) {
    fold->count = 0;
    fold->transaction++;
}

/* `other` of an entry is the last transaction that touched it. */
static void fold_add(struct fold *fold, struct hash key, int64_t worth) {
    int is_new;
    struct entry *entry = table_entry(&fold->sums, key, &is_new);
    entry->value += worth;
    if (entry->other == fold->transaction) return;
    entry->other = fold->transaction;
    fold->touched[fold->count++] = key;
}

static int64_t fold_sum(struct fold *fold, struct hash key) {
    int is_new;
    return table_entry(&fold->sums, key, &is_new)->value;
}

void reward(const struct settings *settings, int parent) {
    void *context = zmq_ctx_new();
    struct store store = store_open(
        settings->folder, "reward",
        "CREATE TABLE transfer (sequence INTEGER PRIMARY KEY, resident INTEGER NOT NULL,"
        " day INTEGER NOT NULL, milligrams INTEGER NOT NULL) STRICT;"
        "CREATE TABLE account (resident INTEGER PRIMARY KEY, balance INTEGER NOT NULL) STRICT");
    sqlite3_stmt *insert = prepare(&store, "INSERT INTO transfer VALUES (?, ?, ?, ?)");
    sqlite3_stmt *save = prepare(
        &store, "INSERT INTO account VALUES (?, ?) ON CONFLICT DO UPDATE SET"
                " balance = excluded.balance");
    struct act *acts = malloc(sizeof(struct act) * taken_events_max);
    struct fold *fold = fold_of();
    void *input = subscriber(context, settings->folder, "points");
    tell_ready(parent);

    int64_t before = cpu_nanoseconds(), sequence = 0, milligrams = 0;
    for (int ended = 0; !ended;) {
        size_t count = receive(input, acts, &ended);
        if (count == 0) break;
        run(store.begin);
        fold_begin(fold);
        for (size_t i = 0; i < count; i++) {
            struct act *act = &acts[i];
            sqlite3_bind_int64(insert, 1, ++sequence);
            sqlite3_bind_int64(insert, 2, act->resident);
            sqlite3_bind_int(insert, 3, act->day);
            sqlite3_bind_int64(insert, 4, act->worth);
            run(insert);
            milligrams += act->worth;
            fold_add(fold, (struct hash){(uint64_t)act->resident, 1}, act->worth);
        }
        for (size_t i = 0; i < fold->count; i++) {
            struct hash key = fold->touched[i];
            sqlite3_bind_int64(save, 1, (int64_t)key.high);
            sqlite3_bind_int64(save, 2, fold_sum(fold, key));
            run(save);
        }
        run(store.commit);
    }
    tell(parent, sequence, milligrams, before);
    zmq_close(input);
    zmq_ctx_term(context);
}

void credit(const struct settings *settings, int parent) {
    void *context = zmq_ctx_new();
    struct store store = store_open(
        settings->folder, "credit",
        "CREATE TABLE day_sum (day INTEGER NOT NULL, resident INTEGER NOT NULL,"
        " milligrams INTEGER NOT NULL, PRIMARY KEY (day, resident)) STRICT, WITHOUT ROWID");
    sqlite3_stmt *save = prepare(
        &store, "INSERT INTO day_sum VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET"
                " milligrams = excluded.milligrams");
    struct act *acts = malloc(sizeof(struct act) * taken_events_max);
    struct fold *fold = fold_of();
    void *input = subscriber(context, settings->folder, "points");
    tell_ready(parent);

    int64_t before = cpu_nanoseconds(), events = 0, milligrams = 0;
    for (int ended = 0; !ended;) {
        size_t count = receive(input, acts, &ended);
        if (count == 0) break;
        run(store.begin);
        fold_begin(fold);
        for (size_t i = 0; i < count; i++) {
            struct act *act = &acts[i];
            struct hash key = {(uint64_t)act->resident, (uint64_t)act->day};
            fold_add(fold, key, act->worth);
            milligrams += act->worth;
        }
        events += (int64_t)count;
        for (size_t i = 0; i < fold->count; i++) {
            struct hash key = fold->touched[i];
            sqlite3_bind_int64(save, 1, (int64_t)key.low);
            sqlite3_bind_int64(save, 2, (int64_t)key.high);
            sqlite3_bind_int64(save, 3, fold_sum(fold, key));
            run(save);
        }
        run(store.commit);
    }
    tell(parent, events, milligrams, before);
    zmq_close(input);
    zmq_ctx_term(context);
}
