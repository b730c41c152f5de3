/* SOURCE in all its forms, and what is none. */
#include "run/site_source.h"

#include <errno.h>

#include "testing.h"

/* What a source is read as, "kind run=… bucket=…" with what it has. */
static const char *describe(const char *text)
{
    static char line[20000];
    static const char *const kinds[] = {
        [SOURCE_RUN] = "run", [SOURCE_COMMIT] = "commit", [SOURCE_S3] = "s3", [SOURCE_LOCAL] = "local"};
    _cleanup_source_ struct source source = {0};
    struct error err = {0};
    assert_ok(source_parse(text, &source, &err), &err);
    const struct {
        const char *name;
        const char *value;
    } fields[] = {{"run", source.run},       {"repo", source.repository}, {"bucket", source.bucket},
                  {"prefix", source.prefix}, {"region", source.region},   {"path", source.path},
                  {"sha", source.commit}};
    size_t used = (size_t)snprintf(line, sizeof line, "%s", kinds[source.kind]);
    for (size_t i = 0; i < COUNT(fields); i++)
        if (fields[i].value)
            used +=
                (size_t)snprintf(line + used, sizeof line - used, " %s=%s", fields[i].name, fields[i].value);
    return line;
}

static const struct {
    const char *text;
    const char *wanted;
} forms[] = {
    /* run ids; what they may hold is the layout's business */
    {"12345678901", "run run=12345678901"},
    {"12345678901-linux", "run run=12345678901-linux"},
    {"7-windows", "run run=7-windows"},
    {"123/x", "run run=123/x"},
    /* GitHub's addresses */
    {"https://github.com/ROCm/TheRock/actions/runs/123", "run run=123 repo=ROCm/TheRock"},
    {"https://github.com/ROCm/TheRock/actions/runs/123/job/456", "run run=123 repo=ROCm/TheRock"},
    {"https://github.com/ROCm/TheRock/actions/runs/123?pr=7", "run run=123 repo=ROCm/TheRock"},
    {"https://github.com/ROCm/TheRock/actions/runs/123#summary", "run run=123 repo=ROCm/TheRock"},
    {"https://github.com/ROCm/TheRock/actions/runs/123/attempts/2", "run run=123 repo=ROCm/TheRock"},
    {"https://github.com/a/b/actions/runs/", "run run= repo=a/b"},
    /* commits */
    {"ROCm/TheRock@0123456", "commit repo=ROCm/TheRock sha=0123456"},
    {"0wner/re.po@ABCdef0123456789ABCdef0123456789ABCdef01",
     "commit repo=0wner/re.po sha=abcdef0123456789abcdef0123456789abcdef01"},
    /* S3 */
    {"s3://bucket", "s3 bucket=bucket prefix="},
    {"s3://bucket/", "s3 bucket=bucket prefix="},
    {"s3://bucket/a/b", "s3 bucket=bucket prefix=a/b"},
    {"s3://bucket/a/b///", "s3 bucket=bucket prefix=a/b"},
    {"s3://bucket//a", "s3 bucket=bucket prefix=a"},
    {"s3://bucket/a%20b+c", "s3 bucket=bucket prefix=a%20b+c"},
    {"s3://bucket/a b/index.html", "s3 bucket=bucket prefix=a b/index.html"},
    /* S3's addresses */
    {"https://bucket.s3.amazonaws.com", "s3 bucket=bucket prefix="},
    {"https://bucket.s3.amazonaws.com/", "s3 bucket=bucket prefix="},
    {"https://bucket.s3.amazonaws.com/1-linux", "s3 bucket=bucket prefix=1-linux"},
    {"https://bucket.s3.amazonaws.com/1-linux/", "s3 bucket=bucket prefix=1-linux"},
    {"https://bucket.s3.amazonaws.com/1-linux/index.html", "s3 bucket=bucket prefix=1-linux"},
    {"https://bucket.s3.amazonaws.com/index.html", "s3 bucket=bucket prefix="},
    {"https://bucket.s3.amazonaws.com/1/myindex.html", "s3 bucket=bucket prefix=1/myindex.html"},
    {"https://bucket.s3.us-east-2.amazonaws.com/1/x", "s3 bucket=bucket prefix=1/x region=us-east-2"},
    {"https://bucket.s3.amazonaws.com/a%20b%2Bc+d/%C3%BC", "s3 bucket=bucket prefix=a b+c+d/\xc3\xbc"},
    {"https://with.dots.s3.us-east-2.amazonaws.com/x", "s3 bucket=with.dots prefix=x region=us-east-2"},
    {"https://my.s3x.s3.amazonaws.com/x", "s3 bucket=my.s3x prefix=x"},
    {"https://a.s3.b.s3.amazonaws.com/x", "s3 bucket=a.s3.b prefix=x"},
    /* directories */
    {"/", "local path=/"},
    {"/tmp/run", "local path=/tmp/run"},
    {"./run", "local path=./run"},
    {"./", "local path=./"},
    {"../12345", "local path=../12345"},
    {"/a b%20c", "local path=/a b%20c"},
};

Test(source, each_form_is_read_as_what_it_names)
{
    for (size_t i = 0; i < COUNT(forms); i++)
        cr_assert_str_eq(describe(forms[i].text), forms[i].wanted);
}

static const struct {
    const char *text;
    const char *why;
} refused[] = {
    {"", "not one of a run id"},
    {"run", "not one of a run id"},
    {"dir/run", "not one of a run id"},
    {"a/b@012345", "7 to 40 hexadecimal digits"},
    {"a/b@0123456789012345678901234567890123456789a", "7 to 40 hexadecimal digits"},
    {"a/b@main", "7 to 40 hexadecimal digits"},
    {"a/b@0123456@0123456", "7 to 40 hexadecimal digits"},
    {"a@0123456", "OWNER/REPO@SHA is the form"},
    {"12345/@0123456", "OWNER/REPO@SHA is the form"},
    {"a/b/c@0123456", "OWNER/REPO@SHA is the form"},
    {".", "not one of a run id"},
    {"..", "not one of a run id"},
    {".hidden/run", "not one of a run id"},
    {"-5", "not one of a run id"},
    {" 5", "not one of a run id"},
    {"http://bucket.s3.amazonaws.com/x", "not one of a run id"},
    {"ftp://bucket/x", "not one of a run id"},
    {"S3://bucket/x", "not one of a run id"},
    {"s3:/bucket", "not one of a run id"},
    {"s3://", "no bucket"},
    {"s3:///prefix", "no bucket"},
    {"https://github.com/ROCm/TheRock", "not a run"},
    {"https://github.com/ROCm/TheRock/actions", "not a run"},
    {"https://github.com/TheRock/actions/runs/1", "not a run"},
    {"https://github.com//x/actions/runs/1", "not a run"},
    {"https://github.com/a//actions/runs/1", "not a run"},
    {"https://github.com/a/b/c/actions/runs/1", "not a run"},
    {"https://github.com/actions/runs/1", "not a run"},
    {"https://example.com/x", "neither a run on github.com"},
    {"https://amazonaws.com/x", "neither a run on github.com"},
    {"https://s3.amazonaws.com/bucket/x", "neither a run on github.com"},
    {"https://.s3.amazonaws.com/x", "neither a run on github.com"},
    {"https://bucket.s3..amazonaws.com/x", "neither a run on github.com"},
    {"https://bucket.s3.a.b.amazonaws.com/x", "neither a run on github.com"},
    {"https://bucket.s3.amazonaws.com.evil.example/x", "neither a run on github.com"},
    {"https://evil.example/bucket.s3.amazonaws.com/x", "neither a run on github.com"},
    {"https://bucket.s3.amazonaws.com:444/x", "neither a run on github.com"},
    {"https://user@github.com.example/x", "neither a run on github.com"},
    {"https://", "neither a run on github.com"},
    {"https://bucket.s3.amazonaws.com/x?versionId=1", "query or fragment"},
    {"https://bucket.s3.amazonaws.com/x#y", "query or fragment"},
    {"https://bucket.s3.amazonaws.com/a%zz", "percent-encoding"},
    {"https://bucket.s3.amazonaws.com/a%2", "percent-encoding"},
    {"https://bucket.s3.amazonaws.com/a%00b", "NUL byte"},
};

Test(source, what_has_no_form_is_refused_and_named)
{
    for (size_t i = 0; i < COUNT(refused); i++) {
        struct source source = {.kind = SOURCE_LOCAL};
        struct error err = {0};
        int result = source_parse(refused[i].text, &source, &err);
        cr_assert_eq(result, -EINVAL, "'%s': %d", refused[i].text, result);
        cr_assert(strstr(err.message, refused[i].why), "'%s' is not in: %s", refused[i].why, err.message);
        cr_assert(strstr(err.message, refused[i].text), "%s", err.message);
        cr_assert(source.kind == SOURCE_LOCAL && !source.path, "untouched on failure");
    }
}

Test(source, overlong_sources_are_refused)
{
    static char text[20000] = "s3://bucket/";
    struct source source;
    struct error err = {0};
    memset(text + strlen(text), 'x', 9000);
    assert_refused(source_parse(text, &source, &err), ENAMETOOLONG, &err, "longer than 8192");
    text[8192] = '\0';
    cr_assert(describe(text));
}

Test(source, done_takes_an_empty_one)
{
    struct source source = {0};
    source_done(&source);
}
