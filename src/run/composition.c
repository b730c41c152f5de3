/* What the view of a run takes of it; see run_internal.h. */
#include "run/run_internal.h"
#include "store/local.h"

/* Takes over what ORIGIN has, also on failure. */
static int add_origin(struct run *host, struct origin origin, uint16_t *ret_origin, struct error *err)
{
    int result = origins_add(host->origins, origin, ret_origin, err);
    if (result < 0) {
        run_close(origin.run);
        store_close(origin.store);
    }
    return result;
}

static int deps_open_run(void *context, const char *source, uint16_t *ret_origin, struct error *err)
{
    struct origin origin = {0};
    int result = run_open_guest(context, source, &origin.run, err);
    return result < 0 ? result : add_origin(context, origin, ret_origin, err);
}

static int deps_open_directory(void *context, const char *directory, uint16_t *ret_origin, struct error *err)
{
    struct run *host = context;
    struct origin origin = {0};
    int result = local_open(directory, host->config.note, &origin.store, err);
    return result < 0 ? result : add_origin(host, origin, ret_origin, err);
}

static struct tree *deps_stored(void *context, uint16_t origin)
{
    const struct run *host = context;
    return origins_at(host->origins, origin).run->stored;
}

static int deps_list(void *context, uint16_t origin, list_fn fn, void *fn_context, const struct wait *wait,
                     struct error *err)
{
    const struct run *host = context;
    struct store *store = origins_at(host->origins, origin).store;
    return store->ops->list(store, NULL, fn, fn_context, wait, err);
}

static int deps_open_object(void *context, uint16_t origin, const struct object *object,
                            struct reader **ret_reader, struct error *err)
{
    return run_open_at(context, origin, object, ret_reader, err);
}

static int deps_get_archive(void *context, uint16_t origin, struct tree *tree, const struct object *object,
                            struct archive **ret_archive, struct error *err)
{
    const struct run *host = context;
    return run_get_archive(origins_at(host->origins, origin).run, tree, object, ret_archive, err);
}

static void deps_show_archives(void *context, struct tree *tree)
{
    run_show_archives(context, tree);
}

void run_init_composition(struct run *run)
{
    run->composition.config = run->config.view;
    run->composition.config.timeout_ms = run->config.timeout_ms;
    run->composition.config.note = run->config.note;
    run->composition.deps = (struct view_deps){
        .context = run,
        .filter = run->filter,
        .open_run = deps_open_run,
        .open_directory = deps_open_directory,
        .stored = deps_stored,
        .list = deps_list,
        .open_object = deps_open_object,
        .get_archive = deps_get_archive,
        .show_archives = deps_show_archives,
    };
}

void run_check(struct run *run, const struct wait *wait, struct view_report *report)
{
    view_check(&run->composition, wait, report);
}
