/* runfs resolve: prints where an output of a run lies, without any I/O but to ask GitHub where that is wanted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/common/arguments.h"

enum { FLAG_JSON = 256, FLAG_STAGING };

struct request {
    bool json;
    const char *staging_dir;
};

static bool on_flag(void *context, int flag, const char *value)
{
    struct request *request = context;
    if (flag == FLAG_JSON)
        request->json = true;
    else
        request->staging_dir = value;
    return true;
}

/* The three forms of run-outputs.md §1; local_path only with --staging-dir. */
struct forms {
    char *s3_uri;
    char *https_url;
    char *local_path;
};

static void free_forms(struct forms *forms)
{
    free(forms->s3_uri);
    free(forms->https_url);
    free(forms->local_path);
}

static int locate(const struct runfs_root *root, char **operands, int count, const char *staging_dir,
                  struct forms *ret_forms, struct error *err)
{
    struct runfs_error why;
    struct runfs_location location;
    const struct runfs_output *output;
    if (runfs_output_find(operands[0], &output, &why) < 0 ||
        runfs_output_locate(output, root, (const char *const *)operands + 1, (size_t)count - 1, &location,
                            &why) < 0 ||
        runfs_location_s3_uri(&location, &ret_forms->s3_uri, &why) < 0 ||
        runfs_location_https_url(&location, &ret_forms->https_url, &why) < 0 ||
        (staging_dir && runfs_location_local_path(&location, staging_dir, &ret_forms->local_path, &why) < 0))
        return error_set(err, why.code, "%s", why.message);
    return 0;
}

static int print(const struct forms *forms, bool json)
{
    if (!json) {
        (void)printf("s3_uri\t%s\nhttps_url\t%s\n", forms->s3_uri, forms->https_url);
        if (forms->local_path)
            (void)printf("local_path\t%s\n", forms->local_path);
        return EXIT_DONE;
    }
    json_t *object = json_pack("{s:s, s:s, s:s*}", "s3_uri", forms->s3_uri, "https_url", forms->https_url,
                               "local_path", forms->local_path);
    if (!object || json_dumpf(object, stdout, JSON_INDENT(2)) < 0) {
        json_decref(object);
        (void)fprintf(stderr, "runfs: resolve: the location is not UTF-8, which JSON must be\n");
        return EXIT_FAILED;
    }
    (void)putchar('\n');
    json_decref(object);
    return EXIT_DONE;
}

int cmd_resolve(int argc, char **argv)
{
    static const struct option longs[] = {
        {"json", no_argument, NULL, FLAG_JSON}, {"staging-dir", required_argument, NULL, FLAG_STAGING}, {0}};
    _cleanup_options_ struct options options;
    __attribute__((cleanup(free_forms))) struct forms forms = {0};
    struct request request = {0};
    struct runfs_root root;
    struct error err = {0};
    int first;
    options_init(&options);
    int code = arguments_parse(argc, argv, "", longs, on_flag, &request, 2, -1, &options, &first);
    if (code)
        return code;
    options.run.source = argv[first];
    options.run.note = command_note;
    options.run.chosen = command_chosen;
    if (run_resolve(&options.run, &root, &err) < 0 ||
        locate(&root, argv + first + 1, argc - first - 1, request.staging_dir, &forms, &err) < 0)
        return command_failed(&err);
    return print(&forms, request.json);
}
