/* SHA-256 of bytes as they come, by FIPS 180's own examples. */
#include "base/digest.h"

#include "testing.h"

static const char *sum_of(struct sha256 *sum, const char *first, const char *second)
{
    static char text[SHA256_TEXT];
    struct error err = {0};
    assert_ok(sha256_begin(sum, &err), &err);
    assert_ok(sha256_add(sum, first, strlen(first), &err), &err);
    assert_ok(sha256_add(sum, second, strlen(second), &err), &err);
    assert_ok(sha256_end(sum, text, &err), &err);
    return text;
}

Test(sha256, is_that_of_all_bytes_since_it_began)
{
    _cleanup_sha256_ struct sha256 sum = {0};
    cr_assert_str_eq(sum_of(&sum, "", ""),
                     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    cr_assert_str_eq(sum_of(&sum, "a", "bc"),
                     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
