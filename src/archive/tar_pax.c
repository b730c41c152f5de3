/* Reads pax headers record by record. hdrcharset needs no care: names are bytes here, in either of its two forms. */
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

static const char bad_sparse[] = "its sparse map has an invalid number";

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

/* What the value of a record is; of the first two, with its place in struct tar_pax. */
enum kind { TEXT, SPARSE_NUMBER, SIZE, MTIME, SPARSE_OFFSET, SPARSE_BYTES, SPARSE_MAP };

static const struct {
    const char *key;
    enum kind kind;
    size_t place;
} keys[] = {
    {"path", TEXT, offsetof(struct tar_pax, path)},
    {"linkpath", TEXT, offsetof(struct tar_pax, link)},
    {"size", SIZE, 0},
    {"mtime", MTIME, 0},
    {"GNU.sparse.name", TEXT, offsetof(struct tar_pax, sparse_name)},
    {"GNU.sparse.size", SPARSE_NUMBER, offsetof(struct tar_pax, sparse_size)},
    {"GNU.sparse.realsize", SPARSE_NUMBER, offsetof(struct tar_pax, sparse_size)},
    {"GNU.sparse.major", SPARSE_NUMBER, offsetof(struct tar_pax, major)},
    {"GNU.sparse.minor", SPARSE_NUMBER, offsetof(struct tar_pax, minor)},
    {"GNU.sparse.offset", SPARSE_OFFSET, 0},
    {"GNU.sparse.numbytes", SPARSE_BYTES, 0},
    {"GNU.sparse.map", SPARSE_MAP, 0},
};

/* -EBADMSG where the size is invalid: the place of the next header is unknown then. */
static int take_value(struct tar_pax *pax, enum kind kind, void *place, struct value value)
{
    int64_t ns = 0;
    uint64_t size = 0;
    switch (kind) {
    case TEXT:
        return set_text(place, value);
    case SPARSE_NUMBER:
        if (set_number(place, value) < 0)
            set_fault(pax, bad_sparse);
        return 0;
    case SIZE:
        return set_number(&pax->size, value) < 0 ? -EBADMSG : 0;
    case MTIME:
        if (value.len && tar_time(value.text, value.len, &ns) < 0)
            set_fault(pax, "its mtime is invalid");
        pax->mtime = (struct tar_pax_number){true, !value.len, ns};
        return 0;
    case SPARSE_OFFSET: /* of 0.0, whose offsets and sizes come in turn */
        if (pax->has_offset || tar_decimal(value.text, value.len, &pax->offset) < 0)
            set_fault(pax, bad_sparse);
        pax->has_offset = pax->has_map = true;
        return 0;
    case SPARSE_BYTES:
        if (!pax->has_offset || tar_decimal(value.text, value.len, &size) < 0)
            set_fault(pax, bad_sparse);
        pax->has_offset = false;
        return tar_sparse_add(&pax->map, pax->offset, size);
    case SPARSE_MAP:
        return take_sparse_map(pax, value);
    }
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
    size_t key_len = (size_t)(equals - key);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strlen(keys[i].key) == key_len && memcmp(keys[i].key, key, key_len) == 0)
            return take_value(pax, keys[i].kind, (char *)pax + keys[i].place,
                              (struct value){equals + 1, (size_t)(end - equals) - 1});
    return 0;
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
