/* SPDX-License-Identifier: GPL-2.0-only */
/* What is wrong with a device, out of two looks at it. */
#ifndef VHOSTCTL_DIAGNOSE_H
#define VHOSTCTL_DIAGNOSE_H

#include "device.h"
#include "ring.h"

#define TEXT_LEN	320
#define MAX_FINDINGS	64

/**
 * struct finding - something that is wrong
 * @queue: where; NULL: with the device
 * @problem: a name for programs
 * @now: it happens now; else it happened since the counters began
 * @text: in words
 */
struct finding {
	const struct queue *queue;
	const char *problem;
	bool now;
	char text[TEXT_LEN];
};

/**
 * struct queue_sample - a queue at one moment
 * @queue: what the module says; NULL if it was not there
 * @ring: what is in its memory, if that could be read
 * @ring_err: 0, or why @ring is not there
 * @tap_drops: packets that the interface had no room for
 */
struct queue_sample {
	const struct queue *queue;
	struct ring ring;
	int ring_err;
	__u64 tap_drops;
};

/**
 * struct diagnosis - all that is known, and what follows from it
 * @before: the device at the first look
 * @now: at the second
 * @seconds: between these
 * @n: how many findings
 * @finding: they
 */
struct diagnosis {
	const struct device *before, *now;
	double seconds;
	unsigned int n;
	struct finding finding[MAX_FINDINGS];
};

/* All that the device as a whole tells; false if no more is to be said. */
bool diagnose_device(struct diagnosis *d);

void diagnose_queue(struct diagnosis *d, const struct queue_sample *before,
		    const struct queue_sample *now);

#endif
