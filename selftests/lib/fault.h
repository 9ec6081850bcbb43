/* SPDX-License-Identifier: GPL-2.0-only */
/* Failures that the kernel injects: see Documentation/fault-injection/. */
#ifndef VHOST_TEST_FAULT_H
#define VHOST_TEST_FAULT_H

#include <sys/types.h>

/* No command has as many places where it can fail: then something loops. */
#define FAULTS_MAX	500

/* Writes @value to @what in the debugfs directory of each kind of fault. */
void fault_set_knob(const char *what, const char *value);

/*
 * Allocations that may sleep can fail too, pages one by one as well; and no
 * failure leaves a trace in the log, so that only bugs do.
 */
void fault_set_knobs(void);

/*
 * The knob of one thread, or a negative errno. Once armed, it makes the @n-th of
 * the chances to fail from now on do so. Disarming returns how many more chances
 * it would have taken: 0 if the failure happened.
 */
int fault_knob_open(pid_t tid);
int fault_knob_arm(int knob, unsigned int n);
unsigned int fault_knob_disarm(int knob);

/* Prints how many places were found: a number that falls to 0 is worth a look. */
void fault_report(const char *name, unsigned int n);

/* Maps a dirty log for all of guest memory; NULL if that fails. */
void *fault_map_log(void);

/* VHOST_TEST_MAIN of programs that need fault injection. */
#define FAULT_TEST_MAIN							\
	int main(int argc, char **argv)					\
	{								\
		if (access("/proc/self/fail-nth", W_OK)) {		\
			puts("TAP version 13\n1..0 # SKIP this kernel has no CONFIG_FAULT_INJECTION"); \
			return KSFT_SKIP;				\
		}							\
		return test_main(argc, argv);				\
	}

#endif
