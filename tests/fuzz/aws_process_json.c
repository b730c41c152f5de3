/* Fuzzes the reader of a credential_process's JSON: any bytes are either refused or give usable credentials.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aws/aws_process.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aws_credentials credentials = {0};
    struct error err = {0};
    int r = aws_process_parse((const char *)data, size, &credentials, &err);
    if (r < 0 && (credentials.access_key || !*err.message))
        abort();
    if (r == 0 && (!*credentials.access_key || !*credentials.secret_key || credentials.expires_ns < 0))
        abort();
    aws_credentials_done(&credentials);
    return 0;
}
