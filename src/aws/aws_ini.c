/* Reader of AWS's INI dialect; see aws_ini.h. The text is copied once and cut into strings in place, so that
   there is one block of memory to wipe. */
#include "aws/aws_ini.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/cleanup.h"

#define BLANKS " \t\r\v\f"

/* A property, in the order of the file; without a key it stands for the section's header. */
struct entry {
    const char *section; /* the text between the brackets */
    const char *parent;  /* the property above a sub-property, else NULL */
    const char *key;
    char *value;
};

struct aws_ini {
    char *text; /* owned; all strings of the entries lie in it */
    size_t text_len;
    struct entry *entries; /* owned */
    size_t count;
    size_t capacity;
};

struct parser {
    struct aws_ini *ini;
    const char *section; /* NULL before the first */
    bool open;           /* a property may be continued: */
    size_t open_index;   /* its entry, */
    char *open_end;      /* the NUL of its value */
    size_t indent;       /* and its indentation */
};

static int add_entry(struct aws_ini *ini, struct entry entry, struct error *err)
{
    if (array_room(ini->entries, ini->count, ini->capacity) < 0)
        return error_errno(err, ENOMEM, "reading settings");
    ini->entries[ini->count++] = entry;
    return 0;
}

static bool is_comment(const char *text)
{
    return *text == '#' || *text == ';';
}

/* Cuts blanks off both ends. */
static char *trim(char *text)
{
    text += strspn(text, BLANKS);
    size_t len = strlen(text);
    while (len && strchr(BLANKS, text[len - 1]))
        len--;
    text[len] = '\0';
    return text;
}

/* Cuts a value at a blank followed by '#' or ';'. */
static void cut_comment(char *value)
{
    for (char *c = value; *c; c++)
        if ((*c == ' ' || *c == '\t') && is_comment(c + 1)) {
            *c = '\0';
            return;
        }
}

static int take_section(struct parser *p, char *text, struct error *err)
{
    char *end = strchr(text, ']');
    if (!end)
        return error_set(err, EINVAL, "a section without ']'");
    *end = '\0';
    char *rest = trim(end + 1);
    if (*rest && !is_comment(rest))
        return error_set(err, EINVAL, "text after a section's ']'");
    char *name = trim(text + 1);
    if (!*name)
        return error_set(err, EINVAL, "a section without a name");
    p->section = name;
    p->open = false;
    return add_entry(p->ini, (struct entry){.section = name}, err);
}

static int take_property(struct parser *p, const char *parent, char *text, struct error *err)
{
    char *equals = strchr(text, '=');
    if (!equals)
        return error_set(err, EINVAL, "neither a section nor 'key = value'");
    *equals = '\0';
    char *key = trim(text);
    if (!*key)
        return error_set(err, EINVAL, "no key before '='");
    cut_comment(equals + 1);
    char *value = trim(equals + 1);
    if (!parent) {
        p->open = true;
        p->open_index = p->ini->count;
        p->open_end = value + strlen(value);
    }
    return add_entry(p->ini, (struct entry){p->section, parent, key, value}, err);
}

/* TEXT lies behind the value it continues, with the ends of two lines between them: there is room. */
static int continue_property(struct parser *p, char *text, struct error *err)
{
    const struct entry *open = &p->ini->entries[p->open_index];
    if (!*open->value)
        return take_property(p, open->key, text, err);
    size_t len = strlen(text);
    *p->open_end = '\n';
    memmove(p->open_end + 1, text, len + 1);
    p->open_end += 1 + len;
    return 0;
}

static int take_line(struct parser *p, char *line, struct error *err)
{
    size_t indent = strspn(line, " \t");
    char *text = trim(line);
    if (!*text || is_comment(text))
        return 0;
    if (p->open && indent > p->indent)
        return continue_property(p, text, err);
    p->indent = indent;
    if (*text == '[')
        return take_section(p, text, err);
    if (!p->section)
        return error_set(err, EINVAL, "a setting before the first section");
    return take_property(p, NULL, text, err);
}

/* Ends the line at TEXT (LEN bytes, with a NUL behind them) with a NUL and gives its length without line end. */
static int cut_line(char *text, size_t len, size_t *ret_len, struct error *err)
{
    const char *newline = memchr(text, '\n', len);
    size_t line_len = newline ? (size_t)(newline - text) : len;
    if (line_len > AWS_INI_LINE_MAX)
        return error_set(err, E2BIG, "longer than %d bytes", AWS_INI_LINE_MAX);
    if (memchr(text, '\0', line_len))
        return error_set(err, EINVAL, "a NUL byte");
    text[line_len] = '\0';
    *ret_len = line_len;
    return 0;
}

static int take_lines(struct aws_ini *ini, struct error *err)
{
    struct parser parser = {.ini = ini};
    size_t pos = ini->text_len >= 3 && memcmp(ini->text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    for (unsigned number = 1; pos < ini->text_len; number++) {
        size_t len = 0;
        int r = cut_line(ini->text + pos, ini->text_len - pos, &len, err);
        if (r == 0)
            r = take_line(&parser, ini->text + pos, err);
        if (r < 0)
            return error_prefix(err, r, "line %u", number);
        pos += len + 1;
    }
    return 0;
}

int aws_ini_parse(const char *text, size_t len, struct aws_ini **ret_ini, struct error *err)
{
    if (len > AWS_INI_SIZE_MAX)
        return error_set(err, E2BIG, "larger than %d bytes", AWS_INI_SIZE_MAX);
    _cleanup_aws_ini_ struct aws_ini *ini = calloc(1, sizeof *ini);
    if (!ini)
        return error_errno(err, ENOMEM, "reading settings");
    ini->text = malloc(len + 1);
    if (!ini->text)
        return error_errno(err, ENOMEM, "reading settings");
    if (len)
        memcpy(ini->text, text, len);
    ini->text[len] = '\0';
    ini->text_len = len;
    int r = take_lines(ini, err);
    if (r < 0)
        return r;
    *ret_ini = TAKE_PTR(ini);
    return 0;
}

/* Compares a header's text with TYPE, blanks and NAME, the name in quotes or without. */
static bool section_is(const char *text, const char *type, const char *name)
{
    if (!type)
        return strcmp(text, name) == 0;
    size_t type_len = strlen(type);
    if (strncmp(text, type, type_len) != 0 || !text[type_len] || !strchr(BLANKS, text[type_len]))
        return false;
    text += type_len + strspn(text + type_len, BLANKS);
    size_t len = strlen(text);
    if (len >= 2 && (*text == '"' || *text == '\'') && text[len - 1] == *text) {
        text++;
        len -= 2;
    }
    return strlen(name) == len && memcmp(text, name, len) == 0;
}

bool aws_ini_has(const struct aws_ini *ini, const char *type, const char *name)
{
    for (size_t i = 0; i < ini->count; i++)
        if (!ini->entries[i].key && section_is(ini->entries[i].section, type, name))
            return true;
    return false;
}

/* From the end, for the later wins. Sub-properties follow their parent: past the last parent of that name
   there are only those of a parent that was replaced. */
const char *aws_ini_get(const struct aws_ini *ini, const char *type, const char *name, const char *parent,
                        const char *key)
{
    for (size_t i = ini->count; i-- > 0;) {
        const struct entry *e = &ini->entries[i];
        if (!e->key || !section_is(e->section, type, name))
            continue;
        if (!e->parent && strcasecmp(e->key, parent ? parent : key) == 0)
            return parent ? NULL : e->value;
        if (e->parent && parent && strcasecmp(e->parent, parent) == 0 && strcasecmp(e->key, key) == 0)
            return e->value;
    }
    return NULL;
}

void aws_ini_free(struct aws_ini *ini)
{
    if (!ini)
        return;
    if (ini->text)
        explicit_bzero(ini->text, ini->text_len);
    free(ini->text);
    free(ini->entries);
    free(ini);
}

/* NULL for a missing file. */
static int open_file(const char *path, FILE **ret_file, struct error *err)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    *ret_file = NULL;
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    if (fd < 0 || fstat(fd, &st) < 0)
        return error_errno(err, errno, "%s", path);
    if (!S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode))
        return error_set(err, EINVAL, "%s: not a regular file", path);
    if (!(*ret_file = fdopen(fd, "r")))
        return error_errno(err, errno, "%s", path);
    (void)setvbuf(*ret_file, NULL, _IONBF, 0); /* no copy of secrets is left in a buffer */
    fd = -1;
    return 0;
}

int aws_ini_read(const char *path, struct aws_ini **ret_ini, struct error *err)
{
    const size_t size = AWS_INI_SIZE_MAX + 1; /* one more than allowed, to see that there is more */
    _cleanup_fclose_ FILE *file = NULL;
    int r = open_file(path, &file, err);
    if (r < 0)
        return r;
    _cleanup_free_ char *text = malloc(size);
    if (!text)
        return error_errno(err, ENOMEM, "%s", path);
    size_t len = file ? fread(text, 1, size, file) : 0;
    r = file && ferror(file) ? error_errno(err, errno, "reading") : aws_ini_parse(text, len, ret_ini, err);
    explicit_bzero(text, len);
    return error_prefix(err, r, "%s", path);
}
