/* Origins: numbers for runs and stores besides the run itself, added while others are looked at. */
#include <errno.h>
#include <stdlib.h>

#include "base/thread.h"
#include "run/run_internal.h"
#include "testing.h"

static struct run *host;
static char *source;

static void set_up(void)
{
    struct error err = {0};
    scratch_open();
    (void)unsetenv("THEROCK_LOCAL_STAGING_DIR");
    scratch_mkdir("host");
    scratch_mkdir("guest");
    scratch_write("guest/a", "of the guest");
    source = strdup(scratch_path("host"));
    struct run_config config = {.source = source, .timeout_ms = 10000, .connections = 2, .archives = true};
    assert_ok(run_open(&config, &host, &err), &err);
}

static void tear_down(void)
{
    run_close(host);
    free(source);
    scratch_close();
}

TestSuite(origin, .init = set_up, .fini = tear_down);

Test(origin, the_run_itself_is_number_0)
{
    cr_assert_eq(origins_at(host->origins, ORIGIN_RUN).run, host);
    cr_assert_eq(origins_count(host->origins), 1);
    cr_assert_null(origins_at(host->origins, 1).run);
    cr_assert_null(origins_at(host->origins, ORIGIN_NONE).run);
}

Test(origin, a_guest_is_read_by_its_number)
{
    static const struct wait patient = {.timeout_ms = 10000};
    struct run *guest;
    struct reader *reader;
    uint16_t number;
    char text[16] = "";
    size_t n = 0;
    struct error err = {0};
    struct strbuf path = STRBUF_INIT(100);
    struct object object;
    assert_ok(run_open_guest(host, scratch_path("guest"), &guest, &err), &err);
    assert_ok(origins_add(host->origins, (struct origin){.run = guest}, &number, &err), &err);
    cr_assert_eq(number, 1);
    cr_assert_eq(run_object(tree_find(run_tree(guest), "a"), &path, &object), 0);
    assert_ok(run_open_at(host, number, &object, &reader, &err), &err);
    assert_ok(reader_pread(reader, text, sizeof text, 0, &patient, &n, &err), &err);
    reader_close(reader);
    cr_assert_eq(n, 12);
    cr_assert_arr_eq(text, "of the guest", 12);
    assert_refused(run_open_at(host, 2, &object, &reader, &err), EIO, &err, "source is not known");
    strbuf_done(&path);
}

static void *add_many(void *context)
{
    uint16_t number;
    (void)context;
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(origins_add(host->origins, (struct origin){0}, &number, NULL), 0);
    return NULL;
}

Test(origin, many_may_add_at_once_up_to_the_limit)
{
    pthread_t threads[4];
    uint16_t number;
    struct error err = {0};
    for (size_t i = 0; i < COUNT(threads); i++)
        cr_assert_eq(thread_create(&threads[i], 0, add_many, NULL), 0);
    for (size_t i = 0; i < COUNT(threads); i++)
        (void)pthread_join(threads[i], NULL);
    cr_assert_eq(origins_count(host->origins), 4001);
    for (int i = 4001; i < ORIGINS_MAX; i++)
        cr_assert_eq(origins_add(host->origins, (struct origin){0}, &number, NULL), 0);
    cr_assert_eq(origins_add(host->origins, (struct origin){0}, &number, &err), -ENOSPC);
}
