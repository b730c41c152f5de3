/* A local run whose files can be made to hang: reading the object of a gate, or opening or closing it, waits until the gate is
   opened. */
#ifndef RUNFS_TESTS_FS_GATES_H
#define RUNFS_TESTS_FS_GATES_H

#include <stdatomic.h>

#include "run/run_internal.h"
#include "testing.h"

struct gate {
    const char *key; /* of the object, or what it begins with; NULL: of none */
    enum { AT_READ, AT_OPEN, AT_CLOSE, AT_LIST } at; /* AT_LIST: the store, whatever the key */
    int result;                                      /* of reads once it is open; negative errno, or 0 */
    uint64_t from;                                   /* reads that end before it do not wait */
    bool open;                                       /* guarded by a lock of all gates */
    atomic_uint waiting;                             /* calls */
};

#define GATES_MAX 4

extern struct gate gates[GATES_MAX];

/* Puts gates before the files of RUN and of the local rows of its view. */
void gates_install(struct run *run);

void gate_open(struct gate *gate, int result);

#endif
