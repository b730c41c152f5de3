/* Looking for an index on the side; see index_search.h. */
#include "archive/index_search.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/thread.h"

#define READS_MAX 16 /* of an archive of many streams the index is all over it */

struct index_search {
    const struct codec *codec;
    struct reader *encoded; /* borrowed */
    struct codec_limits limits;
    struct wait wait;
    struct cancel cancelled;
    pthread_t thread;
    struct codec_index *index; /* owned; the thread's until it is over */
    atomic_bool over;
};

/* That there is none, or one that makes no sense, is no failure: whether the archive does, decoding shows. */
static void *search_thread(void *context)
{
    struct index_search *search = context;
    (void)codec_read_index(search->codec, search->encoded, &search->limits, &search->wait, &search->index,
                           NULL);
    atomic_store(&search->over, true);
    return NULL;
}

struct index_search *index_search_begin(const struct codec *codec, struct reader *encoded,
                                        const struct codec_limits *limits, const struct wait *wait)
{
    struct index_search *search = calloc(1, sizeof *search);
    if (!search)
        return NULL;
    cancel_init(&search->cancelled);
    search->codec = codec;
    search->encoded = encoded;
    search->limits = *limits;
    search->limits.reads_max = READS_MAX;
    search->wait = *wait;
    search->wait.cancelled = &search->cancelled;
    if (thread_create(&search->thread, 0, search_thread, search) == 0)
        return search;
    free(search);
    return NULL;
}

bool index_search_over(struct index_search *search, const struct codec_index **ret_index)
{
    if (!atomic_load(&search->over))
        return false;
    *ret_index = search->index;
    return true;
}

void index_search_end(struct index_search *search)
{
    if (!search)
        return;
    cancel_request(&search->cancelled);
    (void)pthread_join(search->thread, NULL);
    codec_index_close(search->index);
    free(search);
}
