/* SPDX-License-Identifier: GPL-2.0-only */
/* A tap's queues that a process has open */
#ifndef VHOSTCTL_HOST_TAP_H
#define VHOSTCTL_HOST_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

/**
 * struct host_tap - the queues of a tap in one process
 * @why: why they were not looked at; NULL if what follows is valid
 * @queues: number of queues that are open
 * @detached: number of those that are detached
 * @vnet_hdr: the tap has virtio-net headers
 * @hdr_len: bytes of such a header
 * @sndbuf: the smallest limit of a queue's send buffer in bytes; 0: no limit
 */
struct host_tap {
	const char *why;
	unsigned int queues, detached;
	bool vnet_hdr;
	int hdr_len;
	int sndbuf;
};

/* Ask process @pid's queues of the tap called @name. */
void host_tap_read(struct host_tap *tap, __u32 pid, const char *name);

/*
 * Name a process other than @pid that has the tap open, as "NAME (PID)".
 * Return: false if there is none.
 */
bool host_tap_other_reader(const char *name, __u32 pid, char *who, size_t size);

#endif
