/* GitHub's variables; see github_environment.h. */
#include "github/github_environment.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/environment.h"

static const char *const token_names[] = {"GITHUB_TOKEN", "GH_TOKEN"};

#define TOKENS (sizeof token_names / sizeof *token_names)

void github_environment_read(struct github_config *ret_config)
{
    const char *api_url = getenv("GITHUB_API_URL");
    struct github_config config = {.api_url = api_url && api_url[0] ? api_url : GITHUB_API};
    for (size_t i = 0; i < TOKENS && !config.token; i++) {
        const char *token = getenv(token_names[i]);
        if (!token || !token[0])
            continue;
        config.token = token;
        config.token_name = token_names[i];
    }
    *ret_config = config;
}

void github_environment_wipe(void)
{
    for (size_t i = 0; i < TOKENS; i++)
        environment_wipe(token_names[i]);
}
