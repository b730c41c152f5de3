/* Digests of bytes as they come, by FIPS 180's and RFC 1321's own examples. */
#include "base/digest.h"

#include "testing.h"

static const char *sum_of(struct digest *digest, enum digest_kind kind, const char *first, const char *second)
{
    static char text[SHA256_TEXT];
    struct error err = {0};
    assert_ok(digest_begin(digest, kind, &err), &err);
    assert_ok(digest_add(digest, first, strlen(first), &err), &err);
    assert_ok(digest_add(digest, second, strlen(second), &err), &err);
    assert_ok(digest_end_text(digest, text, &err), &err);
    return text;
}

Test(digest, is_that_of_all_bytes_since_it_began)
{
    _cleanup_digest_ struct digest digest = {0};
    cr_assert_str_eq(sum_of(&digest, DIGEST_SHA256, "", ""),
                     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    cr_assert_str_eq(sum_of(&digest, DIGEST_SHA256, "a", "bc"),
                     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    cr_assert_str_eq(sum_of(&digest, DIGEST_MD5, "", ""), "d41d8cd98f00b204e9800998ecf8427e");
    cr_assert_str_eq(sum_of(&digest, DIGEST_MD5, "message", " digest"), "f96b697d7cb7938d525a2f31aaf161d0");
    cr_assert_str_eq(sum_of(&digest, DIGEST_SHA256, "ab", "c"),
                     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
