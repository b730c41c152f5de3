/* Runs a profile's credential_process: one command, its output bounded in size and time. */
#ifndef RUNFS_AWS_AWS_PROCESS_H
#define RUNFS_AWS_AWS_PROCESS_H

#include <stddef.h>
#include <stdint.h>

#include "aws/aws_credentials.h"
#include "base/error.h"

#define AWS_PROCESS_OUTPUT_MAX 65536

/* Runs COMMAND and puts what it writes to stdout, at most SIZE bytes without a NUL, into BUF. Waits
   TIMEOUT_MS (INT_MAX at most) for its end. Thread-safe. The command goes to "/bin/sh -c", as in most AWS
   SDKs; the AWS CLI splits words itself and runs no shell, but for the words and quotes that AWS documents
   both mean the same, and quoting is then the shell's business, not ours. It runs in a session of its own: no
   terminal to ask on, stdin is /dev/null, no descriptor but 0, 1 and 2 is open, no signal is blocked or
   ignored; the environment is ours. On -ETIMEDOUT and -E2BIG the whole process group is killed. What it
   leaves running in the background after a normal end stays. -EACCES: it failed; the message has its exit
   status and the first line of its stderr. What it wrote to stdout is in no message, nor is the command. BUF
   may hold part of the output after a failure: wipe it. */
int aws_process_run(const char *command, uint64_t timeout_ms, char *buf, size_t size, size_t *ret_len,
                    struct error *err);

/* Reads the JSON that a credential_process writes (AWS SDKs and Tools Reference Guide, "Process credential
   provider"): an object with Version 1, AccessKeyId, SecretAccessKey and, optional or null, SessionToken and
   Expiration (RFC 3339; one beyond what parse_time holds is never). Other members are ignored. -EINVAL with a
   message that quotes nothing of the JSON. Whether they have expired is not checked here. */
int aws_process_parse(const char *json, size_t len, struct aws_credentials *ret_credentials,
                      struct error *err);

/* Both: runs COMMAND and reads its answer. */
int aws_process_credentials(const char *command, uint64_t timeout_ms, struct aws_credentials *ret_credentials,
                            struct error *err);

#endif
