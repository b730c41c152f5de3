/* Fuzzes the reader of AWS's INI files: any bytes are either refused with a message or can be looked up. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aws/aws_ini.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Walks over a value, so that a sanitizer sees where it lies. */
static void touch(const char *value)
{
    if (value && strlen(value) > AWS_INI_SIZE_MAX)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aws_ini *ini = NULL;
    struct error err = {0};
    if (aws_ini_parse((const char *)data, size, &ini, &err) < 0) {
        if (ini || !*err.message)
            abort();
        return 0;
    }
    const char *value = aws_ini_get(ini, NULL, "default", NULL, "region");
    if (value && !aws_ini_has(ini, NULL, "default"))
        abort();
    touch(value);
    touch(aws_ini_get(ini, "profile", "a", NULL, "credential_process"));
    touch(aws_ini_get(ini, "profile", "a", "s3", "addressing_style"));
    touch(aws_ini_get(ini, "services", "a", "s3", "endpoint_url"));
    aws_ini_free(ini);
    return 0;
}
