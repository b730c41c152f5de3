/* What the environment of a CI job says of a run. runfs_environment_read is the library's only look at the
   process it is in; the rules themselves take what it returns. */
#include <runfs/place.h>
#include <stdlib.h>
#include <string.h>

/* NAME's value; NULL where it is unset or empty. */
static const char *get_nonempty(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

void runfs_environment_read(struct runfs_environment *ret_environment)
{
    const char *run_id = get_nonempty("THEROCK_RUN_ID");
    *ret_environment = (struct runfs_environment){
        /* Set but empty is a mistake to report, not a default: "release type … the empty string … is an
           error". */
        .repository = getenv("GITHUB_REPOSITORY"),
        .release_type = getenv("RELEASE_TYPE"),
        .run_id = run_id ? run_id : get_nonempty("GITHUB_RUN_ID"),
        .platform = get_nonempty("THEROCK_PLATFORM"),
        .is_pr_from_fork = getenv("IS_PR_FROM_FORK"),
        .event_name = get_nonempty("GITHUB_EVENT_NAME"),
        .event_path = get_nonempty("GITHUB_EVENT_PATH"),
        .event_fork = RUNFS_FORK_UNKNOWN,
    };
}

static enum runfs_fork environment_fork(const struct runfs_environment *environment)
{
    if (environment->is_pr_from_fork && strcmp(environment->is_pr_from_fork, "true") == 0)
        return RUNFS_FORK_YES;
    if (environment->event_name && strcmp(environment->event_name, "pull_request") == 0)
        return environment->event_fork;
    return RUNFS_FORK_UNKNOWN;
}

int runfs_request_complete(struct runfs_request *request, const struct runfs_environment *environment,
                           struct runfs_error *err)
{
    if (request->platform == RUNFS_PLATFORM_UNSAID && environment->platform) {
        int r = runfs_platform_parse(environment->platform, &request->platform, err);
        if (r < 0)
            return r;
    }
    if (!request->run_id)
        request->run_id = environment->run_id;
    if (!request->repository)
        request->repository = environment->repository;
    if (!request->release_type)
        request->release_type = environment->release_type;
    if (request->fork == RUNFS_FORK_UNKNOWN)
        request->fork = environment_fork(environment);
    return 0;
}

enum runfs_fork runfs_fork_of(const char *repository, const char *head_repository)
{
    repository = repository ? repository : RUNFS_REPOSITORY;
    return head_repository && strcmp(head_repository, repository) == 0 ? RUNFS_FORK_NO : RUNFS_FORK_YES;
}
