/* SPDX-License-Identifier: GPL-2.0-only */
/* What /proc says about the threads that serve a device. */
#ifndef VHOST_TEST_THREAD_H
#define VHOST_TEST_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * The threads that serve devices of @owner, up to @max of them; how many there
 * are. They are named vhost-<owner>, maybe with a suffix behind another dash.
 */
unsigned int threads_of(pid_t owner, pid_t *tid, unsigned int max);

/* How many threads serve devices of this process. */
unsigned int threads_own(void);

/* Waits until there are @n of them: one that has ended stays in /proc briefly. */
bool threads_wait(unsigned int n);

/* Is there a thread of exactly this name? */
bool thread_named(const char *name);

/* Does the thread belong to the process, or else to the kernel? */
bool thread_in(pid_t tid, pid_t process);

/* The state's letter in /proc/<tid>/stat; 0 if the thread is gone. */
char thread_state(pid_t tid);

/* How often it has been given a processor, as far as it shows. */
unsigned long thread_switches(pid_t tid);

/*
 * Asleep, and nothing wakes it: not even for a moment in many looks. Who is only
 * seen asleep may be on its way there, and not be counted yet as switched.
 */
bool thread_rests(pid_t tid);

/* The line of its cgroup of the unified hierarchy; false if there is none. */
bool thread_cgroup(pid_t tid, char *line, size_t len);

#endif
