/* Answers of GitHub, kept on disk between calls as blobs (disk/blob.h) in the form of GitHub's own JSON. */
#ifndef RUNFS_GITHUB_ANSWER_H
#define RUNFS_GITHUB_ANSWER_H

#include <stdbool.h>

#include "disk/disk.h"
#include "github/github_record.h"

/* Keeps RUN as the answer to IDENTITY, asked at ASKED_MS. */
void answer_write(struct disk *disk, const struct strbuf *identity, const struct github_run *run,
                  uint64_t asked_ms);

/* The answer to IDENTITY, and when it was asked; false where none is there. */
bool answer_read(struct disk *disk, const struct strbuf *identity, struct github_run *ret_run,
                 uint64_t *ret_asked_ms);

#endif
