#include "report.h"

#include <string.h>

static const char *end_of_string(const char *at, const char *end) {
    while (at < end && *at != '"') at += *at == '\\' ? 2 : 1;
    return at;
}

static int is(struct text key, const char *name) {
    return key.bytes == strlen(name) && memcmp(key.start, name, key.bytes) == 0;
}

static void keep(struct report *report, struct text key, struct text value) {
    switch (key.bytes) {
    case 2: if (is(key, "id")) report->id = value; break;
    case 4:
        if (is(key, "time")) report->time = value;
        else if (is(key, "unit")) report->unit = value;
        break;
    case 6: if (is(key, "source")) report->source = value; break;
    case 7: if (is(key, "subject")) report->subject = value; break;
    case 8: if (is(key, "quantity")) report->quantity = value; break;
    case 9:
        if (is(key, "behaviour")) report->behaviour = value;
        else if (is(key, "startedAt")) report->time = value;
        break;
    default: break;
    }
}

int next_report(const char **cursor, const char *end, struct report *report) {
    const char *at = *cursor;
    while (at < end && *at != '{') at++;
    if (at >= end) return 0;
    memset(report, 0, sizeof *report);
    struct text key = {0};
    int depth = 0;
    while (at < end) {
        switch (*at) {
        case '{': depth++; at++; break;
        case '}':
            at++;
            if (--depth == 0) {
                *cursor = at;
                return 1;
            }
            break;
        case '"': {
            const char *start = at + 1, *stop = end_of_string(start, end);
            struct text found = {start, (size_t)(stop - start)};
            at = stop + 1;
            if (at < end && *at == ':') {
                key = found;
                at++;
            } else {
                keep(report, key, found);
            }
            break;
        }
        default: at++;
        }
    }
    return 0;
}

int64_t millionths(struct text text) {
    int64_t value = 0;
    int places = -1;
    for (size_t i = 0; i < text.bytes && places < 6; i++) {
        if (text.start[i] == '.') {
            places = 0;
        } else {
            value = value * 10 + (text.start[i] - '0');
            if (places >= 0) places++;
        }
    }
    for (places = places < 0 ? 0 : places; places < 6; places++) value *= 10;
    return value;
}

static int64_t number(const char *digits, int count) {
    int64_t value = 0;
    for (int i = 0; i < count; i++) value = value * 10 + (digits[i] - '0');
    return value;
}

int64_t instant(struct text text) {
    if (text.bytes < 20) return 0;
    const char *t = text.start;
    /* Days from civil: Howard Hinnant, "chrono-compatible low-level date algorithms". */
    int64_t month = number(t + 5, 2), day = number(t + 8, 2);
    int64_t year = number(t, 4) - (month <= 2);
    int64_t era = year / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t days = era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
    int64_t seconds =
        days * 86400 + number(t + 11, 2) * 3600 + number(t + 14, 2) * 60 + number(t + 17, 2);
    const char *zone = t + text.bytes - 6;
    if (*zone == '+' || *zone == '-') {
        int64_t offset = number(zone + 1, 2) * 3600 + number(zone + 4, 2) * 60;
        seconds += *zone == '+' ? -offset : offset;
    }
    return seconds * 1000;
}

struct hash hash_of(struct text first, struct text second) {
    struct hash hash = {0xcbf29ce484222325u, 0x84222325cbf29ce4u};
    struct text texts[2] = {first, second};
    for (int part = 0; part < 2; part++) {
        for (size_t i = 0; i < texts[part].bytes; i++) {
            hash.high = (hash.high ^ (uint8_t)texts[part].start[i]) * 0x100000001b3u;
            hash.low = (hash.low + (uint8_t)texts[part].start[i]) * 0x9e3779b97f4a7c15u;
        }
        hash.low ^= hash.low >> 29;
    }
    return hash;
}
