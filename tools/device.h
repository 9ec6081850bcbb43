/* SPDX-License-Identifier: GPL-2.0-only */
/* Devices, queues and workers, as the module reports them */
#ifndef VHOSTCTL_DEVICE_H
#define VHOSTCTL_DEVICE_H

#include <net/if.h>

#include "guest.h"
#include "netlink.h"
#include "times.h"

#define MAX_WORKERS	64
#define BATCH_SIZES	8	/* 1, 2, 3-4, 5-8, ..., 33-64, more */
#define COMM_LEN	16
#define NAME_LEN	16

struct worker {
	__u32 id;
	__u32 tid;		/* 0: in another pid namespace */
	__u32 cpu;
	__u64 runs;
	__u64 runtime;
};

/**
 * struct queue - a queue
 * @dev: the device's number
 * @index: the queue's number within the device
 * @has_addr: the addresses are valid; only reported with CAP_NET_ADMIN
 * @counter: indexed by enum vhost_alt_counter
 * @drop: indexed by enum vhost_alt_drop
 * @batch: number of batches by size: 1, 2, 3-4, ...
 */
struct queue {
	__u32 dev;
	__u32 index;
	char name[NAME_LEN];
	__u32 size;
	char layout[NAME_LEN];
	__u32 state;
	char ifname[IF_NAMESIZE];
	__u32 ifindex;
	bool has_worker;
	__u32 worker;
	struct queue_times times;
	bool has_last_run;
	__u64 last_run;		/* milliseconds ago */
	__u32 last_avail, avail_idx, last_used;
	bool has_wraps;		/* the packed layout */
	__u32 avail_wrap, used_wrap;
	bool has_addr;
	__u64 desc_addr, avail_addr, used_addr;
	__u64 counter[VHOST_ALT_COUNTER_MAX + 1];
	__u64 drop[VHOST_ALT_DROP_MAX + 1];
	__u64 batch[BATCH_SIZES];
};

struct device {
	__u32 id;
	bool has_owner;
	__u32 pid;		/* 0: in another pid namespace */
	char comm[COMM_LEN];
	char guest[GUEST_NAME_LEN];	/* empty: unknown */
	__u64 features, features_hi, backend_features;
	__u32 regions;
	bool has_iotlb;
	__u32 iotlb_entries;
	__u32 sharing;		/* workers that serve the queues, or 0 */
	__u32 sharing_pending;	/* the same, as requested */
	bool sharing_managed;	/* the owner divides the queues by itself */
	unsigned int nworkers;
	struct worker worker[MAX_WORKERS];
	unsigned int nqueues;
	struct queue *queue;	/* part of the snapshot's array */
};

/**
 * struct snapshot - all devices at one moment, ordered by number
 * @seconds: CLOCK_MONOTONIC time
 * @dev: the devices
 * @ndev: number of devices
 * @queue: the queues of all devices, device by device
 * @nqueue: number of queues
 */
struct snapshot {
	double seconds;
	struct device *dev;
	unsigned int ndev;
	struct queue *queue;
	unsigned int nqueue;
};

/* Return: what a number of workers that serve the queues means. */
const char *sharing_name(__u32 workers);

/* Selection of devices on the command line */
struct filter {
	enum {
		FILTER_NONE, FILTER_DEV, FILTER_PID, FILTER_IFNAME,
		FILTER_GUEST,
	} by;
	__u32 number;
	const char *name;	/* of the interface or guest */
};

#define SELECTOR "[ID | IFNAME | pid PID | guest NAME]"

/*
 * Parse a selector: nothing for all devices, a device's number or interface, or
 * a word and its value. Return: 0 or an exit status.
 */
int filter_parse(struct filter *filter, int argc, char **argv);

/* Return: how many of the first words are a selector: 0, 1 or 2. */
int filter_words(int argc, char **argv);

/*
 * Find the one device that a number or an interface's name selects. Return: 0
 * or an exit status.
 */
int device_select(__u32 *id, struct nl *nl, char *selector);

/*
 * Take a snapshot of the selected devices. Return: 0 or an exit status, also if
 * there is none. Call snapshot_free() in either case.
 */
int snapshot_take(struct snapshot *snap, struct nl *nl,
		  const struct filter *filter);
void snapshot_free(struct snapshot *snap);

/* Return: the queue, device or worker; NULL if there is none. */
const struct queue *snapshot_queue(const struct snapshot *snap, __u32 dev,
				   __u32 index);
const struct device *snapshot_device(const struct snapshot *snap, __u32 dev);
const struct worker *device_worker(const struct device *dev, __u32 id);

/* Return: the interface of a device's backend; "" if it has none. */
const char *device_ifname(const struct device *dev);

/* Read an attribute of a queue's message. */
void queue_read(const struct nlattr *attr, struct queue *q);

__u64 queue_drops(const struct queue *queue);

#endif
