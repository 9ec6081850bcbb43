/* SPDX-License-Identifier: GPL-2.0-only */
/* A thread of the host, as /proc shows it */
#ifndef VHOSTCTL_HOST_TASK_H
#define VHOSTCTL_HOST_TASK_H

#include <linux/types.h>

#define TASK_NAME	16
#define TASK_CPUS	64
#define TASK_CGROUP	256

/**
 * struct host_task - a thread
 * @why: why it was not looked at; NULL if what follows is valid
 * @name: its name
 * @state: its state, a letter as in ps(1)
 * @tracer: pid of the process that traces it, or 0
 * @cpu: the CPU on which it ran last
 * @policy: its SCHED_*
 * @ticks: CPU time used, in clock ticks
 * @ran_ns: CPU time used
 * @waited_ns: time that it was runnable and did not run
 * @cpus: the CPUs on which it may run, as a list
 * @ncpus: their number
 * @cgroup: its cgroup's path in the hierarchy with the cpu controller
 */
struct host_task {
	const char *why;
	char name[TASK_NAME];
	char state;
	__u32 tracer;
	int cpu;
	unsigned int policy;
	__u64 ticks;
	__u64 ran_ns, waited_ns;
	char cpus[TASK_CPUS];
	unsigned int ncpus;
	char cgroup[TASK_CGROUP];
};

/* Read all about a thread, given its id in this pid namespace. */
void host_task_read(struct host_task *task, __u32 tid);

/* Read @name, @state, @cpu, @policy and @ticks from a stat file's path. */
void host_task_stat(struct host_task *task, const char *path);

/* Return: the number of CPUs in a list such as "0-3,8"; 0 for nonsense. */
unsigned int cpu_list_count(const char *list);

#endif
