/* SPDX-License-Identifier: GPL-2.0-only */
/* What the machine and the caller say about this run. */
#ifndef VHOST_TEST_ENV_H
#define VHOST_TEST_ENV_H

#include <stdbool.h>
#include <linux/types.h>

/* The device under test: $DEVICE, or /dev/vhost-net-alt. */
const char *env_device(void);

/* False when the device under test belongs to the kernel's own vhost_net. */
bool env_is_ours(void);

/* The name of the module that serves the device under test. */
const char *env_module(void);

/* True on kernel major.minor or later. */
bool env_kernel_at_least(unsigned int major, unsigned int minor);

/*
 * How many of @n repetitions fit this machine, at least @min: $VHOST_ALT_SCALE
 * is a percentage, guessed from $VHOST_ALT_MACHINE when it is not set.
 */
unsigned int env_scaled(unsigned int n, unsigned int min);

/* How many memory regions the device documents that it takes. */
unsigned int env_max_regions(void);

/* A monotonic clock, and the point by which anything must have happened. */
__u64 env_now_ms(void);
__u64 env_deadline(void);
int env_left_ms(__u64 deadline);

/* Waits for a condition that has no file descriptor to poll. */
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

/* One round of wait_until(): gives the CPU to the worker. */
void env_pause(void);

#endif
