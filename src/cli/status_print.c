/* The status of a mount as aligned lines: a table of templates. In braces a template has the path of a member, and after a colon
   how it is printed: nothing as a number, b bytes, s seconds, u microseconds, t text; + the requests that have ended, and - those
   of them that failed; of PART/ALL % the share of PART, ~ the rest of ALL, in per cent. */
#include "cli/status.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/escape.h"
#include "base/format.h"

#define TEXT_MAX   (16U * 1024)
#define MEMBER_MAX 96

static const struct row {
    const char *label;
    const char *template; /* without its first member there is no line */
} rows[] = {
    {"source", "{source:t}"},
    {"mounted", "{mounted_since:t}, {uptime_s:s} ago, by runfs {version:t}, process {pid}"},
    {"listing",
     "{listing.files} files in {listing.directories} directories, {listing.bytes:b}; {listing.age_s:s} old"},
    {"runs", "{runs.named} named, {runs.open} open"},
    {"reads", "{reads.count}, {reads.errors} failed; median {reads.latency_us.p50:u}, 90 % within "
              "{reads.latency_us.p90:u}, 99 % within {reads.latency_us.p99:u}"},
    {"open files", "{open_files}"},
    {"requests", "{requests.list:+} to list, {requests.list:-} failed; {requests.get:+} for objects, "
                 "{requests.get:-} failed; {requests.attempts} attempts; median {requests.latency_us.p50:u}, "
                 "99 % within {requests.latency_us.p99:u}"},
    {"now", "{requests.queued} requests queued, {requests.active} under way, of "
            "{requests.connections_allowed} at most"},
    {"given", "{bytes.given:b}"},
    {"hit ratio", "{bytes.fetched/bytes.given:~} %"},
    {"fetched", "{bytes.fetched:b}"},
    {"ahead", "{bytes.prefetched:b}, {bytes.prefetched_used/bytes.prefetched:%} % of it used"},
    {"disk", "{bytes.from_disk:b} read, {bytes.written_to_disk:b} written"},
    {"memory", "{pool.bytes:b} of {pool.max:b}"},
    {"composed",
     "{composing.directories} directories waited for, with {composing.ready} of {composing.archives} "
     "archives read; {composing.conflicts} conflicts, {composing.overlaps} overlaps"},
    {"decoded", "{decoding.decoded:b}; {decoding.passes} archives under way for the first time, "
                "{decoding.taken:b} of {decoding.of:b}"},
    {"cache", "{cache.directory:t}, {cache.size_max:b} at most, {cache.min_free:b} left free"},
    {"blocks", "{cache.bad_blocks} bad, {cache.evicted} evicted, {cache.write_failures} not written"},
};

/* The member at PATH, such as bytes.given; NULL where it is not there. Changes PATH. */
static const json_t *find_member(const json_t *object, char *path)
{
    for (char *name; object && (name = strsep(&path, "."));)
        object = json_object_get(object, name);
    return object;
}

static uint64_t number_of(const json_t *value)
{
    return (uint64_t)json_integer_value(value);
}

/* The requests of one kind that have ended; ALL of them, or those that failed. */
static uint64_t ended_requests(const json_t *results, bool all)
{
    static const char *const ends[] = {"ok", "denied", "missing", "changed", "failed", "cancelled"};
    uint64_t sum = 0;
    for (size_t i = all ? 0 : 1; i < sizeof ends / sizeof *ends; i++)
        sum += number_of(json_object_get(results, ends[i]));
    return sum;
}

/* PART of ALL in per cent; 0 where ALL is. */
static uint64_t percent(uint64_t part, uint64_t all)
{
    return all ? (uint64_t)((double)part * 100 / (double)all) : 0;
}

static void print_text(const char *text, FILE *out)
{
    char safe[TEXT_MAX];
    escape_control(safe, sizeof safe, text ? text : "?");
    (void)fputs(safe, out);
}

/* Prints VALUE as KIND says; ALL is what it is a part of, or NULL. */
static void print_value(const json_t *value, const json_t *all, char kind, FILE *out)
{
    char text[FORMAT_MAX];
    uint64_t number = number_of(value);
    uint64_t whole = number_of(all);
    switch (kind) {
    case 'b':
        format_bytes(text, number);
        break;
    case 's':
        format_seconds(text, number);
        break;
    case 'u':
        format_microseconds(text, number);
        break;
    case 't':
        print_text(json_string_value(value), out);
        return;
    case '%':
        number = percent(number, whole);
        break;
    case '~':
        number = percent(number < whole ? whole - number : 0, whole);
        break;
    case '+':
    case '-':
        number = ended_requests(value, kind == '+');
        break;
    default:
        break;
    }
    if (!strchr("bsu", kind) || !kind)
        (void)snprintf(text, sizeof text, "%" PRIu64, number);
    (void)fputs(text, out);
}

/* Prints what is in the braces that MEMBER begins with; OUT may be NULL. Returns whether the member is there. */
static bool print_member(const json_t *status, const char *member, FILE *out)
{
    char text[MEMBER_MAX];
    (void)snprintf(text, sizeof text, "%.*s", (int)strcspn(member + 1, "}"), member + 1);
    char *kind = text;
    char *all = strsep(&kind, ":");
    char *path = strsep(&all, "/");
    const json_t *value = find_member(status, path);
    if (out)
        print_value(value, all ? find_member(status, all) : NULL, kind ? *kind : '\0', out);
    return value;
}

static void print_row(const json_t *status, const struct row *row, FILE *out)
{
    (void)fprintf(out, "%-10s  ", row->label);
    for (const char *at = row->template; *at; at++) {
        if (*at != '{') {
            (void)fputc(*at, out);
            continue;
        }
        (void)print_member(status, at, out);
        at = strchr(at, '}');
    }
    (void)fputc('\n', out);
}

void status_print(const json_t *status, FILE *out)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (print_member(status, strchr(rows[i].template, '{'), NULL))
            print_row(status, &rows[i], out);
}
