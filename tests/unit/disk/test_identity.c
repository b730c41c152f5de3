/* Identities: no two versions of objects have the same one, and one can be taken apart again. */
#include "disk/identity.h"

#include <errno.h>

#include "testing.h"

static const struct cache_scope scope = {"http://host:1", "bucket", "run/"};

static struct strbuf build(const struct cache_scope *of, const struct object *object)
{
    struct strbuf out = STRBUF_INIT(IDENTITY_MAX);
    identity_build(of, object, &out);
    cr_assert_not(out.failed);
    return out;
}

static struct object some_object(void)
{
    return (struct object){.key = "key", .key_len = 3, .etag = "e", .size = 5, .mtime_ns = 7};
}

Test(identity, no_two_are_alike)
{
    struct strbuf all[16];
    size_t count = 0;
    struct object object = some_object();
    static const struct cache_scope scopes[] = {
        {"http://host:1", "bucket", "run/"},     {"http://host:2", "bucket", "run/"},
        {"http://host:1", "bucket2", "run/"},    {"http://host:1", "bucket", "run2/"},
        {"http://host:1bucket", "", "run/"},     {"", "http://host:1bucket", "run/"},
        {"http://host:1", "bucket", "run/run/"},
    };
    for (size_t i = 0; i < COUNT(scopes); i++)
        all[count++] = build(&scopes[i], &object);
    object.etag = "f";
    all[count++] = build(&scope, &object);
    object = some_object();
    object.size = 6;
    all[count++] = build(&scope, &object);
    object = some_object();
    object.key = "kex";
    all[count++] = build(&scope, &object);
    object.key = "ke\0y";
    object.key_len = 4;
    all[count++] = build(&scope, &object);
    object = some_object();
    object.etag = "";
    all[count++] = build(&scope, &object);
    object.mtime_ns = 8;
    all[count++] = build(&scope, &object);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            cr_assert(all[i].len != all[j].len || memcmp(all[i].data, all[j].data, all[i].len) != 0,
                      "%zu and %zu", i, j);
    for (size_t i = 0; i < count; i++)
        strbuf_done(&all[i]);
}

Test(identity, the_time_counts_only_without_an_etag)
{
    struct object object = some_object();
    struct strbuf one = build(&scope, &object);
    object.mtime_ns++;
    struct strbuf other = build(&scope, &object);
    cr_assert_eq(one.len, other.len);
    cr_assert_eq(memcmp(one.data, other.data, one.len), 0);
    strbuf_done(&one);
    strbuf_done(&other);
}

Test(identity, is_taken_apart_again)
{
    struct identity_parts parts;
    struct object object = some_object();
    object.key = "a\0b";
    struct strbuf built = build(&scope, &object);
    cr_assert_eq(identity_split(built.data, built.len, &parts), 0);
    cr_assert_str_eq(parts.endpoint, "http://host:1");
    cr_assert_str_eq(parts.bucket, "bucket");
    cr_assert_str_eq(parts.etag, "e");
    cr_assert_eq(parts.key_len, strlen("run/") + 3);
    cr_assert_eq(memcmp(parts.key, "run/a\0b", parts.key_len), 0);
    strbuf_done(&built);
}

Test(identity, decoded_bytes_are_named_apart_from_objects)
{
    struct identity_parts parts;
    struct object object = some_object();
    _cleanup_strbuf_ struct strbuf decoded = STRBUF_INIT(IDENTITY_MAX);
    _cleanup_strbuf_ struct strbuf first_version = STRBUF_INIT(IDENTITY_MAX);
    identity_build_decoded(&scope, &object, &decoded);
    cr_assert_eq(identity_split(decoded.data, decoded.len, &parts), 0);
    cr_assert_str_eq(parts.etag, object.etag);
    object.size = 0;
    identity_build(&scope, &object, &first_version);
    cr_assert(decoded.len != first_version.len || memcmp(decoded.data, first_version.data, decoded.len) != 0);
}

Test(identity, what_is_none_is_refused)
{
    struct identity_parts parts;
    struct object object = some_object();
    struct strbuf built = build(&scope, &object);
    size_t key_at = built.len - strlen("run/key") - 1;
    for (size_t len = 0; len < built.len; len++)
        cr_assert_eq(identity_split(built.data, len, &parts), -EINVAL, "%zu bytes", len);
    cr_assert_eq(identity_split("", 1, &parts), -EINVAL);
    cr_assert_eq(identity_split(built.data, key_at, &parts), -EINVAL);
    strbuf_done(&built);
}

Test(identity, a_key_that_is_too_long_fails_the_builder)
{
    static char key[IDENTITY_MAX];
    _cleanup_strbuf_ struct strbuf out = STRBUF_INIT(IDENTITY_MAX);
    struct object object = some_object();
    memset(key, 'k', sizeof key);
    object.key = key;
    object.key_len = sizeof key;
    identity_build(&scope, &object, &out);
    cr_assert(out.failed);
}

Test(identity, names_are_32_digits_and_differ)
{
    char one[IDENTITY_NAME];
    char other[IDENTITY_NAME];
    identity_name("a", 1, one);
    identity_name("b", 1, other);
    cr_assert_eq(strlen(one), 32);
    cr_assert_eq(strspn(one, "0123456789abcdef"), 32);
    cr_assert_str_neq(one, other);
}
