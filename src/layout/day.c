/* Days of the layout's history from and to other forms. */
#include "layout/day.h"

#include <stdio.h>
#include <time.h>

int layout_day(int64_t time)
{
    if (time == 0)
        return DAY_TODAY;
    time_t seconds = (time_t)(time / 1000000000);
    struct tm tm;
    if (!gmtime_r(&seconds, &tm))
        return DAY_TODAY;
    return (tm.tm_year + 1900) * 10000 + (tm.tm_mon + 1) * 100 + tm.tm_mday;
}

const char *layout_day_text(int day, char text[DAY_TEXT_MAX])
{
    (void)snprintf(text, DAY_TEXT_MAX, "%04d-%02d-%02d", day / 10000, day / 100 % 100, day % 100);
    return text;
}
