/* SPDX-License-Identifier: GPL-2.0-only */
/* Settings of this run, by the machine and the caller. */
#ifndef VHOST_TEST_ENV_H
#define VHOST_TEST_ENV_H

#include <stdbool.h>
#include <linux/types.h>

/* The device under test: $DEVICE, or /dev/vhost-net-alt. */
const char *env_device(void);

/*
 * Check whether the device under test is vhost_alt's, not the kernel's
 * vhost_net's.
 */
bool env_is_ours(void);

/* The name of the module that serves the device under test. */
const char *env_module(void);

/* Check whether the kernel is major.minor or later. */
bool env_kernel_at_least(unsigned int major, unsigned int minor);

/*
 * Scale @n repetitions to the speed of this machine, to @min at least.
 * $VHOST_ALT_SCALE is a percentage, guessed from $VHOST_ALT_MACHINE if not set.
 */
unsigned int env_scaled(unsigned int n, unsigned int min);

/* Set a parameter of vhost_alt. Return: 0 or a negative errno. */
int env_set_parameter(const char *name, unsigned int value);

/* The documented limit on memory regions. */
unsigned int env_max_regions(void);

/*
 * A monotonic clock, a deadline for whatever starts now, and the time until
 * one.
 */
__u64 env_now_ms(void);
__u64 env_deadline(void);
int env_left_ms(__u64 deadline);

/* Wait until @cond is true, for conditions without a descriptor to poll. */
#define wait_until(cond) ({						\
	__u64 __end = env_deadline();					\
	bool __late, __ok;						\
									\
	for (;;) {							\
		__late = !env_left_ms(__end);				\
		__ok = (cond);						\
		if (__ok || __late)					\
			break;						\
		env_pause();						\
	}								\
	__ok;								\
})

/* Give the CPU to the worker for one round of wait_until(). */
void env_pause(void);

#endif
