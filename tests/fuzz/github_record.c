/* Fuzzes the reader of GitHub's JSON, as one run and as a list of them: any bytes are refused with a message, or give a run whose
   texts end where they must, and which is the same after it was written and read again. */
#include "github/github_record.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_run(const struct github_run *run)
{
    CHECK(run->id[0] && strspn(run->id, "0123456789") == strlen(run->id) && run->id[0] != '0');
    CHECK(run->updated_at >= 0 && run->created_at >= 0);
    CHECK(!run->has_place || run->updated_at);
    CHECK(!run->url[0] || strncmp(run->url, "http", 4) == 0);
}

static void check_written(const struct github_run *run)
{
    struct github_run again;
    struct strbuf json = STRBUF_INIT(4096);
    github_run_format(run, &json);
    CHECK(!json.failed);
    CHECK(github_run_parse(strbuf_text(&json), json.len, &again, NULL) == 0);
    CHECK(strcmp(run->id, again.id) == 0 && strcmp(run->head_repository, again.head_repository) == 0);
    CHECK(run->updated_at == again.updated_at && run->created_at == again.created_at);
    CHECK(strcmp(run->status, again.status) == 0 && strcmp(run->url, again.url) == 0);
    strbuf_done(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char words[64];
    struct github_run run;
    struct error err = {0};
    int result = github_run_parse((const char *)data, size, &run, &err);
    CHECK(result == 0 || (result == -EBADMSG && is_plain_line(err.message) && err.message[0]));
    if (result == 0) {
        check_run(&run);
        check_written(&run);
    }
    result = github_runs_parse((const char *)data, size, "0123456", &run, &err);
    CHECK(result == 0 || result == -EBADMSG || result == -ENOENT);
    if (result == 0)
        check_run(&run);
    github_message_parse((const char *)data, size, words, sizeof words);
    CHECK(is_plain_line(words));
    return 0;
}
