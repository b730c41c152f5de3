/* Additive increase, multiplicative decrease; see http_pace.h. */
#include "http/http_pace.h"

void http_pace_init(struct http_pace *pace, unsigned most)
{
    *pace = (struct http_pace){.most = most, .allowed = most};
}

uint64_t http_pace_start(struct http_pace *pace)
{
    return ++pace->started;
}

void http_pace_good(struct http_pace *pace, uint64_t attempt)
{
    if (attempt <= pace->settled || pace->allowed == pace->most || ++pace->good < pace->allowed)
        return;
    pace->allowed++;
    pace->good = 0;
}

void http_pace_throttled(struct http_pace *pace, uint64_t attempt)
{
    if (attempt <= pace->settled)
        return;
    pace->allowed = pace->allowed > 1 ? pace->allowed / 2 : 1;
    pace->good = 0;
    pace->settled = pace->started;
}
