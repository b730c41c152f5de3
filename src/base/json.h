/* JSON out of names and paths, which may hold any byte. */
#ifndef RUNFS_BASE_JSON_H
#define RUNFS_BASE_JSON_H

#include <jansson.h>

/* TEXT as a JSON string. JSON is UTF-8: of a text that is not, the bytes beyond ASCII become "?". NULL without memory. */
json_t *json_text(const char *text);

#endif
