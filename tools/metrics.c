// SPDX-License-Identifier: GPL-2.0-only
/* vhostctl metrics: print OpenMetrics text, for Prometheus and others. */
#include <stdio.h>
#include <string.h>

#include "device.h"
#include "names.h"

#define PREFIX		"vhost_alt_"

/* nl_string() has replaced all other special characters. */
static void print_label(const char *name, const char *value)
{
	printf("%s=\"", name);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			putchar('\\');
		putchar(*value);
	}
	putchar('"');
}

static void print_queue_labels(const struct queue *q)
{
	printf("dev=\"%u\",", q->dev);
	print_label("queue", q->name);
	putchar(',');
	print_label("ifname", q->ifname);
}

static void print_head(const char *name, const char *type, const char *help)
{
	printf("# TYPE " PREFIX "%s %s\n# HELP " PREFIX "%s %s.\n", name, type,
	       name, help);
}

static void print_unit(const char *name, const char *unit)
{
	printf("# UNIT " PREFIX "%s %s\n", name, unit);
}

/* Call @print for each queue of each device. */
static void each_queue(const struct snapshot *snap,
		       void (*print)(const struct queue *q, const void *what),
		       const void *what)
{
	unsigned int i, q;

	for (i = 0; i < snap->ndev; i++)
		for (q = 0; q < snap->dev[i].nqueues; q++)
			print(&snap->dev[i].queue[q], what);
}

static void print_counter(const struct queue *q, const void *what)
{
	const struct name *counter = what;

	printf(PREFIX "%s_total{", counter->name);
	print_queue_labels(q);
	printf("} %llu\n", q->counter[counter->value]);
}

/* By convention, Prometheus has times in seconds. */
static void print_busy(const struct queue *q, const void *what)
{
	printf(PREFIX "busy_seconds_total{");
	print_queue_labels(q);
	printf("} %.9f\n", q->counter[VHOST_ALT_COUNTER_BUSY_NS] / 1e9);
}

static void print_drops(const struct queue *q, const void *what)
{
	const struct name *reason;

	for (reason = drop_names; reason->name; reason++) {
		printf(PREFIX "drops_total{");
		print_queue_labels(q);
		printf(",reason=\"%s\"} %llu\n", reason->name,
		       q->drop[reason->value]);
	}
}

/* Buckets are cumulative. There is no sum: it would be one of chains. */
static void print_batches(const struct queue *q, const void *what)
{
	__u64 sum = 0;
	unsigned int i;

	for (i = 0; i < BATCH_SIZES; i++) {
		sum += q->batch[i];
		printf(PREFIX "batch_size_bucket{");
		print_queue_labels(q);
		if (i < BATCH_SIZES - 1)
			printf(",le=\"%u.0\"} %llu\n", 1U << i, sum);
		else
			printf(",le=\"+Inf\"} %llu\n", sum);
	}
}

static void print_running(const struct queue *q, const void *what)
{
	const __u32 *bit = what;

	printf(PREFIX "queue_%s{", name_of(state_names, *bit));
	print_queue_labels(q);
	printf("} %d\n", !!(q->state & *bit));
}

static void print_size(const struct queue *q, const void *what)
{
	printf(PREFIX "queue_size{");
	print_queue_labels(q);
	printf("} %u\n", q->size);
}

static void queue_metrics(const struct snapshot *snap)
{
	static const __u32 running = VHOST_ALT_QUEUE_RUNNING;
	static const __u32 broken = VHOST_ALT_QUEUE_BROKEN;
	static const __u32 faulted = VHOST_ALT_QUEUE_FAULTED;
	const struct name *counter;

	for (counter = counter_names; counter->name; counter++) {
		if (counter->value == VHOST_ALT_COUNTER_BUSY_NS)
			continue;
		print_head(counter->name, "counter", counter->what);
		each_queue(snap, print_counter, counter);
	}
	print_unit("busy_seconds", "seconds");
	print_head("busy_seconds", "counter", "Time spent busy polling");
	each_queue(snap, print_busy, NULL);
	print_head("drops", "counter", "Packets dropped, by reason");
	each_queue(snap, print_drops, NULL);
	print_head("batch_size", "histogram", "Chains per batch");
	each_queue(snap, print_batches, NULL);
	print_head("queue_running", "gauge", "Whether the queue has a backend");
	each_queue(snap, print_running, &running);
	print_head("queue_broken", "gauge",
		   "Whether the queue stopped because of a ring error");
	each_queue(snap, print_running, &broken);
	print_head("queue_faulted", "gauge",
		   "Whether the queue waits for the memory of its ring or log");
	each_queue(snap, print_running, &faulted);
	print_head("queue_size", "gauge", "Entries in the ring");
	each_queue(snap, print_size, NULL);
}

static void print_worker_labels(const struct device *dev, const char *name,
				const struct worker *w)
{
	printf(PREFIX "%s_total{dev=\"%u\",worker=\"%u\"} ", name, dev->id,
	       w->id);
}

static void print_runs(const struct device *dev, const struct worker *w)
{
	print_worker_labels(dev, "worker_runs", w);
	printf("%llu\n", w->runs);
}

static void print_runtime(const struct device *dev, const struct worker *w)
{
	print_worker_labels(dev, "worker_runtime_seconds", w);
	printf("%.9f\n", w->runtime / 1e9);
}

static void print_info(const struct device *dev)
{
	char pid[16] = "";

	/* Without an owner, or one in another pid namespace, there is none. */
	if (dev->pid)
		snprintf(pid, sizeof(pid), "%u", dev->pid);
	printf(PREFIX "device_info{dev=\"%u\",", dev->id);
	print_label("pid", pid);
	putchar(',');
	print_label("comm", dev->comm);
	putchar(',');
	print_label("ifname", device_ifname(dev));
	puts("} 1");
}

static void device_metrics(const struct snapshot *snap)
{
	const struct device *dev, *end = snap->dev + snap->ndev;
	const struct worker *w;

	/* Not of type info: node_exporter's parser does not know that. */
	print_head("device_info", "gauge", "A device and its owner");
	for (dev = snap->dev; dev < end; dev++)
		print_info(dev);
	print_head("regions", "gauge", "Regions in the memory table");
	for (dev = snap->dev; dev < end; dev++)
		printf(PREFIX "regions{dev=\"%u\"} %u\n", dev->id,
		       dev->regions);
	print_head("worker_runs", "counter",
		   "Times a worker took up queued work");
	for (dev = snap->dev; dev < end; dev++)
		for (w = dev->worker; w < dev->worker + dev->nworkers; w++)
			print_runs(dev, w);
	print_unit("worker_runtime_seconds", "seconds");
	print_head("worker_runtime_seconds", "counter",
		   "CPU time used by a worker");
	for (dev = snap->dev; dev < end; dev++)
		for (w = dev->worker; w < dev->worker + dev->nworkers; w++)
			print_runtime(dev, w);
}

int cmd_metrics(const struct options *opt, int argc, char **argv)
{
	struct filter all = { .by = FILTER_NONE };
	struct snapshot snap;
	struct nl nl;
	int status;

	if (argc)
		return usage_error("metrics %s: it takes no arguments",
				   argv[0]);
	status = nl_open(&nl);
	if (status)
		return status;
	status = snapshot_take(&snap, &nl, &all);
	if (!status) {
		queue_metrics(&snap);
		device_metrics(&snap);
		puts("# EOF");
	}
	snapshot_free(&snap);
	nl_close(&nl);
	return status;
}
