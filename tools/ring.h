/* SPDX-License-Identifier: GPL-2.0-only */
/* Queues on the command line, and snapshots of rings */
#ifndef VHOSTCTL_RING_H
#define VHOSTCTL_RING_H

#include "device.h"

#define RING_MAX	64
#define CHAIN_MAX	8

/* Parse a queue: a number, rx or tx. Return: 0 or an exit status. */
int queue_parse(const char *text, __u32 *queue);

struct ring_desc {
	__u32 index;
	__u64 addr;
	__u32 len;
	__u32 flags;
	__u32 next;
	bool has_next;		/* the split layout, but not the last one */
};

struct ring_entry {
	__u32 index;
	__u32 id;
	__u32 len;
	unsigned int ndesc;
	struct ring_desc desc[CHAIN_MAX];
};

/* Contents of a ring, and the device's position in it */
struct ring {
	struct queue queue;
	__u32 avail_flags, avail_idx, used_event;
	__u32 used_flags, used_idx, avail_event;
	bool has_idx;		/* the split layout */
	bool has_used_event, has_avail_event;
	unsigned int navail, nused;
	struct ring_entry avail[RING_MAX];
	struct ring_entry used[RING_MAX];
};

/*
 * Get a snapshot of a ring with the last @count entries; NL_NONE: the kernel's
 * default. Return: 0 or a negative errno.
 */
int ring_get(struct ring *ring, struct nl *nl, __u32 dev, __u32 queue,
	     __s64 count);

#endif
