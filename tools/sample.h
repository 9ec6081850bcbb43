/* SPDX-License-Identifier: GPL-2.0-only */
/* What is known of devices, and of the host around them, at one moment */
#ifndef VHOSTCTL_SAMPLE_H
#define VHOSTCTL_SAMPLE_H

#include "device.h"
#include "host_cgroup.h"
#include "host_link.h"
#include "host_load.h"
#include "host_memory.h"
#include "host_tap.h"
#include "host_task.h"
#include "ring.h"

/**
 * struct queue_sample - a queue
 * @queue: state reported by the module
 * @ring: contents of the ring, and the state just before they were read
 * @ring_err: 0, or the error that prevented reading @ring
 */
struct queue_sample {
	const struct queue *queue;
	struct ring ring;
	int ring_err;
};

/**
 * struct device_sample - a device and its surroundings
 * @dev: state reported by the module
 * @queue: its queues, as many as @dev has
 * @link: the backend's interface
 * @bridge: the master of @link, if it has one
 * @tap: the owner's queues of that tap
 * @owner: the owner's main thread
 * @worker: the workers, in the order of @dev
 * @cgroup: CPU limits of the first worker
 */
struct device_sample {
	const struct device *dev;
	struct queue_sample *queue;
	struct host_link link, bridge;
	struct host_tap tap;
	struct host_task owner;
	struct host_task worker[MAX_WORKERS];
	struct host_cgroup cgroup;
};

/**
 * struct sample - all selected devices
 * @snap: what the module reports
 * @dev: the devices, in the order of @snap
 * @queue: the queues of all devices
 * @load: all threads of the host
 * @memory: where the memory of each owner is, on a host with NUMA nodes; begun
 *	in the first sample
 * @nmemory: number of owners
 * @adaptive_poll: the module's parameter; -1 if it cannot be read
 */
struct sample {
	struct snapshot snap;
	struct device_sample *dev;
	struct queue_sample *queue;
	struct host_load load;
	struct host_memory *memory;
	unsigned int nmemory;
	int adaptive_poll;
};

/*
 * Take a sample of the selected devices. Looking at all threads costs most, so
 * it comes before the rest in the first sample, and after it in the last one.
 * Return: 0 or an exit status. Call sample_free() in either case.
 */
int sample_take_first(struct sample *sample, struct nl *nl,
		      const struct filter *filter);
int sample_take_last(struct sample *sample, struct nl *nl,
		     const struct filter *filter);

/* End in the first sample what it has begun. */
void sample_end_memory(struct sample *first);
void sample_free(struct sample *sample);

/* Return: a device's sample; NULL if there is none. */
const struct device_sample *sample_device(const struct sample *sample,
					  __u32 dev);

/* Return: where the memory of an owner is; NULL without NUMA nodes. */
const struct host_memory *sample_memory(const struct sample *first, __u32 pid);

#endif
