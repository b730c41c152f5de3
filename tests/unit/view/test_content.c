/* What sizes and content ids prove of two files. */
#include "view/content.h"

#include "testing.h"

#define MD5_A "0123456789abcdef0123456789abcdef"
#define MD5_B "0123456789abcdef0123456789abcdee"
#define SHA_A MD5_A MD5_A
#define SHA_B MD5_A MD5_B

Test(content, ids_prove_what_they_prove)
{
    static const struct {
        struct content a;
        struct content b;
        enum content_relation relation;
    } cases[] = {
        {{5, "", ""}, {6, "", ""}, CONTENT_DIFFERENT},
        {{0, "", ""}, {0, MD5_A, ""}, CONTENT_SAME},
        {{5, "", ""}, {5, "", ""}, CONTENT_UNKNOWN},
        {{5, MD5_A, ""}, {5, MD5_A, ""}, CONTENT_SAME},
        {{5, MD5_A, ""}, {5, MD5_B, ""}, CONTENT_DIFFERENT},
        {{5, MD5_A, ""}, {6, MD5_A, ""}, CONTENT_DIFFERENT},
        {{5, MD5_A, ""}, {5, "", ""}, CONTENT_UNKNOWN},
        {{5, MD5_A "-2", ""}, {5, MD5_A "-2", ""}, CONTENT_SAME},
        {{5, MD5_A "-2", ""}, {5, MD5_B "-2", ""}, CONTENT_UNKNOWN},
        {{5, MD5_A "-2", ""}, {5, MD5_A "-3", ""}, CONTENT_UNKNOWN},
        {{5, MD5_A "-2", ""}, {5, MD5_A, ""}, CONTENT_UNKNOWN},
        {{5, MD5_A "-", ""}, {5, MD5_A "-", ""}, CONTENT_UNKNOWN},
        {{5, MD5_A "-2x", ""}, {5, MD5_A "-2x", ""}, CONTENT_UNKNOWN},
        {{5, "6a96be40-17", ""}, {5, "6a96be40-17", ""}, CONTENT_UNKNOWN},
        {{5, MD5_A "0", ""}, {5, MD5_A "0", ""}, CONTENT_UNKNOWN},
        {{5, "", SHA_A}, {5, "", SHA_A}, CONTENT_SAME},
        {{5, "", SHA_A}, {5, "", SHA_B}, CONTENT_DIFFERENT},
        {{5, MD5_A, SHA_A}, {5, MD5_A, ""}, CONTENT_SAME},
        {{5, "", SHA_A}, {5, "", ""}, CONTENT_UNKNOWN},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        cr_assert_eq(content_compare(&cases[i].a, &cases[i].b), cases[i].relation, "case %zu", i);
        cr_assert_eq(content_compare(&cases[i].b, &cases[i].a), cases[i].relation, "case %zu, reversed", i);
    }
}
