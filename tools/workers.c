// SPDX-License-Identifier: GPL-2.0-only
/* vhostctl workers: list the threads that serve devices. */
#include <stdio.h>
#include <string.h>

#include "device.h"
#include "host_node.h"
#include "host_task.h"
#include "out.h"

static bool serves(const struct worker *w, const struct queue *q)
{
	return q->has_worker && q->worker == w->id;
}

static void add_queues(struct json_object *array, const struct device *dev,
		       const struct worker *w)
{
	const struct queue *q = dev->queue;
	struct json_object *name;

	for (; q < dev->queue + dev->nqueues; q++) {
		if (!serves(w, q))
			continue;
		name = json_object_new_string(q->name);
		json_object_array_add(array, name);
	}
}

/* The queues that a worker serves: rx, tx, rx,tx or - */
static void queues_text(char *text, size_t size, const struct device *dev,
			const struct worker *w)
{
	unsigned int i;
	size_t len = 0;

	snprintf(text, size, "-");
	for (i = 0; i < dev->nqueues; i++)
		if (serves(w, &dev->queue[i]) && len < size)
			len += snprintf(text + len, size - len, "%s%s",
					len ? "," : "", dev->queue[i].name);
}

static void worker_json(struct json_object *to, const struct device *dev,
			const struct worker *w, const struct host_task *task)
{
	int node = host_node_of_cpu(w->cpu);

	json_u64(to, "dev", dev->id);
	json_u64(to, "worker", w->id);
	add_queues(json_array_in(to, "queues"), dev, w);
	if (w->tid)
		json_u64(to, "tid", w->tid);
	json_u64(to, "cpu", w->cpu);
	json_u64(to, "runs", w->runs);
	json_u64(to, "runtime_ns", w->runtime);
	if (node >= 0)
		json_u64(to, "node", node);
	if (task->why) {
		json_str(to, "why", task->why);
		return;
	}
	json_str(to, "name", task->name);
	json_u64(to, "wait_ns", task->waited_ns);
	json_str(to, "cpus", task->cpus);
	json_str(to, "cgroup", task->cgroup);
}

static void worker_text(const struct device *dev, const struct worker *w,
			const struct host_task *task)
{
	int node = host_node_of_cpu(w->cpu);
	char text[NUMBER_LEN] = "-", queues[NUMBER_LEN];

	queues_text(queues, sizeof(queues), dev, w);
	if (node >= 0)
		snprintf(text, sizeof(text), "%d", node);
	printf("%-6u %-6u %-6s %-8u %-15s %4u %-10s %-4s %9.3f ", dev->id,
	       w->id, queues, w->tid, task->why ? "-" : task->name, w->cpu,
	       task->why ? "-" : task->cpus, text, w->runtime / 1e9);
	if (task->why)
		printf("%9s -\n", "-");
	else
		printf("%9.3f %s\n", task->waited_ns / 1e9, task->cgroup);
}

static void each_worker(const struct snapshot *snap, struct json_object *array)
{
	const struct device *dev;
	struct host_task task;
	unsigned int i, w;

	for (i = 0; i < snap->ndev; i++) {
		dev = &snap->dev[i];
		for (w = 0; w < dev->nworkers; w++) {
			host_task_read(&task, dev->worker[w].tid);
			if (array)
				worker_json(json_object_in(array, NULL), dev,
					    &dev->worker[w], &task);
			else
				worker_text(dev, &dev->worker[w], &task);
		}
	}
}

static int workers_show(const struct snapshot *snap, const struct options *opt)
{
	struct json_object *doc;

	if (opt->json) {
		doc = json_document();
		each_worker(snap, json_array_in(doc, "workers"));
		return out_json(opt, doc);
	}
	if (snap->ndev)
		printf("%s%-6s %-6s %-6s %-8s %-15s %4s %-10s %-4s %9s %9s %s%s\n",
		       colour(COLOUR_BOLD), "DEV", "WORKER", "QUEUES", "TID", "NAME",
		       "CPU", "CPUS", "NODE", "RUN", "WAIT", "CGROUP",
		       colour(COLOUR_OFF));
	each_worker(snap, NULL);
	return EXIT_OK;
}

int cmd_workers(const struct options *opt, int argc, char **argv)
{
	struct snapshot snap;
	struct filter filter;
	struct nl nl;
	int status;

	status = filter_parse(&filter, argc, argv);
	if (!status)
		status = nl_open(&nl);
	if (status)
		return status;
	status = snapshot_take(&snap, &nl, &filter);
	if (!status)
		status = workers_show(&snap, opt);
	snapshot_free(&snap);
	nl_close(&nl);
	return status;
}
