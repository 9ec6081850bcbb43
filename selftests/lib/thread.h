/* SPDX-License-Identifier: GPL-2.0-only */
/* The threads that serve a device, as /proc shows them. */
#ifndef VHOST_TEST_THREAD_H
#define VHOST_TEST_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Find the threads that serve devices of @owner: those named vhost-<owner>, or
 * vhost-<owner>-<suffix>. Stores @max ids at most. Return: how many there are.
 */
unsigned int threads_of(pid_t owner, pid_t *tid, unsigned int max);

/* Count the threads that serve devices of this process. */
unsigned int threads_own(void);

/*
 * Wait until there are @n of them: a thread stays in /proc briefly after its
 * end.
 */
bool threads_wait(unsigned int n);

/* Check whether there is a thread of exactly this name. */
bool thread_named(const char *name);

/* Check whether a thread belongs to @process, and not to the kernel. */
bool thread_in(pid_t tid, pid_t process);

/* The letter of the state in /proc/<tid>/stat; 0 if the thread is gone. */
char thread_state(pid_t tid);

/* The number of context switches of a thread, voluntary or not. */
unsigned long thread_switches(pid_t tid);

/*
 * Check whether a thread is asleep and stays asleep over many samples. A single
 * sample is not enough: the thread may just be going to sleep, with that
 * context switch not counted yet.
 */
bool thread_rests(pid_t tid);

/* Read the line of the unified cgroup hierarchy; false if there is none. */
bool thread_cgroup(pid_t tid, char *line, size_t len);

#endif
