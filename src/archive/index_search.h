/* Looking for an archive's index, which lies at its end, while its first units are being decoded already. */
#ifndef RUNFS_ARCHIVE_INDEX_SEARCH_H
#define RUNFS_ARCHIVE_INDEX_SEARCH_H

#include "archive/codec.h"
#include "reader/reader.h"

struct index_search;

/* Begins to look, by a thread of its own that reads ENCODED (borrowed) for as long as WAIT allows. NULL where that is not
   possible. */
struct index_search *index_search_begin(const struct codec *codec, struct reader *encoded,
                                        const struct codec_limits *limits, const struct wait *wait);

/* Whether the search is over; then *RET_INDEX is what was found, NULL for none, as long as the search is not ended. Waits for
   nothing. */
bool index_search_over(struct index_search *search, const struct codec_index **ret_index);

/* Gives up what is being read, and frees; NULL is allowed. */
void index_search_end(struct index_search *search);

#endif
