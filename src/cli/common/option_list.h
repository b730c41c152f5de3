/* -o options that may be repeated: each value of one is added to a list. For the table in options.c. */
#ifndef RUNFS_CLI_COMMON_OPTION_LIST_H
#define RUNFS_CLI_COMMON_OPTION_LIST_H

#include <stddef.h>

#define OPTION_LIST_MAX 1000 /* values of one option */

/* The strings are owned. */
struct option_list {
    char **items;
    size_t count;
    size_t capacity;
};

/* Each adds VALUE to the list FIELD; 0 or -errno. */

/* A POSIX extended regular expression. */
int set_expression(void *field, const char *value);

/* Names with commas between. */
int set_names(void *field, const char *value);

/* NAME=SOURCE, another run under a name. */
int set_bind(void *field, const char *value);

/* Likewise names, but without a value it is mount(8)'s own option of that name, which has no effect. */
int set_names_or_nothing(void *field, const char *value);

void option_list_done(struct option_list *list);

#endif
