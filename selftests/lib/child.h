/* SPDX-License-Identifier: GPL-2.0-only */
/* Processes that a test makes to kill them. */
#ifndef VHOST_TEST_CHILD_H
#define VHOST_TEST_CHILD_H

#include <sys/types.h>

/*
 * fork(), for a child that may never end by itself: it is killed when the thread
 * that made it ends, so that a test which fails leaves nobody behind with its
 * tap and its output. What the child forks in turn is not.
 */
pid_t child_fork(void);

#endif
