/* How many requests the HTTP engine lets run at once: halved where the server asks for less, one more again after as
   many good answers as are allowed (additive increase, multiplicative decrease). Pure; owned by one thread. */
#ifndef RUNFS_HTTP_HTTP_PACE_H
#define RUNFS_HTTP_HTTP_PACE_H

#include <stdint.h>

struct http_pace {
    unsigned most;    /* never more at once */
    unsigned allowed; /* from 1 to MOST */
    unsigned good;    /* answers since ALLOWED last changed */
    uint64_t started; /* attempts so far */
    uint64_t settled; /* attempts up to this one were started before the last halving */
};

void http_pace_init(struct http_pace *pace, unsigned most);

/* An attempt starts: gives its number, for one of the two below. */
uint64_t http_pace_start(struct http_pace *pace);

/* The attempt was answered well. */
void http_pace_good(struct http_pace *pace, uint64_t attempt);

/* The server refused the attempt and asked for less. Refusals of what had started before the last halving are of
   the burst that led to it, and change nothing. */
void http_pace_throttled(struct http_pace *pace, uint64_t attempt);

#endif
