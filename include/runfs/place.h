/* Where a run is: its bucket and prefix, from repository, release type, fork and time.
   Pure, but for runfs_environment_read. Buckets are in region RUNFS_REGION and read in public. */
#ifndef RUNFS_PLACE_H
#define RUNFS_PLACE_H

#include <runfs/run.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RUNFS_REGION       "us-east-2"
#define RUNFS_REPOSITORY   "ROCm/TheRock" /* the repository where none is named */
#define RUNFS_RELEASE_TYPE "ci"           /* the release type where none is named */
#define RUNFS_REASON_MAX   128
#define RUNFS_PLACES_MAX   5

enum runfs_fork { RUNFS_FORK_UNKNOWN, RUNFS_FORK_NO, RUNFS_FORK_YES };

/* Where a run keeps its artifacts: at its root (all runs so far) or in artifacts/. */
enum runfs_artifacts_dir { RUNFS_ARTIFACTS_ROOT, RUNFS_ARTIFACTS_SUBDIR };

/* What is known of a run. Zero means not known; strings stay the caller's. */
struct runfs_request {
    const char *run_id;
    enum runfs_platform platform; /* unsaid: this system's */
    const char *repository;       /* "OWNER/NAME" of the base repository; NULL: RUNFS_REPOSITORY */
    const char *release_type;     /* NULL: RUNFS_RELEASE_TYPE */
    enum runfs_fork fork;         /* unknown counts as no */
    int64_t updated_at;           /* nanoseconds since 1970 UTC, see runfs_time_parse; 0: not known */
    const char *key_prefix; /* before the whole prefix, as "v3/artifacts/"; NULL: none. A missing last '/' is
                               added. */
};

/* A run's root, and which layout holds below it. */
struct runfs_root {
    int64_t updated_at; /* the time whose layout holds; 0: today's */
    enum runfs_artifacts_dir artifacts_dir;
    char bucket[RUNFS_BUCKET_MAX + 1];
    char prefix[RUNFS_KEY_MAX + 1]; /* without '/' at its end; "" for a whole bucket */
    char reason[RUNFS_REASON_MAX];  /* why here, for people: "by today's rules, …" */
};

/* The environment of this ecosystem's tools. NULL: not set. */
struct runfs_environment {
    const char *repository;      /* GITHUB_REPOSITORY */
    const char *release_type;    /* RELEASE_TYPE */
    const char *run_id;          /* THEROCK_RUN_ID, else GITHUB_RUN_ID */
    const char *platform;        /* THEROCK_PLATFORM */
    const char *is_pr_from_fork; /* IS_PR_FROM_FORK */
    const char *event_name;      /* GITHUB_EVENT_NAME */
    const char *event_path;      /* GITHUB_EVENT_PATH: a JSON file, which the library leaves to its caller */
    enum runfs_fork event_fork;  /* pull_request.head.repo.fork of that file; set by the caller */
};

/* Reads the process environment; the one function here that does. The strings are the environment's own:
   valid until it is changed, and not to be read while another thread changes it. An empty run id, platform,
   event name or event path counts as not set; event_fork is RUNFS_FORK_UNKNOWN. */
RUNFS_API void runfs_environment_read(struct runfs_environment *ret_environment);

/* Fills what REQUEST does not say from ENVIRONMENT: run id, platform, repository, release type and fork. Fork
   is yes where IS_PR_FROM_FORK is "true", and what event_fork says inside a job of a pull request. -EINVAL
   for an unknown platform; REQUEST is unchanged then. */
RUNFS_API int runfs_request_complete(struct runfs_request *request,
                                     const struct runfs_environment *environment, struct runfs_error *err);

/* Whether a run is of a fork: head_repository.full_name of GitHub's API differs from REPOSITORY (NULL:
   RUNFS_REPOSITORY). HEAD_REPOSITORY is NULL for a repository that was deleted, which only a fork can be. */
RUNFS_API enum runfs_fork runfs_fork_of(const char *repository, const char *head_repository);

/* Where REQUEST's run is: *RET_COUNT places, 1 to RUNFS_PLACES_MAX, the computed one first. Others follow
   where the run's time is unknown or within 30 days of a change of the rules (a re-run, possible for so long,
   moves updated_at): they are to be probed in this order where the ones before are empty. Each place's
   updated_at is the time whose rules led there. -EINVAL for wrong values, naming what is allowed;
   -ENAMETOOLONG. */
RUNFS_API int runfs_places(const struct runfs_request *request,
                           struct runfs_root ret_places[RUNFS_PLACES_MAX], size_t *ret_count,
                           struct runfs_error *err);

/* The root of a local run: bucket "local", no external_repo, RUN_ID (NULL: "local") a number or "local",
   PLATFORM (unsaid: this system's). -EINVAL. */
RUNFS_API int runfs_root_local(const char *run_id, enum runfs_platform platform, struct runfs_root *ret_root,
                               struct runfs_error *err);

/* The root that is PREFIX of BUCKET, as it is, but for one '/' at its end. PREFIX may be empty. -EINVAL,
   -ENAMETOOLONG. */
RUNFS_API int runfs_root_at(const char *bucket, const char *prefix, struct runfs_root *ret_root,
                            struct runfs_error *err);

#ifdef __cplusplus
}
#endif

#endif
