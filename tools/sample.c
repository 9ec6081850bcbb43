// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host_node.h"
#include "sample.h"

/* The interface of the device's backend: all its queues have the same one. */
static const struct queue *backend_queue(const struct device *dev)
{
	unsigned int i;

	for (i = 0; i < dev->nqueues; i++)
		if (dev->queue[i].ifname[0])
			return &dev->queue[i];
	return NULL;
}

static void read_backend(struct device_sample *d)
{
	const struct queue *q = backend_queue(d->dev);

	d->link.why = "it has no interface";
	d->tap.why = "it has no interface";
	if (!q)
		return;
	host_link_read(&d->link, q->ifindex, q->ifname);
	if (!d->link.why && d->link.master)
		host_link_read(&d->bridge, d->link.master, NULL);
	host_tap_read(&d->tap, d->dev->pid, q->ifname);
}

static void read_surroundings(struct device_sample *d)
{
	unsigned int i;

	read_backend(d);
	host_task_read(&d->owner, d->dev->pid);
	for (i = 0; i < d->dev->nworkers; i++)
		host_task_read(&d->worker[i], d->dev->worker[i].tid);
	if (d->dev->nworkers)
		host_cgroup_read(&d->cgroup, d->worker[0].cgroup);
}

static void read_rings(struct device_sample *d, struct nl *nl)
{
	struct queue_sample *q;
	unsigned int i;

	for (i = 0; i < d->dev->nqueues; i++) {
		q = &d->queue[i];
		q->queue = &d->dev->queue[i];
		q->ring_err = ring_get(&q->ring, nl, d->dev->id,
				       q->queue->index, 1);
	}
}

static int read_adaptive_poll(void)
{
	FILE *f = fopen("/sys/module/vhost_alt/parameters/adaptive_poll", "re");
	int us;

	if (!f || fscanf(f, "%d", &us) != 1)
		us = -1;
	if (f)
		fclose(f);
	return us;
}

static int read_devices(struct sample *sample, struct nl *nl,
			const struct filter *filter)
{
	struct device_sample *d;
	unsigned int i;
	int status;

	sample->adaptive_poll = read_adaptive_poll();
	status = snapshot_take(&sample->snap, nl, filter);
	if (status)
		return status;
	sample->dev = calloc(sample->snap.ndev + 1, sizeof(*sample->dev));
	sample->queue = calloc(sample->snap.nqueue + 1,
			       sizeof(*sample->queue));
	if (!sample->dev || !sample->queue)
		return kernel_error("out of memory");
	for (i = 0; i < sample->snap.ndev; i++) {
		d = &sample->dev[i];
		d->dev = &sample->snap.dev[i];
		d->queue = &sample->queue[d->dev->queue - sample->snap.queue];
		read_rings(d, nl);
		read_surroundings(d);
	}
	return 0;
}

/* Devices of an owner share its memory. */
static void begin_memory(struct sample *sample)
{
	unsigned int i;
	__u32 pid;

	if (host_nodes() < 2)
		return;
	sample->memory = calloc(sample->snap.ndev + 1, sizeof(*sample->memory));
	for (i = 0; sample->memory && i < sample->snap.ndev; i++) {
		pid = sample->snap.dev[i].pid;
		if (pid && !sample_memory(sample, pid))
			host_memory_begin(&sample->memory[sample->nmemory++],
					  pid);
	}
}

void sample_end_memory(struct sample *first)
{
	unsigned int i;

	for (i = 0; i < first->nmemory; i++)
		host_memory_end(&first->memory[i]);
}

int sample_take_first(struct sample *sample, struct nl *nl,
		      const struct filter *filter)
{
	int status;

	memset(sample, 0, sizeof(*sample));
	host_load_read(&sample->load);
	status = read_devices(sample, nl, filter);
	if (!status)
		begin_memory(sample);
	return status;
}

int sample_take_last(struct sample *sample, struct nl *nl,
		     const struct filter *filter)
{
	int status;

	memset(sample, 0, sizeof(*sample));
	status = read_devices(sample, nl, filter);
	if (!status)
		host_load_read(&sample->load);
	return status;
}

void sample_free(struct sample *sample)
{
	snapshot_free(&sample->snap);
	host_load_free(&sample->load);
	free(sample->memory);
	free(sample->dev);
	free(sample->queue);
}

const struct device_sample *sample_device(const struct sample *sample,
					  __u32 dev)
{
	unsigned int i;

	for (i = 0; i < sample->snap.ndev; i++)
		if (sample->dev[i].dev->id == dev)
			return &sample->dev[i];
	return NULL;
}

const struct host_memory *sample_memory(const struct sample *first, __u32 pid)
{
	unsigned int i;

	for (i = 0; i < first->nmemory; i++)
		if (first->memory[i].pid == pid)
			return &first->memory[i];
	return NULL;
}
