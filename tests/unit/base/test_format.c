/* Times, sizes and durations for people. */
#include "base/format.h"

#include "testing.h"

#define FORMATS(function, value, wanted)                                                                     \
    do {                                                                                                     \
        char text_[FORMAT_MAX];                                                                              \
        function(text_, (value));                                                                            \
        cr_assert_str_eq(text_, (wanted));                                                                   \
    } while (0)

Test(format, times_are_those_of_rfc_3339)
{
    FORMATS(format_time, 0, "1970-01-01T00:00:00Z");
    FORMATS(format_time, 1790856000, "2026-10-01T12:00:00Z");
    FORMATS(format_time, INT64_MAX, "-");
}

Test(format, sizes_have_a_unit)
{
    FORMATS(format_bytes, 0, "0 B");
    FORMATS(format_bytes, 1023, "1023 B");
    FORMATS(format_bytes, 1024, "1.0 KiB");
    FORMATS(format_bytes, 1536, "1.5 KiB");
    FORMATS(format_bytes, 1048575, "1.0 MiB");
    FORMATS(format_bytes, 23068672, "22.0 MiB");
    FORMATS(format_bytes, UINT64_MAX, "16.0 EiB");
}

Test(format, durations_have_two_units_at_most)
{
    FORMATS(format_seconds, 0, "0 s");
    FORMATS(format_seconds, 59, "59 s");
    FORMATS(format_seconds, 185, "3 min 5 s");
    FORMATS(format_seconds, 7200, "2 h 0 min");
    FORMATS(format_seconds, 86399, "23 h 59 min");
    FORMATS(format_seconds, 273600, "3 d 4 h");
    FORMATS(format_microseconds, 80, "80 us");
    FORMATS(format_microseconds, 1234, "1.2 ms");
    FORMATS(format_microseconds, 30000000, "30.0 s");
}
