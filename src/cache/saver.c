/* Writing blocks to disk; see saver.h. */
#include "cache/saver.h"

#include "base/thread.h"

void saver_take(struct block *block)
{
    struct cache *cache = block->cache;
    bool worth = block->state == BLOCK_READY && !block->on_disk && !block->abandoned && block->source->disk &&
                 !cache->no_keep;
    if (block->saving || !cache->saver_runs || (!worth && !block->claimed))
        return;
    block->saving = true;
    TAILQ_INSERT_TAIL(&cache->unsaved, block, age);
    (void)pthread_cond_signal(&cache->unsaved_came);
}

/* Nobody else changes what is looked at here: the block is whole, and being saved. */
static bool save(struct block *block, bool ahead)
{
    struct disk_object *disk = block->source->disk;
    bool saved = block->state == BLOCK_READY &&
                 disk_object_save(disk, block->number, block->data, block->len, ahead) == 0;
    if (block->claimed)
        disk_object_release(disk, block->number);
    return saved;
}

static void *saver_thread(void *context)
{
    struct cache *cache = context;
    struct block *block;
    (void)pthread_mutex_lock(&cache->lock);
    for (;;) {
        while (!(block = TAILQ_FIRST(&cache->unsaved)) && !cache->closing)
            (void)pthread_cond_wait(&cache->unsaved_came, &cache->lock);
        if (!block)
            break;
        TAILQ_REMOVE(&cache->unsaved, block, age);
        cache->saving = true;
        bool ahead = block->ahead;
        (void)pthread_mutex_unlock(&cache->lock);
        bool saved = save(block, ahead);
        (void)pthread_mutex_lock(&cache->lock);
        cache->saving = false;
        if (TAILQ_EMPTY(&cache->unsaved))
            (void)pthread_cond_broadcast(&cache->saved);
        block->saving = false;
        block->claimed = false;
        block->on_disk = saved;
        if (saved)
            block_let_go(block);
        block_settle(block);
    }
    (void)pthread_mutex_unlock(&cache->lock);
    return NULL;
}

int saver_open(struct cache *cache)
{
    if (!cache->disk)
        return 0;
    int code = thread_create(&cache->saver, 0, saver_thread, cache);
    cache->saver_runs = code == 0;
    return code;
}

void saver_close(struct cache *cache)
{
    if (!cache->saver_runs)
        return;
    (void)pthread_mutex_lock(&cache->lock);
    cache->closing = true;
    (void)pthread_cond_signal(&cache->unsaved_came);
    (void)pthread_mutex_unlock(&cache->lock);
    (void)pthread_join(cache->saver, NULL);
}

void cache_settle(struct cache *cache)
{
    (void)pthread_mutex_lock(&cache->lock);
    while (cache->saving || !TAILQ_EMPTY(&cache->unsaved))
        (void)pthread_cond_wait(&cache->saved, &cache->lock);
    (void)pthread_mutex_unlock(&cache->lock);
}
