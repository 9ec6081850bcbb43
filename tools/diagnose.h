/* SPDX-License-Identifier: GPL-2.0-only */
/* Diagnosis of a device from two samples */
#ifndef VHOSTCTL_DIAGNOSE_H
#define VHOSTCTL_DIAGNOSE_H

#include "device.h"
#include "ring.h"

#define TEXT_LEN	320
#define MAX_FINDINGS	64

/**
 * struct finding - a problem
 * @queue: the affected queue; NULL: the device as a whole
 * @problem: identifier for programs
 * @now: seen between the samples; false: only since the counters started
 * @text: description
 */
struct finding {
	const struct queue *queue;
	const char *problem;
	bool now;
	char text[TEXT_LEN];
};

/**
 * struct queue_sample - a queue at one moment
 * @queue: state reported by the module; NULL if the queue was not listed
 * @ring: contents of the ring, if readable
 * @ring_err: 0, or the error that prevented reading @ring
 * @tap_drops: packets dropped because the interface's queue was full
 */
struct queue_sample {
	const struct queue *queue;
	struct ring ring;
	int ring_err;
	__u64 tap_drops;
};

/**
 * struct diagnosis - the samples of a device and the problems found
 * @before: the device in the first sample
 * @now: the device in the second sample
 * @seconds: time between the samples
 * @n: number of findings
 * @finding: the findings
 */
struct diagnosis {
	const struct device *before, *now;
	double seconds;
	unsigned int n;
	struct finding finding[MAX_FINDINGS];
};

/* Check the device as a whole. Return: false if its queues need no check. */
bool diagnose_device(struct diagnosis *d);

void diagnose_queue(struct diagnosis *d, const struct queue_sample *before,
		    const struct queue_sample *now);

#endif
