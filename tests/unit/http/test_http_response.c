/* Header lines of answers: those that matter, in all their spellings, from servers that may be hostile. */
#include "http/http_response.h"

#include "testing.h"

static struct http_response response;

static void reset(void)
{
    memset(&response, 0x5a, sizeof response);
    http_response_reset(&response);
}

TestSuite(http_response, .init = reset);

static void header(const char *line)
{
    char *exact = malloc(strlen(line));
    memcpy(exact, line, strlen(line)); /* curl's lines are not terminated */
    http_response_header(&response, exact, strlen(line));
    free(exact);
}

Test(http_response, starts_empty)
{
    cr_assert_eq(response.status, 0);
    cr_assert_str_eq(response.etag, "");
    cr_assert_str_eq(response.content_range, "");
    cr_assert_str_eq(response.region, "");
    cr_assert_eq(response.content_length, -1);
    cr_assert_eq(response.body_len, 0);
    cr_assert_str_eq(response.body, "");
}

Test(http_response, reads_the_headers_that_matter)
{
    header("HTTP/1.1 206 Partial Content\r\n");
    header("ETag: \"abc-1\"\r\n");
    header("Content-Range: bytes 0-9/100\r\n");
    header("Content-Length: 10\r\n");
    header("x-amz-bucket-region: eu-west-1\r\n");
    header("Server: other\r\n");
    header("\r\n");
    cr_assert_str_eq(response.etag, "abc-1");
    cr_assert_str_eq(response.content_range, "bytes 0-9/100");
    cr_assert_eq(response.content_length, 10);
    cr_assert_str_eq(response.region, "eu-west-1");
}

/* RFC 9110, 5.1 and 5.5: names in any case, blanks around values. */
Test(http_response, names_have_no_case_and_values_no_blanks_around_them)
{
    header("ETAG:\"a\"");
    cr_assert_str_eq(response.etag, "a");
    header("etag: \t \"b\" \t \r\n");
    cr_assert_str_eq(response.etag, "b");
    header("Etag :\"c\"\r\n");
    cr_assert_str_eq(response.etag, "b", "a name ends at its colon, without blanks");
    header("x-etag: \"d\"");
    header("eta: \"d\"");
    cr_assert_str_eq(response.etag, "b");
}

Test(http_response, etags_lose_their_quotes_and_weakness)
{
    static const struct {
        const char *line;
        const char *etag;
    } cases[] = {
        {"ETag: W/\"abc\"", "abc"}, {"ETag: abc", "abc"}, {"ETag: \"\"", ""},
        {"ETag: \"", "\""},         {"ETag: ", ""},       {"ETag:", ""},
        {"ETag: \"a\"b\"", "a\"b"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        header(cases[i].line);
        cr_assert_str_eq(response.etag, cases[i].etag, "%s", cases[i].line);
    }
}

Test(http_response, lengths_that_are_no_numbers_are_unknown)
{
    static const char *const bad[] = {"Content-Length: -5",
                                      "Content-Length: 1,1",
                                      "Content-Length: ",
                                      "Content-Length: 0x5",
                                      "Content-Length: 9223372036854775808",
                                      "Content-Length: 5 5"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        header(bad[i]);
        cr_assert_eq(response.content_length, -1, "%s", bad[i]);
    }
    header("Content-Length: 9223372036854775807");
    cr_assert_eq(response.content_length, INT64_MAX);
}

Test(http_response, a_new_status_line_forgets_the_answer_before)
{
    header("HTTP/1.1 100 Continue\r\n");
    header("ETag: \"interim\"\r\n");
    header("Content-Length: 3\r\n");
    header("HTTP/2 200\r\n");
    cr_assert_str_eq(response.etag, "");
    cr_assert_eq(response.content_length, -1);
}

Test(http_response, lines_that_are_no_headers_are_passed_over)
{
    header("no colon");
    header(":");
    header(": value");
    header("HTTP");
    header("\n");
    http_response_header(&response, "", 0);
    http_response_header(&response, "ETag: \"a\0b\"", 11);
    cr_assert_eq(strncmp(response.etag, "\"a", 2), 0);
}

Test(http_response, overlong_values_are_cut)
{
    char line[2000];
    memset(line, 'x', sizeof line);
    memcpy(line, "ETag: ", 6);
    http_response_header(&response, line, sizeof line);
    cr_assert_lt(strlen(response.etag), sizeof response.etag);
    memcpy(line, "X-Amz-Bucket-Region:", 20);
    http_response_header(&response, line, sizeof line);
    cr_assert_eq(strlen(response.region), sizeof response.region - 1);
}

Test(http_response, keeps_the_start_of_a_refusals_body)
{
    static char piece[5000];
    memset(piece, 'p', sizeof piece);
    http_response_body(&response, "", 0);
    http_response_body(&response, piece, sizeof piece);
    http_response_body(&response, piece, sizeof piece);
    http_response_body(&response, piece, sizeof piece);
    cr_assert_eq(response.body_len, HTTP_ERROR_BODY_MAX - 1);
    cr_assert_eq(strlen(response.body), HTTP_ERROR_BODY_MAX - 1);
}
