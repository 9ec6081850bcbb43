/* SPDX-License-Identifier: GPL-2.0-only */
/* The NUMA nodes that have a process's memory */
#ifndef VHOSTCTL_HOST_MEMORY_H
#define VHOSTCTL_HOST_MEMORY_H

#include <linux/types.h>
#include <sys/types.h>

#define MEMORY_NODES	64

/**
 * struct host_memory - where the memory of a process is
 * @pid: the process
 * @reader: process that counts the pages
 * @fd: pipe to which that one writes; -1 if it was not started
 * @why: why it was not looked at; NULL if what follows is valid
 * @kib: KiB that are present, by node: anonymous, shared and written ones
 */
struct host_memory {
	__u32 pid;
	pid_t reader;
	int fd;
	const char *why;
	__u64 kib[MEMORY_NODES];
};

/*
 * Begin to count, in another process: to walk the page tables of a large guest
 * may take longer than an interval.
 */
void host_memory_begin(struct host_memory *memory, __u32 pid);

/* Take what was counted. Does not wait. */
void host_memory_end(struct host_memory *memory);

/* Return: the node that has most; @share is set to its percentage. */
unsigned int host_memory_node(const struct host_memory *memory, double *share);

#endif
