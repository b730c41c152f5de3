/* The second thread of a pass: takes decoded chunks, hashes them, reads members out of them and hands them on. */
#ifndef RUNFS_ARCHIVE_PASS_SINK_H
#define RUNFS_ARCHIVE_PASS_SINK_H

#include "archive/pass.h"

struct pass_sink;

int pass_sink_open(const struct pass_config *config, bool hand_on, struct pass_sink **ret_sink,
                   struct error *err);

/* Memory for the next chunk, TOC_CHUNK_SIZE bytes; waits until some is free. */
char *pass_sink_buffer(struct pass_sink *sink);

/* The chunk in that memory is LEN bytes long; only the last one is shorter. */
void pass_sink_push(struct pass_sink *sink, size_t len);

/* Waits until all chunks have been taken: 0, or why reading members failed. */
int pass_sink_drain(struct pass_sink *sink, struct error *err);

/* After draining: the members, the hashes of the chunks, and how many members were refused. WHOLE: the stream had its end,
   so a member that is cut short is an error. */
int pass_sink_finish(struct pass_sink *sink, bool whole, struct toc *toc, struct error *err);

/* NULL is allowed. */
void pass_sink_close(struct pass_sink *sink);

#endif
