/* SPDX-License-Identifier: GPL-2.0-only */
/* Diagnosis of a device from two samples */
#ifndef VHOSTCTL_DIAGNOSE_H
#define VHOSTCTL_DIAGNOSE_H

#include "rates.h"
#include "sample.h"

#define TEXT_LEN	400
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
 * struct diagnosis - two samples of a device and the problems found
 * @first, @last: the samples, of all selected devices
 * @before, @now: the device in them
 * @memory: where the memory of its owner is; NULL without NUMA nodes
 * @seconds: time between the samples
 * @owner_stopped: found that the owner is stopped: of what follows from that,
 *	nothing is reported
 * @starved: the same, for a worker that does not get to run
 * @queue_starved: the same, for a queue that waits for another one's turns
 * @tap_closed: the same, for a tap through which nothing can pass
 * @guest_behind: the same, for a guest that lacks receive buffers
 * @n: number of findings
 * @finding: the findings, the most likely causes first
 */
struct diagnosis {
	const struct sample *first, *last;
	const struct device_sample *before, *now;
	const struct host_memory *memory;
	double seconds;
	bool owner_stopped, starved, queue_starved, tap_closed, guest_behind;
	unsigned int n;
	struct finding finding[MAX_FINDINGS];
};

/* A queue in both samples */
struct comparison {
	struct diagnosis *d;
	const struct queue_sample *before, *now;
	const struct queue *q;		/* now->queue */
};

/* Find the problems of the device whose samples @d names. */
void diagnose(struct diagnosis *d);

/* Report a problem. @q: the queue, or NULL for the device as a whole. */
void __printf(5, 6) add_finding(struct diagnosis *d, const struct queue *q,
				const char *problem, bool now, const char *fmt,
				...);

/* Return: the number of queues that are in both samples. */
unsigned int queues_in_both(const struct diagnosis *d);

/* Return: both samples of the queue with that number. */
struct comparison compare_queue(struct diagnosis *d, unsigned int index);

/* Call @rule for each queue that is in both samples. */
void each_queue(struct diagnosis *d, void (*rule)(const struct comparison *c));

/* A counter's value, and its growth between the samples. */
__u64 total(const struct comparison *c, enum vhost_alt_counter counter);
__u64 delta(const struct comparison *c, enum vhost_alt_counter counter);

/* The growth of a counter in all receive, or transmit, queues of the device. */
__u64 delta_of_all(const struct diagnosis *d, bool rx,
		   enum vhost_alt_counter counter);

bool is_rx(const struct comparison *c);

/* Check whether a queue is in order: it runs, and its ring can be used. */
bool is_serving(const struct comparison *c);

/* Check whether nearly every packet wakes the worker. */
bool takes_single_packets(const struct comparison *c);

/* Write how the queues of a device get a worker each. */
#define SPLITTING_LEN	160
const char *splitting(char text[SPLITTING_LEN], const struct device_sample *s);

/* The name of the interface, or "the backend". */
const char *backend_name(const struct queue *q);

/*
 * Rules, by where the cause lies. Each may set what excuses later ones, and is
 * called in this order.
 */
void causes_of_vmm(struct diagnosis *d);
void causes_of_tap(struct diagnosis *d);
void causes_of_scheduler(struct diagnosis *d);
void causes_of_queue(struct diagnosis *d);

/* Check whether a worker, which uses @cpu percent, is far from the memory. */
void find_far_worker(struct diagnosis *d, const struct worker *w, double cpu);

/*
 * Find queues of a worker that wait for another one's turns, given the percent
 * of a CPU that the worker used for both. Return: true if there is one.
 */
bool find_starved_queue(struct diagnosis *d, __u32 worker, double cpu);

void causes_of_guest(struct diagnosis *d);

/* Causes of the tap that depend on what the guest or the scheduler does. */
void causes_of_drops(struct diagnosis *d);

#endif
