/* A string builder that states its limit. Failure (no memory, over the limit) is sticky: build first, check
 * once. */
#ifndef RUNFS_BASE_STRBUF_H
#define RUNFS_BASE_STRBUF_H

#include <stdbool.h>
#include <stddef.h>

struct strbuf {
    char *data; /* owned; NUL-terminated once anything was added, else NULL */
    size_t len; /* without the NUL */
    size_t capacity;
    size_t max; /* the most bytes it may hold */
    int failed; /* 0, ENOMEM or E2BIG */
};

#define STRBUF_INIT(limit)                                                                                   \
    {                                                                                                        \
        .max = (limit)                                                                                       \
    }

/* Appends LEN bytes. */
void strbuf_add(struct strbuf *buf, const void *bytes, size_t len);

/* Appends a string. */
void strbuf_adds(struct strbuf *buf, const char *text);

/* Appends formatted text. */
void strbuf_addf(struct strbuf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Empties the buffer and forgets a failure; keeps the memory. */
void strbuf_clear(struct strbuf *buf);

/* The text, "" while empty. Valid until the next change. */
const char *strbuf_text(const struct strbuf *buf);

/* Gives the text away as a malloc'ed string in *RET_TEXT and resets the buffer; 0, or -ENOMEM or -E2BIG where
   building had failed. */
int strbuf_take(struct strbuf *buf, char **ret_text);

/* Frees what the buffer holds. */
void strbuf_done(struct strbuf *buf);

/* A copy of TEXT, or NULL of NULL, owned by the caller. False without memory. */
bool text_copy(const char *text, char **ret_copy);

#define _cleanup_strbuf_ __attribute__((cleanup(strbuf_done)))

#endif
