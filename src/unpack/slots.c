/* Decoders take much memory: there are few in all, which archives take in turn; see archives_internal.h. */
#include <stdlib.h>

#include "unpack/archives_internal.h"

/* So many first passes; and one decoder more, so that chunks do not wait for passes. */
#define PASSES_MAX   ARCHIVES_AT_ONCE
#define DECODERS_MAX (PASSES_MAX + 1)

/* A job in the queue for a slot. */
struct slot_wait {
    TAILQ_ENTRY(slot_wait) link;
    enum slot slot;
};

/* For all of these the registry's lock is held. */

/* Whether there may be a decoder more for SLOT, in place of one of INSTEAD (SLOTS: of none). */
static bool has_room(const struct archives *archives, enum slot slot, enum slot instead)
{
    unsigned passes = archives->busy[SLOT_PASS] - (instead == SLOT_PASS);
    unsigned all = archives->busy[SLOT_PASS] + archives->busy[SLOT_CHUNKS] - (instead != SLOTS);
    return all < DECODERS_MAX && (slot != SLOT_PASS || passes < PASSES_MAX);
}

/* The decoder that has been parked for the longest of those whose slot makes room for SLOT. */
static struct decoder *find_parked(const struct archives *archives, enum slot slot)
{
    struct decoder *decoder;
    TAILQ_FOREACH(decoder, &archives->parked, link)
    if (has_room(archives, slot, decoder->slot))
        break;
    return decoder;
}

static bool may_begin(const struct archives *archives, enum slot slot)
{
    return has_room(archives, slot, SLOTS) || find_parked(archives, slot);
}

/* Those that came before go first, but for those that wait for what SELF does not need. */
static bool is_turn_of(const struct archives *archives, const struct slot_wait *self)
{
    const struct slot_wait *other;
    TAILQ_FOREACH(other, &archives->queue, link)
    {
        if (may_begin(archives, other->slot))
            return other == self;
        if (other == self)
            return false;
    }
    return false;
}

static void take_out(struct decoder *decoder)
{
    TAILQ_REMOVE(&decoder->archive->all->parked, decoder, link);
    decoder->archive->parked[decoder->slot] = NULL;
}

/* A parked decoder that has to go for SLOT, where there is no room otherwise. Its archive gets a reference, so that it outlives
   the closing. */
static struct decoder *displace(struct archives *archives, enum slot slot)
{
    if (has_room(archives, slot, SLOTS))
        return NULL;
    struct decoder *decoder = find_parked(archives, slot);
    take_out(decoder);
    archives->busy[decoder->slot]--;
    decoder->archive->references++;
    return decoder;
}

void decoder_close(struct decoder *decoder)
{
    if (decoder->pass)
        atomic_store(&decoder->archive->encoded, 0);
    if (decoder->alone)
        atomic_store(&decoder->archive->all->parallel, false);
    decoder->alone = false;
    pass_close(decoder->pass);
    decoder->pass = NULL;
    codec_close(decoder->codec);
    decoder->codec = NULL;
    reader_close(decoder->encoded);
    decoder->encoded = NULL;
}

static void close_and_free(struct decoder *decoder)
{
    decoder_close(decoder);
    free(decoder->chunk);
    free(decoder);
}

struct decoder *decoder_take_parked(struct archive *archive, enum slot slot)
{
    struct archives *archives = archive->all;
    lock_take(&archives->lock);
    struct decoder *decoder = archive->parked[slot];
    if (decoder)
        take_out(decoder);
    lock_drop(&archives->lock);
    return decoder;
}

struct decoder *decoder_take(struct archive *archive, enum slot slot)
{
    struct archives *archives = archive->all;
    struct slot_wait self = {.slot = slot};
    struct decoder *displaced = NULL;
    struct decoder *decoder = decoder_take_parked(archive, slot);
    if (decoder || !(decoder = calloc(1, sizeof *decoder)))
        return decoder;
    lock_take(&archives->lock);
    TAILQ_INSERT_TAIL(&archives->queue, &self, link);
    while (!cancel_requested(&archives->ending) && !is_turn_of(archives, &self))
        (void)wait_on(&archives->wait, &archives->lock, &archives->changed, UINT64_MAX);
    TAILQ_REMOVE(&archives->queue, &self, link);
    bool granted = !cancel_requested(&archives->ending);
    if (granted) {
        displaced = displace(archives, slot);
        archives->busy[slot]++;
    }
    (void)pthread_cond_broadcast(&archives->changed);
    lock_drop(&archives->lock);
    if (displaced) {
        struct archive *its = displaced->archive;
        close_and_free(displaced);
        archive_put(its);
    }
    if (!granted) {
        free(decoder);
        return NULL;
    }
    decoder->archive = archive;
    decoder->slot = slot;
    decoder->since = clock_ms();
    return decoder;
}

void decoder_park(struct decoder *decoder)
{
    if (!decoder)
        return;
    struct archives *archives = decoder->archive->all;
    lock_take(&archives->lock);
    TAILQ_INSERT_TAIL(&archives->parked, decoder, link);
    decoder->archive->parked[decoder->slot] = decoder;
    (void)pthread_cond_broadcast(&archives->changed);
    lock_drop(&archives->lock);
}

void decoder_free(struct decoder *decoder)
{
    if (!decoder)
        return;
    struct archives *archives = decoder->archive->all;
    enum slot slot = decoder->slot;
    close_and_free(decoder);
    lock_take(&archives->lock);
    archives->busy[slot]--;
    (void)pthread_cond_broadcast(&archives->changed);
    lock_drop(&archives->lock);
}

bool decoder_is_contended(const struct decoder *decoder)
{
    struct archives *archives = decoder->archive->all;
    const struct slot_wait *other;
    lock_take(&archives->lock);
    TAILQ_FOREACH(other, &archives->queue, link)
    if (has_room(archives, other->slot, decoder->slot))
        break;
    lock_drop(&archives->lock);
    return other;
}
