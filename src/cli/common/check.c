/* runfs ls --check; see check.h. */
#include "cli/common/check.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/common/progress.h"

struct checking {
    struct decoding decoding;
    bool failed;
};

static void tell(void *context, const char *line)
{
    (void)context;
    (void)puts(line);
}

static void failed(void *context, const struct error *err)
{
    struct checking *checking = context;
    checking->failed = true;
    progress_pause(&checking->decoding.progress);
    (void)command_failed(err);
    progress_resume(&checking->decoding.progress);
}

int check_view(struct options *options, bool quiet)
{
    struct checking checking = {0};
    struct view_report report = {.conflict = tell, .overlap = tell, .failed = failed, .context = &checking};
    struct wait wait = {.timeout_ms = options->run.timeout_ms};
    struct error err = {0};
    struct run *run;
    options->run.view.check = true;
    if (run_open(&options->run, &run, &err) < 0)
        return command_failed(&err);
    decoding_begin(&checking.decoding, run, quiet);
    run_check(run, &wait, &report);
    decoding_end(&checking.decoding);
    run_close(run);
    (void)printf("%" PRIu64 " conflicts, %" PRIu64 " overlaps\n", report.conflicts, report.overlaps);
    return report.conflicts || checking.failed ? EXIT_FAILED : EXIT_DONE;
}
