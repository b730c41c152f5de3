/* The status of a mount as aligned lines; see status.h. A row of the table for each part of it. */
#include "cli/status.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/format.h"

#define TEXT_MAX (16U * 1024)

struct printer {
    const json_t *status;
    FILE *out;
};

/* The member at a path such as "bytes.given"; NULL where there is none. */
static const json_t *member(const json_t *object, const char *path)
{
    char name[32];
    for (const char *end; object && *path; path = *end ? end + 1 : end) {
        end = strchrnul(path, '.');
        (void)snprintf(name, sizeof name, "%.*s", (int)(end - path), path);
        object = json_object_get(object, name);
    }
    return object;
}

static uint64_t number(const struct printer *p, const char *path)
{
    return (uint64_t)json_integer_value(member(p->status, path));
}

static void print_bytes(const struct printer *p, const char *path)
{
    char text[FORMAT_MAX];
    format_bytes(text, number(p, path));
    (void)fputs(text, p->out);
}

static void print_text(const struct printer *p, const char *path)
{
    char safe[TEXT_MAX];
    const char *text = json_string_value(member(p->status, path));
    escape_control(safe, sizeof safe, text ? text : "?");
    (void)fputs(safe, p->out);
}

static void print_latency(const struct printer *p, const char *name, const char *path)
{
    char text[FORMAT_MAX];
    format_microseconds(text, number(p, path));
    (void)fprintf(p->out, "%s %s", name, text);
}

/* PART of ALL in per cent; 0 where ALL is. */
static unsigned percent(uint64_t part, uint64_t all)
{
    return all ? (unsigned)((double)part * 100 / (double)all) : 0;
}

static void print_source(const struct printer *p)
{
    print_text(p, "source");
}

static void print_mounted(const struct printer *p)
{
    char uptime[FORMAT_MAX];
    format_seconds(uptime, number(p, "uptime_s"));
    print_text(p, "mounted_since");
    (void)fprintf(p->out, ", %s ago, by runfs ", uptime);
    print_text(p, "version");
    (void)fprintf(p->out, ", process %" PRIu64, number(p, "pid"));
}

static void print_listing(const struct printer *p)
{
    char age[FORMAT_MAX];
    format_seconds(age, number(p, "listing.age_s"));
    (void)fprintf(p->out, "%" PRIu64 " files in %" PRIu64 " directories, ", number(p, "listing.files"),
                  number(p, "listing.directories"));
    print_bytes(p, "listing.bytes");
    (void)fprintf(p->out, "; %s old", age);
}

static void print_runs(const struct printer *p)
{
    (void)fprintf(p->out, "%" PRIu64 " named, %" PRIu64 " open", number(p, "runs.named"),
                  number(p, "runs.open"));
}

static void print_reads(const struct printer *p)
{
    (void)fprintf(p->out, "%" PRIu64 ", %" PRIu64 " failed; ", number(p, "reads.count"),
                  number(p, "reads.errors"));
    print_latency(p, "half within", "reads.latency_us.p50");
    print_latency(p, ", 90 % within", "reads.latency_us.p90");
    print_latency(p, ", 99 % within", "reads.latency_us.p99");
}

static void print_open(const struct printer *p)
{
    (void)fprintf(p->out, "%" PRIu64, number(p, "open_files"));
}

/* The sum of a kind of requests, and of those that ended well. */
static void print_kind(const struct printer *p, const char *kind, const char *word)
{
    static const char *const ends[] = {"ok", "denied", "missing", "changed", "failed", "cancelled"};
    const json_t *results = json_object_get(member(p->status, "requests"), kind);
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        sum += (uint64_t)json_integer_value(json_object_get(results, ends[i]));
    (void)fprintf(p->out, "%" PRIu64 " %s, %" PRIu64 " of them well; ", sum, word,
                  (uint64_t)json_integer_value(json_object_get(results, "ok")));
}

static void print_requests(const struct printer *p)
{
    print_kind(p, "list", "to list");
    print_kind(p, "get", "for objects");
    (void)fprintf(p->out, "%" PRIu64 " attempts", number(p, "requests.attempts"));
    print_latency(p, "; half within", "requests.latency_us.p50");
    print_latency(p, ", 99 % within", "requests.latency_us.p99");
}

static void print_now(const struct printer *p)
{
    (void)fprintf(p->out, "%" PRIu64 " requests queued, %" PRIu64 " under way, of %" PRIu64 " at most",
                  number(p, "requests.queued"), number(p, "requests.active"),
                  number(p, "requests.connections_allowed"));
}

static void print_given(const struct printer *p)
{
    print_bytes(p, "bytes.given");
}

/* What was given without having been fetched for it. */
static void print_hits(const struct printer *p)
{
    uint64_t given = number(p, "bytes.given");
    uint64_t fetched = number(p, "bytes.fetched");
    (void)fprintf(p->out, "%u %%", percent(fetched < given ? given - fetched : 0, given));
}

static void print_fetched(const struct printer *p)
{
    print_bytes(p, "bytes.fetched");
}

static void print_ahead(const struct printer *p)
{
    print_bytes(p, "bytes.prefetched");
    (void)fprintf(p->out, ", %u %% of it used",
                  percent(number(p, "bytes.prefetched_used"), number(p, "bytes.prefetched")));
}

static void print_disk(const struct printer *p)
{
    print_bytes(p, "bytes.from_disk");
    (void)fputs(" read, ", p->out);
    print_bytes(p, "bytes.written_to_disk");
    (void)fputs(" written", p->out);
}

static void print_pool(const struct printer *p)
{
    print_bytes(p, "pool.bytes");
    (void)fputs(" of ", p->out);
    print_bytes(p, "pool.max");
}

static void print_composing(const struct printer *p)
{
    (void)fprintf(p->out, "%u directories waited for, with %u of %u archives read; ",
                  (unsigned)number(p, "composing.directories"), (unsigned)number(p, "composing.ready"),
                  (unsigned)number(p, "composing.archives"));
    (void)fprintf(p->out, "%" PRIu64 " conflicts, %" PRIu64 " overlaps", number(p, "composing.conflicts"),
                  number(p, "composing.overlaps"));
}

static void print_decoding(const struct printer *p)
{
    print_bytes(p, "decoding.decoded");
    (void)fprintf(p->out, "; %u archives under way for the first time, ",
                  (unsigned)number(p, "decoding.passes"));
    print_bytes(p, "decoding.taken");
    (void)fputs(" of ", p->out);
    print_bytes(p, "decoding.of");
}

static void print_cache(const struct printer *p)
{
    print_text(p, "cache.directory");
    (void)fputs(", ", p->out);
    print_bytes(p, "cache.size_max");
    (void)fputs(" at most, ", p->out);
    print_bytes(p, "cache.min_free");
    (void)fputs(" left free", p->out);
}

static void print_blocks(const struct printer *p)
{
    (void)fprintf(p->out, "%" PRIu64 " bad, %" PRIu64 " evicted, %" PRIu64 " not written",
                  number(p, "cache.bad_blocks"), number(p, "cache.evicted"),
                  number(p, "cache.write_failures"));
}

static const struct row {
    const char *label;
    const char *needs; /* the member without which there is nothing to print */
    void (*print)(const struct printer *p);
} rows[] = {
    {"source", "source", print_source},
    {"mounted", "mounted_since", print_mounted},
    {"listing", "listing", print_listing},
    {"runs", "runs", print_runs},
    {"reads", "reads", print_reads},
    {"open files", "open_files", print_open},
    {"requests", "requests", print_requests},
    {"now", "requests", print_now},
    {"given", "bytes.given", print_given},
    {"hit ratio", "bytes.fetched", print_hits},
    {"fetched", "bytes.fetched", print_fetched},
    {"ahead", "bytes.prefetched", print_ahead},
    {"disk", "bytes.from_disk", print_disk},
    {"memory", "pool", print_pool},
    {"composed", "composing", print_composing},
    {"decoded", "decoding", print_decoding},
    {"cache", "cache", print_cache},
    {"blocks", "cache", print_blocks},
};

void status_print(const json_t *status, FILE *out)
{
    const struct printer printer = {status, out};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!member(status, rows[i].needs))
            continue;
        (void)fprintf(out, "%-10s  ", rows[i].label);
        rows[i].print(&printer);
        (void)fputc('\n', out);
    }
}
