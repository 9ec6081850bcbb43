/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest that sleeps until frames come, or polls for them, and sends each of
 * them back or notes when it came.
 */
#ifndef BENCH_ECHO_H
#define BENCH_ECHO_H

#include <pthread.h>
#include <stdbool.h>

#include "guest.h"

struct echo {
	struct guest g;
	bool back;		/* send frames back */
	bool busy;		/* poll for frames, on the first CPU */
	pthread_t thread;
	int stop;		/* eventfd */
	int err;
	__u64 *late;		/* ns from the stamp in a frame to its taking */
	unsigned int nlate;
	unsigned int max;	/* of @late */
};

/* Frames have the time in ns at which they were sent, after this many bytes. */
#define ECHO_STAMP	20

/* @back, @busy and @max are set. */
int echo_start(struct echo *e);

/* Wait for @n frames, and get how late they were, in ns. */
int echo_wait(struct echo *e, unsigned int n, __u64 *late);

/* Return: 0, or the first error of the guest. */
int echo_stop(struct echo *e);

#endif
