/* Reads a credential_process's JSON; see aws_process.h. */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "aws/aws_process.h"
#include "base/parse.h"

static void cleanup_json(json_t **json)
{
    json_decref(*json);
}

/* The member KEY, "" where it is missing or null. */
static int get_text(const json_t *object, const char *key, const char **ret_text, struct error *err)
{
    const json_t *member = json_object_get(object, key);
    if (member && !json_is_null(member) && !json_is_string(member))
        return error_set(err, EINVAL, "%s of its answer is not a string", key);
    *ret_text = json_is_string(member) ? json_string_value(member) : "";
    return 0;
}

static int get_needed(const json_t *object, const char *key, const char **ret_text, struct error *err)
{
    int r = get_text(object, key, ret_text, err);
    if (r == 0 && !**ret_text)
        return error_set(err, EINVAL, "its answer has no %s", key);
    return r;
}

static int get_expiration(const json_t *object, int64_t *ret_ns, struct error *err)
{
    const char *text = "";
    int r = get_text(object, "Expiration", &text, err);
    if (r < 0)
        return r;
    int64_t ns = 0;
    r = *text ? parse_time(text, &ns) : 0;
    if (r == -EINVAL || (r == -ERANGE && strcmp(text, "1970") < 0))
        return error_set(err, EINVAL, "Expiration of its answer is not a time of RFC 3339 since 1970");
    *ret_ns = ns;
    return 0;
}

int aws_process_parse(const char *json, size_t len, struct aws_credentials *ret_credentials,
                      struct error *err)
{
    /* jansson's own message is left out: it quotes the text around the fault. */
    __attribute__((cleanup(cleanup_json))) json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(root))
        return error_set(err, EINVAL, "its answer is not a JSON object");
    const json_t *version = json_object_get(root, "Version");
    if (!json_is_integer(version) || json_integer_value(version) != 1)
        return error_set(err, EINVAL, "Version of its answer is not 1");
    const char *access_key = "";
    const char *secret_key = "";
    const char *token = "";
    int64_t expires_ns = 0;
    int r = get_needed(root, "AccessKeyId", &access_key, err);
    if (r == 0)
        r = get_needed(root, "SecretAccessKey", &secret_key, err);
    if (r == 0)
        r = get_text(root, "SessionToken", &token, err);
    if (r == 0)
        r = get_expiration(root, &expires_ns, err);
    if (r < 0)
        return r;
    return aws_credentials_make(access_key, secret_key, token, expires_ns, ret_credentials, err);
}
