/* Files that hang; see gates.h. */
#include "gates.h"

#include <errno.h>

#include "fake_kernel.h"

struct gate gates[GATES_MAX];

static struct lock lock = LOCK_INIT(LOCK_LEAF);
static pthread_cond_t opened = PTHREAD_COND_INITIALIZER;
static const struct store_ops *ungated;
static struct store_ops gated;

struct gated_reader {
    struct reader reader;
    struct reader *inner; /* owned */
    struct gate *gate;
};

static int await_gate(struct gate *gate, const struct wait *wait)
{
    int result = 0;
    lock_assert_none("waits at a gate");
    lock_take(&lock);
    atomic_fetch_add(&gate->waiting, 1);
    while (!gate->open && result == 0)
        result = wait->timeout_ms ? wait_on(wait, &lock, &opened, wait_deadline(wait, 0)) : -EAGAIN;
    atomic_fetch_sub(&gate->waiting, 1);
    lock_drop(&lock);
    return result < 0 ? result : gate->result;
}

static void pass_gate(struct gate *gate)
{
    static const struct wait patient = {.timeout_ms = KERNEL_PATIENT_MS};
    (void)await_gate(gate, &patient);
}

static int gated_pread(struct reader *r, void *buf, size_t len, uint64_t offset, const struct wait *wait,
                       size_t *ret_n, struct error *err)
{
    struct gated_reader *reader = (struct gated_reader *)r;
    bool waits = reader->gate->at == AT_READ && offset + len > reader->gate->from;
    int result = waits ? await_gate(reader->gate, wait) : 0;
    if (result < 0)
        return result == -EAGAIN ? result : error_errno(err, -result, "%s", reader->gate->key);
    return reader_pread(reader->inner, buf, len, offset, wait, ret_n, err);
}

static void gated_close(struct reader *r)
{
    struct gated_reader *reader = (struct gated_reader *)r;
    if (reader->gate->at == AT_CLOSE)
        pass_gate(reader->gate);
    reader_close(reader->inner);
    free(r);
}

static const struct reader_ops gated_reader_ops = {.pread = gated_pread, .close = gated_close};

static struct gate *gate_of(const char *key)
{
    for (size_t i = 0; i < GATES_MAX; i++)
        if (gates[i].key && strncmp(key, gates[i].key, strlen(gates[i].key)) == 0)
            return &gates[i];
    return NULL;
}

static int gated_open(struct store *store, const struct object *object, struct reader **ret_reader,
                      struct error *err)
{
    struct gate *gate = gate_of(object->key);
    struct reader *inner;
    if (gate && gate->at == AT_OPEN)
        pass_gate(gate);
    int result = ungated->open(store, object, &inner, err);
    if (result < 0 || !gate) {
        if (result == 0)
            *ret_reader = inner;
        return result;
    }
    struct gated_reader *reader = malloc(sizeof *reader);
    *reader = (struct gated_reader){{&gated_reader_ops, inner->size}, inner, gate};
    *ret_reader = &reader->reader;
    return 0;
}

static int gated_list(struct store *store, const char *const *subtrees, list_fn fn, void *context,
                      const struct wait *wait, struct error *err)
{
    int result = 0;
    for (size_t i = 0; i < GATES_MAX && result == 0; i++)
        if (gates[i].key && gates[i].at == AT_LIST)
            result = await_gate(&gates[i], wait);
    return result < 0 ? error_errno(err, -result, "list")
                      : ungated->list(store, subtrees, fn, context, wait, err);
}

static void install(struct store *store)
{
    ungated = store->ops;
    gated = *ungated;
    gated.open = gated_open;
    gated.list = gated_list;
    store->ops = &gated;
}

void gates_install(struct run *run)
{
    install(run->store);
    for (uint16_t i = 1; i < origins_count(run->origins); i++) {
        struct store *store = origins_at(run->origins, i).store;
        if (store && store->ops != &gated)
            store->ops = &gated;
    }
}

void gate_open(struct gate *gate, int result)
{
    lock_take(&lock);
    gate->open = true;
    gate->result = result;
    (void)pthread_cond_broadcast(&opened);
    lock_drop(&lock);
}
