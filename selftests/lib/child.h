/* SPDX-License-Identifier: GPL-2.0-only */
/* Child processes that a test kills. */
#ifndef VHOST_TEST_CHILD_H
#define VHOST_TEST_CHILD_H

#include <sys/types.h>

/*
 * Fork a child that may not end by itself. It is killed when the thread that
 * forked it ends, so that a failed test leaves no process with its tap and its
 * output. Children of the child are not killed.
 */
pid_t child_fork(void);

#endif
