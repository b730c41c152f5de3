/* What the tests of views share: a local run in the scratch directory, archives in it, and what a view shows. */
#ifndef RUNFS_TESTS_RUN_VIEW_TEST_H
#define RUNFS_TESTS_RUN_VIEW_TEST_H

#include "run/run_internal.h"
#include "testing.h"

/* A member to write: of a link CONTENT is the target; TYPE as in a tar header ('0' file, '1' hard link, '2' link, '5'
   directory, '6' fifo). */
struct member_spec {
    const char *name;
    const char *content;
    unsigned mode;
    char type;
};

#define MEMBERS(...)                                                                                         \
    (const struct member_spec[])                                                                             \
    {                                                                                                        \
        __VA_ARGS__,                                                                                         \
        {                                                                                                    \
            0                                                                                                \
        }                                                                                                    \
    }

#define MANIFEST(text)                                                                                       \
    {                                                                                                        \
        "artifact_manifest.txt", text, 0644, '0'                                                             \
    }

extern struct run *run;
extern struct run_config view_config; /* of the next opening */
extern char view_conflicts[8192];     /* told of, "LINE\n" each */
extern char view_notes[8192];         /* "WHAT: WHY\n" each */

/* Fixtures: an empty run at "run", nothing kept on disk. */
void view_set_up(void);
void view_tear_down(void);

/* Writes an archive, which needs no codec, below the scratch directory. */
void write_archive(const char *path, const struct member_spec *members);

/* Writes the table "table" and has it be the next view. */
void write_table(const char *text);

/* Keeps things on disk from now on. */
void view_on_disk(void);

/* Opens the run with view_config, in place of the one before. */
int open_view(struct error *err);
void must_open(void);

/* All paths below PATH, "a/b " each, directories with a slash behind them, links with an at sign, problems with "!"; grows what is to
   be grown. */
const char *shown(const char *path);

/* The node at PATH, growing what leads there. */
struct node *node_at(const char *path);

/* The content of the file at PATH. */
const char *content_at(const char *path);

#endif
