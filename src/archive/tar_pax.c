/* Pax headers; see tar_pax.h. hdrcharset needs no care: names are bytes here, in either of its two forms. */
#include "archive/tar_pax.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "archive/tar_number.h"

/* The value of a record. */
struct value {
    const char *text;
    size_t len;
};

static const char bad_sparse[] = "a number of its sparse map is none";

static void set_fault(struct tar_pax *pax, const char *why)
{
    if (!pax->fault)
        pax->fault = why;
}

static int set_text(struct tar_pax_text *text, struct value value)
{
    char *copy = malloc(value.len + 1);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, value.text, value.len);
    copy[value.len] = '\0';
    free(text->text);
    *text = (struct tar_pax_text){true, copy, value.len};
    return 0;
}

/* Sets a decimal number, which may be blank. */
static int set_number(struct tar_pax_number *number, struct value value)
{
    uint64_t decimal = 0;
    int result = value.len ? tar_decimal(value.text, value.len, &decimal) : 0;
    *number = (struct tar_pax_number){true, !value.len, (int64_t)decimal};
    return result;
}

static int take_path(struct tar_pax *pax, struct value value)
{
    return set_text(&pax->path, value);
}

static int take_link(struct tar_pax *pax, struct value value)
{
    return set_text(&pax->link, value);
}

/* Without a size nobody knows where the next header is. */
static int take_size(struct tar_pax *pax, struct value value)
{
    return set_number(&pax->size, value) < 0 ? -EBADMSG : 0;
}

static int take_mtime(struct tar_pax *pax, struct value value)
{
    int64_t ns = 0;
    if (value.len && tar_time(value.text, value.len, &ns) < 0)
        set_fault(pax, "its time of change is none");
    pax->mtime = (struct tar_pax_number){true, !value.len, ns};
    return 0;
}

static int take_sparse_name(struct tar_pax *pax, struct value value)
{
    return set_text(&pax->sparse_name, value);
}

static int take_sparse_number(struct tar_pax *pax, struct tar_pax_number *number, struct value value)
{
    if (set_number(number, value) < 0)
        set_fault(pax, bad_sparse);
    return 0;
}

static int take_sparse_size(struct tar_pax *pax, struct value value)
{
    return take_sparse_number(pax, &pax->sparse_size, value);
}

static int take_major(struct tar_pax *pax, struct value value)
{
    return take_sparse_number(pax, &pax->major, value);
}

static int take_minor(struct tar_pax *pax, struct value value)
{
    return take_sparse_number(pax, &pax->minor, value);
}

/* Offset and size of 0.0 come in turn, each a record of its own. */
static int take_sparse_offset(struct tar_pax *pax, struct value value)
{
    if (pax->has_offset || tar_decimal(value.text, value.len, &pax->offset) < 0)
        set_fault(pax, bad_sparse);
    pax->has_offset = true;
    pax->has_map = true;
    return 0;
}

static int take_sparse_bytes(struct tar_pax *pax, struct value value)
{
    uint64_t size = 0;
    if (!pax->has_offset || tar_decimal(value.text, value.len, &size) < 0)
        set_fault(pax, bad_sparse);
    pax->has_offset = false;
    return tar_sparse_add(&pax->map, pax->offset, size);
}

/* Steps over the number before the next comma. -EINVAL where there is none. */
static int take_listed(struct value *value, uint64_t *ret_number)
{
    const char *comma = memchr(value->text, ',', value->len);
    size_t len = comma ? (size_t)(comma - value->text) : value->len;
    int result = tar_decimal(value->text, len, ret_number);
    value->text += len + (comma != NULL);
    value->len -= len + (comma != NULL);
    return result;
}

/* The map of 0.1: offset and size of each part, all with commas between them. */
static int take_sparse_map(struct tar_pax *pax, struct value value)
{
    tar_sparse_clear(&pax->map);
    pax->has_map = true;
    while (value.len) {
        uint64_t offset;
        uint64_t size;
        if (take_listed(&value, &offset) < 0 || take_listed(&value, &size) < 0) {
            set_fault(pax, bad_sparse);
            return 0;
        }
        if (tar_sparse_add(&pax->map, offset, size) < 0)
            return -ENOMEM;
    }
    return 0;
}

static const struct {
    const char *key;
    int (*take)(struct tar_pax *pax, struct value value);
} keys[] = {
    {"path", take_path},
    {"linkpath", take_link},
    {"size", take_size},
    {"mtime", take_mtime},
    {"GNU.sparse.name", take_sparse_name},
    {"GNU.sparse.size", take_sparse_size},
    {"GNU.sparse.realsize", take_sparse_size},
    {"GNU.sparse.major", take_major},
    {"GNU.sparse.minor", take_minor},
    {"GNU.sparse.offset", take_sparse_offset},
    {"GNU.sparse.numbytes", take_sparse_bytes},
    {"GNU.sparse.map", take_sparse_map},
};

static int take_record(struct tar_pax *pax, const char *key, size_t key_len, struct value value)
{
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strlen(keys[i].key) == key_len && memcmp(keys[i].key, key, key_len) == 0)
            return keys[i].take(pax, value);
    return 0;
}

/* Takes the record at BYTES, "LENGTH KEY=VALUE\n", whose length counts all of it. */
static int parse_record(struct tar_pax *pax, const char *bytes, size_t len, size_t *ret_len)
{
    uint64_t record;
    const char *blank = memchr(bytes, ' ', len);
    if (!blank || tar_decimal(bytes, (size_t)(blank - bytes), &record) < 0 || record > len)
        return -EBADMSG;
    const char *key = blank + 1;
    if (record < (uint64_t)(key - bytes) + 1 || bytes[record - 1] != '\n')
        return -EBADMSG;
    const char *end = bytes + record - 1;
    const char *equals = memchr(key, '=', (size_t)(end - key));
    if (!equals || equals == key)
        return -EBADMSG;
    *ret_len = (size_t)record;
    return take_record(pax, key, (size_t)(equals - key),
                       (struct value){equals + 1, (size_t)(end - equals) - 1});
}

int tar_pax_parse(struct tar_pax *pax, const char *bytes, size_t len, struct error *err)
{
    while (len && *bytes) { /* some programs fill up with NUL bytes */
        size_t record;
        int result = parse_record(pax, bytes, len, &record);
        if (result == -ENOMEM)
            return error_errno(err, ENOMEM, "tar");
        if (result < 0)
            return error_set(err, EBADMSG, "a pax header is damaged");
        bytes += record;
        len -= record;
    }
    return 0;
}

const struct tar_pax_text *tar_pax_text(const struct tar_pax_text *own, const struct tar_pax_text *global)
{
    static const struct tar_pax_text none;
    const struct tar_pax_text *text = own->set ? own : global;
    return text->set && text->len ? text : &none;
}

const struct tar_pax_number *tar_pax_number(const struct tar_pax_number *own,
                                            const struct tar_pax_number *global)
{
    static const struct tar_pax_number none;
    const struct tar_pax_number *number = own->set ? own : global;
    return number->set && !number->blank ? number : &none;
}

void tar_pax_clear(struct tar_pax *pax)
{
    struct tar_sparse map = pax->map;
    free(pax->path.text);
    free(pax->link.text);
    free(pax->sparse_name.text);
    tar_sparse_clear(&map);
    *pax = (struct tar_pax){.map = map};
}
