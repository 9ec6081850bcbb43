// SPDX-License-Identifier: GPL-2.0-only
/* Causes that lie in where the memory of the guest is */
#include "diagnose.h"
#include "host_node.h"

/* Percent of a CPU: a worker that does less has time for that. */
#define MUCH		20
/* Percent of the memory: what is spread is far from any CPU. */
#define MOST		75

static bool was_on_node(const struct device *dev, __u32 worker, int node)
{
	const struct worker *w = device_worker(dev, worker);

	return !w || host_node_of_cpu(w->cpu) == node;
}

void find_far_worker(struct diagnosis *d, const struct worker *w, double cpu)
{
	char cpus[NODE_CPUS];
	double share;
	int node;

	if (!d->memory || d->memory->why || cpu < MUCH)
		return;
	node = host_memory_node(d->memory, &share);
	/* A node that has no CPU is far from all. */
	if (share < MOST || !*host_node_cpus(node, cpus) ||
	    was_on_node(d->before->dev, w->id, node) ||
	    was_on_node(d->now->dev, w->id, node))
		return;
	add_finding(d, NULL, "worker_far", true,
		    "worker %u runs on CPU %u of NUMA node %d, while %.0f %% of the memory of its owner (%s), %llu MiB, is on node %d: have both on one node, such as by taskset -cp %s %u",
		    w->id, w->cpu, host_node_of_cpu(w->cpu), share,
		    d->now->dev->comm, d->memory->kib[node] / 1024, node,
		    cpus, w->tid);
}
