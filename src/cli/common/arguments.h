/* Command lines: a table of flags a command, and its operands. */
#ifndef RUNFS_CLI_COMMON_ARGUMENTS_H
#define RUNFS_CLI_COMMON_ARGUMENTS_H

#define FLAGS_MAX 16

enum flag_kind {
    FLAG_SET,     /* no value: the bool TARGET becomes true */
    FLAG_TEXT,    /* the const char * TARGET becomes the value, which is borrowed */
    FLAG_OPTIONS, /* the value is a -o argument of the struct options TARGET */
    FLAG_OPTION,  /* the value is that of the -o option NAME of the struct options TARGET */
};

/* "-LETTER", where there is one, and "--NAME", where there is one. */
struct flag {
    char letter;
    const char *name;
    enum flag_kind kind;
    void *target;
};

/* Reads the command line by FLAGS, whose last row is all zeros; of rows with one letter all apply. Operands may stand before
   flags. Returns the index of the first operand in *RET_FIRST; at least MIN and at most MAX (-1: any number of) operands are
   there. 0, or the exit code after the message was written. */
int arguments_parse(int argc, char **argv, const struct flag *flags, int min, int max, int *ret_first);

#endif
