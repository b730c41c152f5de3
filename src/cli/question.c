/* Questions to drivers; see question.h. */
#include "cli/question.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"

#define ANSWER_MS 3000
#define VALUE_MAX (64U * 1024) /* the kernel's own limit for an attribute */

/* It is asked by a thread of its own, since a stopped driver never answers: then the thread, the question and its pipe are
   left to the end of the process. */
struct question {
    char *mountpoint; /* owned */
    char *attribute;  /* owned */
    int pipe[2];      /* the thread writes a byte when it has the answer */
    int result;       /* the answer: -errno, or the length of the value */
    char value[VALUE_MAX + 1];
};

static void free_question(struct question *question)
{
    if (!question)
        return;
    for (int end = 0; end < 2; end++)
        if (question->pipe[end] >= 0)
            (void)close(question->pipe[end]);
    free(question->mountpoint);
    free(question->attribute);
    free(question);
}

static struct question *new_question(const char *mountpoint, const char *attribute)
{
    struct question *question = calloc(1, sizeof *question);
    if (!question)
        return NULL;
    question->pipe[0] = question->pipe[1] = -1;
    question->mountpoint = strdup(mountpoint);
    question->attribute = strdup(attribute);
    if (question->mountpoint && question->attribute && pipe2(question->pipe, O_CLOEXEC) == 0)
        return question;
    free_question(question);
    return NULL;
}

static void *ask(void *context)
{
    struct question *question = context;
    ssize_t len = getxattr(question->mountpoint, question->attribute, question->value, VALUE_MAX);
    question->result = len < 0 ? -errno : (int)len;
    (void)!write(question->pipe[1], "", 1); /* silence means "no answer" to the reader */
    return NULL;
}

/* Takes the answer out of a question that has one. */
static int take_answer(const struct question *question, char **ret_value)
{
    if (question->result < 0)
        return question->result;
    *ret_value = strndup(question->value, (size_t)question->result);
    return *ret_value ? 0 : -ENOMEM;
}

int driver_ask(const char *mountpoint, const char *attribute, char **ret_value)
{
    pthread_t thread;
    struct question *question = new_question(mountpoint, attribute);
    if (!question)
        return -ENOMEM;
    if (pthread_create(&thread, NULL, ask, question)) {
        free_question(question);
        return -ENOMEM;
    }
    struct pollfd ready = {.fd = question->pipe[0], .events = POLLIN};
    if (poll(&ready, 1, ANSWER_MS) != 1)
        return -ETIMEDOUT;
    (void)pthread_join(thread, NULL);
    int result = take_answer(question, ret_value);
    free_question(question);
    return result;
}
