#include "cli/common/option_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <runfs/artifact.h>

#include "base/array.h"
#include "view/bind.h"

static int option_list_add(struct option_list *list, const char *value, size_t len)
{
    if (list->count == OPTION_LIST_MAX)
        return -ERANGE;
    if (array_room(list->items, list->count, list->capacity) < 0 ||
        !(list->items[list->count] = strndup(value, len)))
        return -ENOMEM;
    list->count++;
    return 0;
}

int set_expression(void *field, const char *value)
{
    struct runfs_filter_spec spec = {.include = &value, .include_count = 1};
    struct runfs_filter *filter;
    int result = runfs_filter_new(&spec, &filter, NULL);
    if (result < 0)
        return result;
    runfs_filter_free(filter);
    return option_list_add(field, value, strlen(value));
}

int set_names(void *field, const char *value)
{
    int result = 0;
    for (const char *at = value; result == 0 && at; at = at[0] ? at + 1 : NULL) {
        size_t len = strcspn(at, ",");
        result = len ? option_list_add(field, at, len) : -EINVAL;
        at += len;
    }
    return result;
}

int set_bind(void *field, const char *value)
{
    size_t name_len;
    return bind_split(value, &name_len) < 0 ? -EINVAL : option_list_add(field, value, strlen(value));
}

int set_names_or_nothing(void *field, const char *value)
{
    return value ? set_names(field, value) : 0;
}

void option_list_done(struct option_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct option_list){0};
}
