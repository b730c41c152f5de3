/* Times of RFC 3339, at the edges of the calendar. The seconds are those of date(1). */
#include "base/parse.h"

#include <errno.h>
#include <time.h>

#include "testing.h"

#define S(seconds) ((int64_t)(seconds)*1000000000)

Test(parse_time, reads_times_of_rfc_3339)
{
    static const struct {
        const char *text;
        int64_t ns;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00:01Z", S(1)},
        {"2026-10-01T12:00:00Z", S(1790856000)},
        {"2026-10-01T12:00:00.250Z", S(1790856000) + 250000000},
        {"2026-10-01t12:00:00z", S(1790856000)},
        {"2026-10-01T14:00:00+02:00", S(1790856000)},
        {"2026-10-01T06:30:00-05:30", S(1790856000)},
        {"2026-10-01T12:00:00+00:00", S(1790856000)},
        {"2026-10-01T12:00:00-00:00", S(1790856000)},
        {"2026-10-02T11:59:00+23:59", S(1790856000)},
        {"1970-01-01T00:00:00+01:00", -S(3600)},
        {"2000-02-29T00:00:00Z", S(951782400)},
        {"2024-02-29T23:59:59Z", S(1709251199)},
        {"2024-12-31T23:59:59.999999999Z", S(1735689599) + 999999999},
        {"2024-01-01T00:00:00.1Z", S(1704067200) + 100000000},
        {"2024-01-01T00:00:00.1234567899999Z", S(1704067200) + 123456789},
        {"2024-01-01T00:00:00.000000000Z", S(1704067200)},
        {"2038-01-19T03:14:08Z", S(2147483648)},
        {"2261-12-31T23:59:59Z", S(9214646399)},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t ns = 4711;
        cr_assert_eq(parse_time(cases[i].text, &ns), 0, "%s", cases[i].text);
        cr_assert_eq(ns, cases[i].ns, "%s: %lld", cases[i].text, (long long)ns);
    }
}

/* RFC 3339, 5.7: a leap second is the last of a month; it falls on the first second of the next one. */
Test(parse_time, a_leap_second_is_the_second_after)
{
    int64_t ns;
    cr_assert_eq(parse_time("2016-12-31T23:59:60Z", &ns), 0);
    cr_assert_eq(ns, S(1483228800));
    cr_assert_eq(parse_time("2016-12-31T23:59:61Z", &ns), -EINVAL);
}

Test(parse_time, malformed_times_are_refused)
{
    static const char *const bad[] = {
        "",
        "2026",
        "2026-10-01",
        "2026-10-01T12:00:00",
        "2026-10-01 12:00:00Z",
        "2026-10-01T12:00Z",
        "2026-10-01T12:00:00.Z",
        "2026-10-01T12:00:00,5Z",
        "2026-10-01T12:00:00ZZ",
        "2026-10-01T12:00:00Z ",
        " 2026-10-01T12:00:00Z",
        "2026-10-01T12:00:00+2:00",
        "2026-10-01T12:00:00+0200",
        "2026-10-01T12:00:00+02",
        "2026-10-01T12:00:00+24:00",
        "2026-10-01T12:00:00+02:60",
        "2026-10-01T24:00:00Z",
        "2026-10-01T12:60:00Z",
        "2026-13-01T12:00:00Z",
        "2026-00-01T12:00:00Z",
        "2026-10-00T12:00:00Z",
        "2026-10-32T12:00:00Z",
        "2026-04-31T12:00:00Z",
        "2026-02-29T12:00:00Z",
        "2100-02-29T12:00:00Z",
        "2026-1-01T12:00:00Z",
        "26-10-01T12:00:00Z",
        "2026-10-01T1:00:00Z",
        "+2026-10-01T12:00:00Z",
        "2026-10-01T-1:00:00Z",
        "Thu, 01 Oct 2026 12:00:00 GMT",
        "1790856000",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        int64_t ns = 4711;
        cr_assert_eq(parse_time(bad[i], &ns), -EINVAL, "%s", bad[i]);
        cr_assert_eq(ns, 4711);
    }
}

Test(parse_time, years_that_do_not_fit_are_out_of_range)
{
    static const char *const years[] = {"1969-12-31T23:59:59Z", "0000-01-01T00:00:00Z",
                                        "0001-01-01T00:00:00Z", "2262-01-01T00:00:00Z",
                                        "9999-12-31T23:59:59Z"};
    for (size_t i = 0; i < COUNT(years); i++) {
        int64_t ns;
        cr_assert_eq(parse_time(years[i], &ns), -ERANGE, "%s", years[i]);
    }
}

/* Each day that can be told, at an hour that moves. */
Test(parse_time, agrees_with_the_c_library)
{
    for (time_t seconds = 0; seconds < INT64_C(9200000000); seconds += 24 * 3600 + 61) {
        char text[32];
        struct tm tm;
        int64_t ns = -1;
        cr_assert(gmtime_r(&seconds, &tm));
        cr_assert_gt(strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm), 0);
        cr_assert_eq(parse_time(text, &ns), 0, "%s", text);
        cr_assert_eq(ns, seconds * INT64_C(1000000000), "%s", text);
    }
}
