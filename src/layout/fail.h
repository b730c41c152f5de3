/* Setting a struct runfs_error. */
#ifndef RUNFS_LAYOUT_FAIL_H
#define RUNFS_LAYOUT_FAIL_H

#include <runfs/types.h>

struct strbuf;

/* Sets *err (NULL: nothing) to CODE, a positive errno, and the message, with control characters escaped.
   Returns -CODE. */
int layout_fail(struct runfs_error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Gives BUF's text away in *RET_TEXT; where building WHAT had failed, says so in *err. */
int layout_take(struct strbuf *buf, const char *what, char **ret_text, struct runfs_error *err);

#endif
