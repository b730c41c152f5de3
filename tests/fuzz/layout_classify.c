/* Fuzzes what the layout library reads from outside: keys, artifact names, prefixes and hash files. Whatever
   is accepted must give the input back when it is written again, and spans must lie in the input. */
#include <runfs/layout.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                            \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool lies_in(struct runfs_span span, const char *text, size_t len)
{
    if (!span.text)
        return span.len == 0;
    return span.text >= text && span.len <= len && (size_t)(span.text - text) <= len - span.len;
}

static bool has_control(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return true;
    return false;
}

/* The arguments of CLASS in the order of its output's usage, as new strings. What an older form of the path
   does not hold becomes "g"; an optional one that is not there ends the list. */
static size_t copy_args(const struct runfs_class *class, char *args[RUNFS_OUTPUT_ARGS_MAX])
{
    const struct {
        const char *name;
        struct runfs_span value;
    } named[] = {
        {"GROUP", class->group}, {"STAGE", class->stage}, {"FAMILY", class->family},
        {"TYPE", class->type},   {"FILE", class->file},
    };
    char usage[RUNFS_OUTPUT_USAGE_MAX];
    size_t count = 0;
    runfs_output_usage(class->output, usage, sizeof usage);
    for (char *word = usage; *word;) {
        bool optional = *word == '[';
        word += optional;
        size_t len = strcspn(word, "] ");
        size_t i = 0;
        while (strncmp(named[i].name, word, len) != 0)
            i++;
        if (optional && !named[i].value.text)
            break;
        args[count] = named[i].value.text ? strndup(named[i].value.text, named[i].value.len) : strdup("g");
        CHECK(args[count++]);
        word += len;
        word += strspn(word, "] ");
    }
    return count;
}

/* Whether OUTPUT with ARGS, for a run of TIME, is KEY, or the directory that KEY lies in as FILE. */
static bool is_located(const struct runfs_class *class, char *const *args, size_t count, int64_t time,
                       enum runfs_artifacts_dir artifacts_dir, const char *key, size_t len)
{
    struct runfs_root root = {.bucket = "b", .updated_at = time, .artifacts_dir = artifacts_dir};
    struct runfs_location location;
    if (runfs_output_locate(class->output, &root, (const char *const *)args, count, &location, NULL) < 0)
        return false;
    size_t path_len = strlen(location.path);
    if (path_len > len || memcmp(location.path, key, path_len) != 0)
        return false;
    if (!runfs_output_is_directory(class->output) || path_len == len)
        return path_len == len;
    return key[path_len] == '/' && class->file.text == key + path_len + 1 &&
           class->file.len == len - path_len - 1;
}

/* Some layout of some time must place what KEY was taken for at KEY. */
static void check_inverse(const struct runfs_class *class, const char *key, size_t len)
{
    static const char *const days[] = {"2026-12-01T00:00:00Z", "2026-01-01T00:00:00Z",
                                       "2025-01-01T00:00:00Z"};
    char *args[RUNFS_OUTPUT_ARGS_MAX] = {NULL};
    size_t count = copy_args(class, args);
    bool found = false;
    for (size_t i = 0; i < sizeof days / sizeof *days && !found; i++) {
        int64_t time;
        CHECK(runfs_time_parse(days[i], &time, NULL) == 0);
        found = is_located(class, args, count, time, RUNFS_ARTIFACTS_ROOT, key, len) ||
                is_located(class, args, count, time, RUNFS_ARTIFACTS_SUBDIR, key, len);
    }
    CHECK(found);
    for (size_t i = 0; i < RUNFS_OUTPUT_ARGS_MAX; i++)
        free(args[i]);
}

static void fuzz_classify(const char *key, size_t len)
{
    struct runfs_class class = runfs_classify(key, len);
    CHECK(class.output);
    CHECK(lies_in(class.group, key, len) && lies_in(class.stage, key, len) &&
          lies_in(class.family, key, len));
    CHECK(lies_in(class.type, key, len) && lies_in(class.file, key, len));
    if (class.output == runfs_output_other())
        CHECK(class.file.text == key && class.file.len == len);
    else if (len <= RUNFS_KEY_MAX && !has_control(key, len))
        check_inverse(&class, key, len);
}

/* What is shown elsewhere is where a key of that path is shown, too. */
static void fuzz_typed(const char *key, size_t len)
{
    char shown[RUNFS_KEY_MAX + 16];
    struct runfs_typed_path path = runfs_view_typed(key, len);
    CHECK(path.rest.text == key && path.rest.len == len);
    if (!path.directory.len || len > RUNFS_KEY_MAX)
        return;
    memcpy(shown, path.directory.text, path.directory.len);
    memcpy(shown + path.directory.len, key, len);
    CHECK(runfs_view_typed(shown, path.directory.len + len).directory.len == 0);
}

static void fuzz_artifact(const char *file, size_t len)
{
    struct runfs_artifact_name name;
    struct runfs_span owner;
    char *text;
    if (runfs_companion_of(file, len, &owner))
        CHECK(owner.text == file && owner.len > 0 && owner.len + strlen(".sha256sum") == len);
    if (!runfs_artifact_parse(file, len, &name))
        return;
    CHECK(!has_control(file, len) && !memchr(file, '/', len));
    if (len > RUNFS_KEY_MAX)
        return;
    CHECK(runfs_artifact_format(&name, &text, NULL) == 0);
    CHECK(strlen(text) == len && memcmp(text, file, len) == 0);
    free(text);
}

static void fuzz_companion(const char *content, size_t len)
{
    char hex[RUNFS_SHA256_HEX_LEN + 1];
    if (runfs_companion_parse(content, len, hex, NULL) == 0)
        CHECK(strspn(hex, "0123456789abcdef") == RUNFS_SHA256_HEX_LEN && !hex[RUNFS_SHA256_HEX_LEN]);
}

/* Writes RUN as it stands in a prefix. */
static void check_run(const struct runfs_run *run, const char *text)
{
    char again[64];
    const char *platform = runfs_platform_name(run->platform);
    (void)snprintf(again, sizeof again, "%s%s%s", run->id, *platform ? "-" : "", platform);
    CHECK(strcmp(again, text) == 0);
}

/* TEXT may hold a newline: what stands before it is the key prefix. */
static void fuzz_prefix(char *text)
{
    struct runfs_prefix parts;
    struct runfs_run run;
    struct runfs_error err;
    char *newline = strchr(text, '\n');
    if (newline)
        *newline = '\0';
    char *prefix = newline ? newline + 1 : text;
    const char *key_prefix = newline ? text : NULL;
    if (runfs_run_parse(prefix, &run, &err) == 0)
        check_run(&run, prefix);
    else
        CHECK(err.code > 0 && *err.message && !has_control(err.message, strlen(err.message)));
    if (runfs_prefix_parse(prefix, key_prefix, &parts, &err) < 0)
        return;
    const char *rest = strrchr(prefix, '/');
    rest = rest ? rest + 1 : prefix;
    check_run(&parts.run, rest);
    if (parts.external_repo.text)
        CHECK(parts.external_repo.text + parts.external_repo.len + 1 == rest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    char *copy = strndup(size ? text : "", size);
    CHECK(copy);
    fuzz_classify(text, size);
    fuzz_typed(text, size);
    fuzz_artifact(text, size);
    fuzz_companion(text, size);
    fuzz_prefix(copy);
    free(copy);
    return 0;
}
