/* Decoding the units of an index several at once; see codec_open_parallel.

   The thread that runs the decoder copies encoded bytes, unit after unit, and gives out what the workers have made of them, in
   order. Whatever lies between units, and what follows the last one, is decoded by that thread, in turn. Where something is not
   as the index says, that thread goes on alone from the end of the last good unit, with what has been copied first. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "archive/codec_internal.h"
#include "base/cleanup.h"
#include "base/thread.h"

#define THREADS_MAX 8
#define MIB         (UINT64_C(1024) * 1024)
#define DECODER_MIN (2 * MIB) /* for a worker's decoder: with less it could hardly decode anything */

/* A unit on its way. Those of numbers from give to before fill are whole; workers take them in that order. */
struct slot {
    uint8_t *in;  /* owned; what lies before the unit and behind the one before, then the unit */
    uint8_t *out; /* owned */
    size_t in_len;
    size_t have; /* of in */
    size_t skip; /* what lies before the unit */
    size_t fed;  /* bytes of in that were decoded in turn after all */
    size_t out_len;
    size_t given;
    struct codec_stretch stretch;
    bool unchecked;
    bool done; /* guarded by the lock */
    int result;
};

struct parallel {
    struct codec_decoder base;
    const struct codec_index *units; /* borrowed */
    struct codec_limits limits;      /* of one worker */
    uint64_t memory;
    uint64_t copied;              /* encoded bytes that are, or were, in slots */
    size_t give;                  /* the unit to be given out next */
    struct codec_decoder *serial; /* owned; once set, it makes everything that comes */
    pthread_mutex_t lock;         /* guards what follows, and each slot's done */
    pthread_cond_t changed;
    size_t fill;  /* the unit that is copied now */
    size_t taken; /* the next one for a worker */
    bool closing;
    unsigned thread_count;
    pthread_t threads[THREADS_MAX];
    unsigned slot_count;
    struct slot slots[THREADS_MAX + 1];
};

static struct slot *slot_of(struct parallel *p, size_t number)
{
    return &p->slots[number % p->slot_count];
}

static void free_slot(struct slot *slot)
{
    free(slot->in);
    free(slot->out);
    *slot = (struct slot){0};
}

/* Runs D over the whole unit. */
static int decode_whole(struct codec_decoder *d, struct slot *slot, struct error *err)
{
    const uint8_t *in = slot->in + slot->skip;
    size_t len = slot->in_len - slot->skip;
    size_t done = 0;
    size_t made = 0;
    for (;;) {
        uint8_t beyond; /* at the end of its bytes a unit may have a check, but no more of them */
        size_t used;
        size_t n;
        size_t room = slot->out_len - made;
        int result = codec_run(d, in + done, len - done, &used, room ? slot->out + made : &beyond,
                               room ? room : 1, &n, err);
        if (result < 0)
            return result;
        done += used;
        made += n;
        if (done == len && codec_progress(d)->boundary)
            return 0; /* as long as the index says, or codec_follow would have refused it */
        if (!used && !n)
            return error_set(err, EIO, "%s: a unit is not what the index says", d->codec->name);
    }
}

static int decode_unit(const struct parallel *p, struct slot *slot, struct error *err)
{
    struct codec_decoder *d;
    int result = codec_open(p->base.codec, &slot->stretch.point, &p->limits, &d, err);
    if (result < 0)
        return result;
    result = codec_follow(d, p->units, err);
    if (result == 0)
        result = decode_whole(d, slot, err);
    slot->unchecked = codec_progress(d)->unchecked;
    codec_close(d);
    return result;
}

static void *worker_thread(void *context)
{
    struct parallel *p = context;
    (void)pthread_mutex_lock(&p->lock);
    for (;;) {
        while (p->taken == p->fill && !p->closing)
            (void)pthread_cond_wait(&p->changed, &p->lock);
        if (p->closing)
            break;
        struct slot *slot = slot_of(p, p->taken++);
        struct error err;
        (void)pthread_mutex_unlock(&p->lock);
        int result = decode_unit(p, slot, &err);
        (void)pthread_mutex_lock(&p->lock);
        slot->result = result;
        slot->done = true;
        (void)pthread_cond_broadcast(&p->changed);
    }
    (void)pthread_mutex_unlock(&p->lock);
    return NULL;
}

static void end_threads(struct parallel *p)
{
    (void)pthread_mutex_lock(&p->lock);
    p->closing = true;
    (void)pthread_cond_broadcast(&p->changed);
    (void)pthread_mutex_unlock(&p->lock);
    while (p->thread_count > 0)
        (void)pthread_join(p->threads[--p->thread_count], NULL);
}

/* Where the last unit that was given out ends. */
static int open_behind(const struct parallel *p, struct codec_decoder **ret_decoder, struct error *err)
{
    struct codec_point point;
    if (p->give == 0)
        return codec_open(p->base.codec, NULL, &p->base.limits, ret_decoder, err);
    codec_index_end(p->units, p->give - 1, &point);
    return codec_open(p->base.codec, &point, &p->base.limits, ret_decoder, err);
}

/* From here on nothing is decoded at once any more. */
static int go_serial(struct parallel *p, struct error *err)
{
    end_threads(p);
    return open_behind(p, &p->serial, err);
}

/* Whether what lies before a unit is what leads from the one before to it. */
static bool is_way(const struct parallel *p, const struct slot *slot)
{
    struct codec_decoder *d;
    size_t used = 0;
    size_t made = 0;
    size_t done = 0;
    uint8_t out;
    if (open_behind(p, &d, NULL) < 0)
        return false;
    while (done < slot->skip &&
           codec_run(d, slot->in + done, slot->skip - done, &used, &out, 1, &made, NULL) == 0 && used &&
           !made)
        done += used;
    bool way = done == slot->skip && !made && codec_progress(d)->boundary;
    codec_close(d);
    return way;
}

static int begin_slot(struct parallel *p, struct slot *slot)
{
    codec_index_get(p->units, p->fill, &slot->stretch);
    slot->skip = (size_t)(slot->stretch.point.encoded - p->copied);
    slot->in_len = slot->skip + (size_t)slot->stretch.encoded_len;
    slot->out_len = (size_t)slot->stretch.decoded_len;
    slot->in = malloc(slot->in_len);
    slot->out = malloc(slot->out_len ? slot->out_len : 1);
    return slot->in && slot->out ? 0 : -ENOMEM;
}

/* Copies encoded bytes as long as there is a slot for them, and stores how many. Only this thread changes fill. */
static int copy(struct parallel *p, const uint8_t *in, size_t len, size_t *ret_used)
{
    size_t done = 0;
    while (done < len && p->fill < p->units->count && p->fill - p->give < p->slot_count) {
        struct slot *slot = slot_of(p, p->fill);
        if (!slot->in && begin_slot(p, slot) < 0)
            return -ENOMEM;
        size_t n = slot->in_len - slot->have < len - done ? slot->in_len - slot->have : len - done;
        memcpy(slot->in + slot->have, in + done, n);
        slot->have += n;
        done += n;
        p->copied += n;
        if (slot->have < slot->in_len)
            break;
        (void)pthread_mutex_lock(&p->lock);
        p->fill++;
        (void)pthread_cond_broadcast(&p->changed);
        (void)pthread_mutex_unlock(&p->lock);
    }
    *ret_used = done;
    return 0;
}

/* Whether the next unit has been decoded; waits for that where WAIT. */
static bool is_done(struct parallel *p, bool wait)
{
    (void)pthread_mutex_lock(&p->lock);
    bool under_way = p->give < p->fill;
    while (under_way && wait && !slot_of(p, p->give)->done)
        (void)pthread_cond_wait(&p->changed, &p->lock);
    bool done = under_way && slot_of(p, p->give)->done;
    (void)pthread_mutex_unlock(&p->lock);
    return done;
}

/* Gives out what there is room for of the next unit, which was decoded well. */
static void give(struct parallel *p, uint8_t *out, size_t out_cap, struct codec_step *step)
{
    struct slot *slot = slot_of(p, p->give);
    size_t n = slot->out_len - slot->given < out_cap ? slot->out_len - slot->given : out_cap;
    if (n > 0)
        memcpy(out, slot->out + slot->given, n);
    slot->given += n;
    step->made = n;
    step->unchecked = slot->unchecked;
    if (slot->given < slot->out_len)
        return;
    step->unit_ended = step->boundary = n > 0; /* of an empty unit nobody need know */
    free_slot(slot);
    p->give++;
}

/* Runs the serial decoder over what was copied for one unit, or over IN. */
static int run_serial(struct parallel *p, const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap,
                      struct codec_step *step, struct error *err)
{
    struct slot *slot = slot_of(p, p->give);
    bool again = p->give < p->units->count && slot->in;
    size_t used;
    if (again) {
        in = slot->in + slot->fed;
        in_len = slot->have - slot->fed;
    }
    int result = codec_run(p->serial, in, in_len, &used, out, out_cap, &step->made, err);
    if (result < 0)
        return result;
    const struct codec_progress *at = codec_progress(p->serial);
    step->boundary = at->boundary && (used || step->made);
    step->unchecked = at->unchecked;
    step->unit_ended = step->boundary && at->verified == at->decoded;
    if (!again) {
        step->used += used;
        return 0;
    }
    slot->fed += used;
    if (slot->fed < slot->have || (step->made == out_cap && !step->boundary))
        return 0;
    free_slot(slot);
    p->give++;
    return 0;
}

/* One try: 1 where another one may bring something, 0 where the call ends, or a failure. */
static int run_once(struct parallel *p, const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap,
                    struct codec_step *step, struct error *err)
{
    size_t used;
    if (!p->serial && p->give == p->units->count && go_serial(p, err) < 0)
        return -err->code;
    if (p->serial) {
        bool copied = p->give < p->units->count && slot_of(p, p->give)->in;
        int result = run_serial(p, in + step->used, in_len - step->used, out, out_cap, step, err);
        return result < 0 ? result : copied && !step->made && !step->boundary;
    }
    if (copy(p, in + step->used, in_len - step->used, &used) < 0)
        return error_errno(err, ENOMEM, "%s", p->base.codec->name);
    step->used += used;
    if (!is_done(p, step->used < in_len || p->fill == p->units->count))
        return 0;
    const struct slot *slot = slot_of(p, p->give);
    if (slot->result < 0 || (!slot->given && slot->skip && !is_way(p, slot))) {
        int result = go_serial(p, err);
        return result < 0 ? result : 1;
    }
    give(p, out, out_cap, step);
    return !step->made;
}

static int parallel_run(struct codec_decoder *d, const uint8_t *in, size_t in_len, uint8_t *out,
                        size_t out_cap, struct codec_step *step, struct error *err)
{
    int result;
    do
        result = run_once((struct parallel *)d, in, in_len, out, out_cap, step, err);
    while (result > 0);
    return result;
}

static int parallel_finish(struct codec_decoder *d, struct error *err)
{
    struct parallel *p = (struct parallel *)d;
    if (!p->serial)
        return error_set(err, ENODATA, "%s: the data ends before its end", d->codec->name);
    return codec_finish(p->serial, err);
}

static void parallel_point(const struct codec_decoder *d, struct codec_point *point)
{
    const struct parallel *p = (const struct parallel *)d;
    if (p->serial)
        (void)codec_point_here(p->serial, point);
    else if (p->give > 0)
        codec_index_end(p->units, p->give - 1, point);
    else
        point->kind = CODEC_AT_START;
}

static void parallel_close(struct codec_decoder *d)
{
    struct parallel *p = (struct parallel *)d;
    end_threads(p);
    codec_close(p->serial);
    for (unsigned i = 0; i < p->slot_count; i++)
        free_slot(&p->slots[i]);
    (void)pthread_cond_destroy(&p->changed);
    (void)pthread_mutex_destroy(&p->lock);
}

static const struct codec_decoder_ops parallel_ops = {parallel_run, parallel_finish, parallel_point,
                                                      parallel_close};

/* The most memory that the bytes of one unit from FIRST on take, encoded and decoded; END is where the one before ends.
   UINT64_MAX where units are out of order. */
static uint64_t largest_unit(const struct codec_index *index, size_t first, uint64_t end)
{
    uint64_t largest = 0;
    for (size_t i = first; i < index->count; i++) {
        struct codec_stretch unit;
        codec_index_get(index, i, &unit);
        if (unit.point.encoded < end)
            return UINT64_MAX;
        uint64_t size = unit.point.encoded + unit.encoded_len - end + unit.decoded_len;
        end = unit.point.encoded + unit.encoded_len;
        if (size > largest)
            largest = size;
    }
    return largest;
}

/* How many units may be on their way at once: one that is given out and one for each thread, where there is room. */
static unsigned count_slots(uint64_t unit, unsigned threads, uint64_t memory)
{
    unsigned slots = threads + 1;
    while (slots > 1 && (unit > memory / slots || memory - slots * unit < slots * DECODER_MIN))
        slots--;
    return slots;
}

static int start_threads(struct parallel *p, unsigned threads)
{
    for (; p->thread_count < threads; p->thread_count++)
        if (thread_create(&p->threads[p->thread_count], 0, worker_thread, p) != 0)
            break;
    return p->thread_count > 0 ? 0 : -EAGAIN;
}

/* What each worker has beside the bytes of its unit. */
static void limit_workers(struct parallel *p, uint64_t unit, unsigned threads)
{
    uint64_t share = (p->memory - p->slot_count * unit) / threads;
    p->limits = p->base.limits;
    if (share < p->limits.memory_max)
        p->limits.memory_max = share;
    if (share < p->limits.window_max)
        p->limits.window_max = share;
}

int codec_open_parallel(const struct codec *codec, const struct codec_index *index,
                        const struct codec_point *at, const struct codec_limits *limits, unsigned threads,
                        uint64_t memory, struct codec_decoder **ret_decoder, struct error *err)
{
    static const struct codec_point start = {.kind = CODEC_AT_START};
    if (!at)
        at = &start;
    size_t first = codec_index_behind(index, at->encoded);
    if (threads > THREADS_MAX)
        threads = THREADS_MAX;
    bool several = threads > 1 && index->count > first + 1 && index->decoded_size <= limits->decoded_max;
    uint64_t unit = several ? largest_unit(index, first, at->encoded) : 0;
    unsigned slots = several ? count_slots(unit, threads, memory) : 1;
    *ret_decoder = NULL;
    if (slots < 2)
        return 0;
    struct parallel *p = calloc(1, sizeof *p);
    if (!p)
        return error_errno(err, ENOMEM, "%s", codec->name);
    codec_begin(&p->base, codec, at, limits);
    p->base.ops = &parallel_ops;
    p->units = index;
    p->memory = memory;
    p->copied = at->encoded;
    p->give = p->fill = p->taken = first;
    p->slot_count = slots;
    if (threads > slots)
        threads = slots;
    limit_workers(p, unit, threads);
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->changed, NULL);
    if (start_threads(p, threads) < 0)
        codec_close(&p->base);
    else
        *ret_decoder = &p->base;
    return 0;
}
