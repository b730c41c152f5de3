/* Keys that are awkward for URLs, signatures or XML: listed as they are, and fetched by what was listed. */
#include "test_s3_server.h"

static const char *const awkward[] = {
    "a b",
    "a+b",
    "a%20b",
    "a%b",
    "a&b=c",
    "a?b#c",
    "a'b\"c",
    "a:b@c",
    "gr\xc3\xbc\xc3\x9f",
    "\xf0\x9f\x98\x80",
    "<a>&amp;",
    "]]>",
    "a\\b",
    "a;b,c",
    "a*(b)!",
    "a~b-c_d",
    " a ",
    "a\nb",
    "a\tb\rc",
    "\x01\x1f\x7f",
    "\xff\xfe",
    "a//b",
    "/a",
    "..",
    "a/../b",
    "./a",
    "a/",
    "$[]{}|^`",
    "+",
    "%",
    " ",
    "logs/x=y/z+",
};

static struct store *store;

/* Each key's object is the file "small". */
static void set_up(void)
{
    server_prepare();
    FILE *out = fopen(scratch_path("data/b.keys"), "we");
    cr_assert(out);
    for (size_t i = 0; i < COUNT(awkward); i++) {
        (void)fputs("run/awkward/", out);
        for (const char *c = awkward[i]; *c; c++)
            (void)fprintf(out, "%%%02X", (unsigned)(unsigned char)*c);
        (void)fputs("\tb/run/small\n", out);
    }
    (void)fclose(out);
    server_start();
    struct s3_config config = {.prefix = "run/awkward/", .timeout_ms = LONG_MS};
    store = server_store_of(&config);
}

static void tear_down(void)
{
    store_close(store);
    server_close();
}

TestSuite(s3_keys, .init = set_up, .fini = tear_down);

static int count_key(void *context, const struct object *object, struct error *err)
{
    unsigned *seen = context;
    (void)err;
    for (size_t i = 0; i < COUNT(awkward); i++)
        seen[i] +=
            object->key_len == strlen(awkward[i]) && memcmp(object->key, awkward[i], object->key_len) == 0;
    seen[COUNT(awkward)]++;
    return 0;
}

Test(s3_keys, awkward_keys_are_listed_as_they_are)
{
    unsigned seen[COUNT(awkward) + 1] = {0};
    static const char *const none[] = {NULL};
    static const struct wait wait = {.timeout_ms = LONG_MS};
    struct error err;
    assert_ok(store->ops->list(store, none, count_key, seen, &wait, &err), &err);
    for (size_t i = 0; i < COUNT(awkward); i++)
        cr_assert_eq(seen[i], 1, "%s: %u times", awkward[i], seen[i]);
    cr_assert_eq(seen[COUNT(awkward)], COUNT(awkward));
}

Test(s3_keys, awkward_keys_are_fetched)
{
    for (size_t i = 0; i < COUNT(awkward); i++) {
        struct error err;
        struct object object = {
            .key = awkward[i], .key_len = strlen(awkward[i]), .etag = "", .size = SMALL_SIZE};
        int result = fetch_pattern(store, &object, 0, SMALL_SIZE, &err);
        cr_assert_eq(result, 0, "%s: %s", awkward[i], err.message);
    }
}
