/* Content ids: which ETags tell content, and what is hashed. */
#include "view/content.h"

#include <errno.h>

#include "view_test.h"

static void set_up(void)
{
    view_set_up();
    scratch_write("run/f", "abc");
    must_open();
}

static const struct wait patient = {.timeout_ms = 10000};
static struct error err;

TestSuite(content_id, .init = set_up, .fini = view_tear_down);

static const char *id_of(uint16_t origin, const char *key, const char *etag)
{
    static char text[256];
    struct strbuf out = STRBUF_INIT(sizeof text);
    struct object object = {.key = key, .key_len = strlen(key), .etag = etag, .size = 1};
    assert_ok(content_id(&run->composition, origin, &object, &patient, &out, &err), &err);
    (void)snprintf(text, sizeof text, "%s", strbuf_text(&out));
    strbuf_done(&out);
    return text;
}

#define MD5 "d41d8cd98f00b204e9800998ecf8427e"

Test(content_id, an_etag_is_one_where_it_tells_content)
{
    cr_assert_str_eq(id_of(0, "a", MD5), "md5:" MD5);
    cr_assert_str_eq(id_of(1, "b", MD5 "-12"), "etag:" MD5 "-12");
}

Test(content_id, another_etag_is_one_of_its_object_only)
{
    cr_assert_str_eq(id_of(0, "a/b", "6a96be40-72"), "etag:6a96be40-72@a/b");
    cr_assert_str_eq(id_of(0, "a", MD5 "-"), "etag:" MD5 "-@a");
    cr_assert_str_eq(id_of(0, "a", MD5 "-x"), "etag:" MD5 "-x@a");
    cr_assert_str_eq(id_of(2, "a", "x"), "etag:x@2:a");
}

Test(content_id, a_file_of_this_machine_is_hashed)
{
    const struct node *node = tree_find(run_tree(run), "f");
    struct object object = {.key = "f", .key_len = 1, .etag = "", .size = 3, .mtime_ns = node->mtime_ns};
    struct strbuf out = STRBUF_INIT(256);
    assert_ok(content_id(&run->composition, ORIGIN_RUN, &object, &patient, &out, &err), &err);
    cr_assert_str_eq(strbuf_text(&out),
                     "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    strbuf_clear(&out);
    object.size = 4; /* it has been replaced */
    assert_refused(content_id(&run->composition, ORIGIN_RUN, &object, &patient, &out, &err), ESTALE, &err,
                   "/f");
    cr_assert_str_eq(strbuf_text(&out), "");
    static struct cancel cancelled = CANCEL_INIT;
    struct wait given_up = {.timeout_ms = 10000, .cancelled = &cancelled};
    object.size = 3;
    cancel_request(&cancelled);
    assert_refused(content_id(&run->composition, ORIGIN_RUN, &object, &given_up, &out, &err), EINTR, &err,
                   "f");
    cr_assert_str_eq(strbuf_text(&out), "");
    strbuf_done(&out);
}
