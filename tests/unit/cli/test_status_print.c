/* The status of a mount as lines. */
#include "cli/status.h"

#include "base/cleanup.h"
#include "testing.h"

static char *printed;

static void tear_down(void)
{
    free(printed);
}

TestSuite(status_print, .fini = tear_down);

static void print(const char *text)
{
    size_t size;
    json_t *status = json_loads(text, 0, NULL);
    cr_assert(status, "%s", text);
    FILE *out = open_memstream(&printed, &size);
    status_print(status, out);
    cr_assert_eq(fclose(out), 0);
    json_decref(status);
}

/* The line with LABEL, without it. */
static const char *line(const char *label)
{
    static char text[200];
    char start[32];
    (void)snprintf(start, sizeof start, "%-10s  ", label);
    const char *found = strstr(printed, start);
    cr_assert(found, "no %s in:\n%s", label, printed);
    (void)snprintf(text, sizeof text, "%.*s", (int)(strchrnul(found, '\n') - found - 12), found + 12);
    return text;
}

#define FULL                                                                                                 \
    "{\"version\": \"1.2\", \"source\": \"s3://b/run\\u0007\", \"pid\": 7, \"uptime_s\": 125,"               \
    " \"mounted_since\": \"2026-10-01T12:00:00Z\","                                                          \
    " \"listing\": {\"age_s\": 5, \"files\": 3, \"directories\": 2, \"bytes\": 2048},"                       \
    " \"runs\": {\"named\": 5, \"open\": 2},"                                                                \
    " \"reads\": {\"count\": 10, \"errors\": 1, \"latency_us\": {\"p50\": 80, \"p90\": 1500, \"p99\": "      \
    "2000000}},"                                                                                             \
    " \"open_files\": 4, \"bytes\": {\"given\": 4096, \"fetched\": 1024, \"from_disk\": 3072,"               \
    " \"written_to_disk\": 1024, \"prefetched\": 1000, \"prefetched_used\": 250},"                           \
    " \"requests\": {\"attempts\": 9, \"queued\": 1, \"active\": 2, \"connections_allowed\": 32,"            \
    " \"list\": {\"ok\": 1, \"failed\": 1}, \"get\": {\"ok\": 4, \"denied\": 1, \"throttled\": 2},"          \
    " \"latency_us\": {\"p50\": 900, \"p99\": 1000}},"                                                       \
    " \"pool\": {\"bytes\": 1048576, \"max\": 41943040}, \"cache\": {\"directory\": \"/c\","                 \
    " \"size_max\": 1073741824, \"min_free\": 1048576, \"bad_blocks\": 1, \"evicted\": 2, "                  \
    "\"write_failures\": 3}}"

Test(status_print, every_part_has_its_line)
{
    print(FULL);
    cr_assert_str_eq(line("source"), "s3://b/run\\x07");
    cr_assert_str_eq(line("mounted"), "2026-10-01T12:00:00Z, 2 min 5 s ago, by runfs 1.2, process 7");
    cr_assert_str_eq(line("listing"), "3 files in 2 directories, 2.0 KiB; 5 s old");
    cr_assert_str_eq(line("runs"), "5 named, 2 open");
    cr_assert_str_eq(line("reads"), "10, 1 failed; median 80 us, 90 % within 1.5 ms, 99 % within 2.0 s");
    cr_assert_str_eq(line("open files"), "4");
    cr_assert_str_eq(line("requests"), "2 to list, 1 failed; 5 for objects, 1 failed; 9 attempts; "
                                       "median 900 us, 99 % within 1.0 ms");
    cr_assert_str_eq(line("now"), "1 requests queued, 2 under way, of 32 at most");
    cr_assert_str_eq(line("given"), "4.0 KiB");
    cr_assert_str_eq(line("hit ratio"), "75 %");
    cr_assert_str_eq(line("fetched"), "1.0 KiB");
    cr_assert_str_eq(line("ahead"), "1000 B, 25 % of it used");
    cr_assert_str_eq(line("disk"), "3.0 KiB read, 1.0 KiB written");
    cr_assert_str_eq(line("memory"), "1.0 MiB of 40.0 MiB");
    cr_assert_str_eq(line("cache"), "/c, 1.0 GiB at most, 1.0 MiB left free");
    cr_assert_str_eq(line("blocks"), "1 bad, 2 evicted, 3 not written");
}

Test(status_print, a_view_has_its_line)
{
    print("{\"composing\": {\"directories\": 1, \"archives\": 200, \"ready\": 17, \"conflicts\": 2, "
          "\"overlaps\": 99}}");
    cr_assert_str_eq(line("composed"),
                     "1 directories waited for, with 17 of 200 archives read; 2 conflicts, 99 overlaps");
}

Test(status_print, what_is_not_told_is_left_out)
{
    print("{\"source\": \"/dir\", \"bytes\": {\"given\": 1}}");
    cr_assert_str_eq(printed, "source      /dir\ngiven       1 B\n");
}

Test(status_print, more_fetched_than_given_is_no_hit)
{
    print("{\"bytes\": {\"given\": 10, \"fetched\": 1000}}");
    cr_assert_str_eq(line("hit ratio"), "0 %");
}

Test(status_print, nothing_makes_no_ratio)
{
    print("{\"bytes\": {\"given\": 0, \"fetched\": 0, \"prefetched\": 0}}");
    cr_assert_str_eq(line("hit ratio"), "0 %");
    cr_assert_str_eq(line("ahead"), "0 B, 0 % of it used");
}
