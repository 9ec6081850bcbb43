/* SPDX-License-Identifier: GPL-2.0-only */
/* Faults that the kernel injects: see Documentation/fault-injection/. */
#ifndef VHOST_TEST_FAULT_H
#define VHOST_TEST_FAULT_H

#include <sys/types.h>

/*
 * More places to fail than any command has: the test stops there as in a loop.
 */
#define FAULTS_MAX	500

/* Write @value to file @what in the debugfs directory of each kind of fault. */
void fault_set_knob(const char *what, const char *value);

/*
 * Let allocations fail that may sleep, and those of single pages. Faults print
 * nothing to the kernel log, so that only bugs do.
 */
void fault_set_knobs(void);

/*
 * The fail-nth file of one thread. Once armed, the @n-th possible fault from
 * then on happens. Disarming returns how many more it would have taken: 0 if
 * the fault happened.
 */
int fault_knob_open(pid_t tid);
int fault_knob_arm(int knob, unsigned int n);
unsigned int fault_knob_disarm(int knob);

/* Print how many places were found, so that a sharp drop is noticed. */
void fault_report(const char *name, unsigned int n);

/* Map a dirty log for all of guest memory; NULL if that fails. */
void *fault_map_log(void);

/* VHOST_TEST_MAIN of programs that need fault injection. */
#define FAULT_TEST_MAIN							\
	int main(int argc, char **argv)					\
	{								\
		if (access("/proc/self/fail-nth", W_OK)) {		\
			puts("TAP version 13\n"				\
			     "1..0 # SKIP no CONFIG_FAULT_INJECTION");	\
			return KSFT_SKIP;				\
		}							\
		return test_main(argc, argv);				\
	}

#endif
