/* runfs resolve: prints where an output of a run lies, without any I/O but to ask GitHub where that is wanted. */
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "cli/cli.h"
#include "cli/common/arguments.h"
#include "cli/common/output.h"
#include "cli/options.h"

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

static int locate_output(const struct runfs_root *root, char **operands, int count, const char *staging_dir,
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

static int print_forms(const struct forms *forms, bool json)
{
    if (!json) {
        (void)printf("s3_uri\t%s\nhttps_url\t%s\n", forms->s3_uri, forms->https_url);
        if (forms->local_path)
            (void)printf("local_path\t%s\n", forms->local_path);
        return EXIT_DONE;
    }
    json_t *object = json_pack("{s:s, s:s, s:s*}", "s3_uri", forms->s3_uri, "https_url", forms->https_url,
                               "local_path", forms->local_path);
    if (object)
        return output_json(object);
    (void)fprintf(stderr, "runfs: resolve: the location is not UTF-8, which JSON must be\n");
    return EXIT_FAILED;
}

int cmd_resolve(int argc, char **argv)
{
    _cleanup_options_ struct options options;
    __attribute__((cleanup(free_forms))) struct forms forms = {0};
    const char *staging_dir = NULL;
    bool json = false;
    const struct flag flags[] = {{'o', NULL, FLAG_OPTIONS, &options},
                                 {0, "json", FLAG_SET, &json},
                                 {0, "staging-dir", FLAG_TEXT, &staging_dir},
                                 {0}};
    struct runfs_root root;
    struct error err = {0};
    int first;
    options_init(&options);
    int code = arguments_parse(argc, argv, flags, 2, -1, &first);
    if (code)
        return code;
    options.run.source = argv[first];
    if (run_resolve(&options.run, &root, &err) < 0 ||
        locate_output(&root, argv + first + 1, argc - first - 1, staging_dir, &forms, &err) < 0)
        return command_failed(&err);
    return print_forms(&forms, json);
}
