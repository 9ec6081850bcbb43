// SPDX-License-Identifier: GPL-2.0-only
/*
 * vhostctl metrics: print the text format of Prometheus, which node_exporter
 * reads, or OpenMetrics text. They differ in the names of counters' families,
 * in the units, and in the end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "guest.h"
#include "names.h"

#define PREFIX		"vhost_alt_"

/**
 * struct metrics - what is printed, and how
 * @snap: all devices
 * @guest: the name of each device's guest, in the order of @snap
 * @openmetrics: print OpenMetrics text
 */
struct metrics {
	struct snapshot snap;
	char (*guest)[GUEST_NAME_LEN];
	bool openmetrics;
};

/* A queue to print a sample of, and what the caller of each_queue() passed */
struct sample {
	const struct queue *q;
	const char *guest;
	const void *what;
};

/* nl_string() and guest_name() have replaced all other special characters. */
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

static void print_queue_labels(const struct sample *s)
{
	printf("dev=\"%u\",", s->q->dev);
	print_label("queue", s->q->name);
	putchar(',');
	print_label("ifname", s->q->ifname);
	putchar(',');
	print_label("guest", s->guest);
}

/* Each family has a unit in OpenMetrics only; NULL: it has none. */
static void print_head(const struct metrics *m, const char *name,
		       const char *type, const char *unit, const char *help)
{
	const char *suffix = "";

	if (!m->openmetrics && !strcmp(type, "counter"))
		suffix = "_total";
	printf("# HELP " PREFIX "%s%s %s.\n", name, suffix, help);
	printf("# TYPE " PREFIX "%s%s %s\n", name, suffix, type);
	if (m->openmetrics && unit)
		printf("# UNIT " PREFIX "%s %s\n", name, unit);
}

/* Call @print for each queue of each device. */
static void each_queue(const struct metrics *m,
		       void (*print)(const struct sample *s), const void *what)
{
	unsigned int i, q;

	for (i = 0; i < m->snap.ndev; i++) {
		struct sample s = { .guest = m->guest[i], .what = what };

		for (q = 0; q < m->snap.dev[i].nqueues; q++) {
			s.q = &m->snap.dev[i].queue[q];
			print(&s);
		}
	}
}

static void print_counter(const struct sample *s)
{
	const struct name *counter = s->what;

	printf(PREFIX "%s_total{", counter->name);
	print_queue_labels(s);
	printf("} %llu\n", s->q->counter[counter->value]);
}

/* By convention, Prometheus has times in seconds. */
static void print_busy(const struct sample *s)
{
	printf(PREFIX "busy_seconds_total{");
	print_queue_labels(s);
	printf("} %.9f\n", s->q->counter[VHOST_ALT_COUNTER_BUSY_NS] / 1e9);
}

static void print_drops(const struct sample *s)
{
	const struct name *reason;

	for (reason = drop_names; reason->name; reason++) {
		printf(PREFIX "drops_total{");
		print_queue_labels(s);
		printf(",reason=\"%s\"} %llu\n", reason->name,
		       s->q->drop[reason->value]);
	}
}

/* No histogram: that has a sum, which would be one of chains. */
static void print_batches(const struct sample *s)
{
	unsigned int i;

	for (i = 0; i < BATCH_SIZES; i++) {
		printf(PREFIX "batch_sizes_total{");
		print_queue_labels(s);
		printf(",chains=\"%s\"} %llu\n", batch_names[i],
		       s->q->batch[i]);
	}
}

static void print_state(const struct sample *s)
{
	const __u32 *bit = s->what;

	printf(PREFIX "queue_%s{", name_of(state_names, *bit));
	print_queue_labels(s);
	printf("} %d\n", !!(s->q->state & *bit));
}

static void print_size(const struct sample *s)
{
	printf(PREFIX "queue_size{");
	print_queue_labels(s);
	printf("} %u\n", s->q->size);
}

static void counter_metrics(const struct metrics *m)
{
	const struct name *counter;

	for (counter = counter_names; counter->name; counter++) {
		if (counter->value == VHOST_ALT_COUNTER_BUSY_NS)
			continue;
		print_head(m, counter->name, "counter", NULL, counter->what);
		each_queue(m, print_counter, counter);
	}
	print_head(m, "busy_seconds", "counter", "seconds",
		   "Time spent busy polling");
	each_queue(m, print_busy, NULL);
	print_head(m, "drops", "counter", NULL, "Packets dropped, by reason");
	each_queue(m, print_drops, NULL);
	print_head(m, "batch_sizes", "counter", NULL,
		   "Batches, by the number of their chains");
	each_queue(m, print_batches, NULL);
}

static void queue_metrics(const struct metrics *m)
{
	static const __u32 running = VHOST_ALT_QUEUE_RUNNING;
	static const __u32 broken = VHOST_ALT_QUEUE_BROKEN;
	static const __u32 faulted = VHOST_ALT_QUEUE_FAULTED;

	print_head(m, "queue_running", "gauge", NULL,
		   "Whether the queue has a backend");
	each_queue(m, print_state, &running);
	print_head(m, "queue_broken", "gauge", NULL,
		   "Whether the queue stopped because of a ring error");
	each_queue(m, print_state, &broken);
	print_head(m, "queue_faulted", "gauge", NULL,
		   "Whether the queue waits for the memory of its ring or log");
	each_queue(m, print_state, &faulted);
	print_head(m, "queue_size", "gauge", NULL, "Entries in the ring");
	each_queue(m, print_size, NULL);
}

/* Call @print for each worker of each device. */
static void each_worker(const struct metrics *m, const char *name,
			void (*print)(const struct worker *w))
{
	const struct device *dev;
	const struct worker *w;
	unsigned int i;

	for (i = 0; i < m->snap.ndev; i++) {
		dev = &m->snap.dev[i];
		for (w = dev->worker; w < dev->worker + dev->nworkers; w++) {
			printf(PREFIX "%s_total{dev=\"%u\",worker=\"%u\",",
			       name, dev->id, w->id);
			print_label("guest", m->guest[i]);
			fputs("} ", stdout);
			print(w);
		}
	}
}

static void print_runs(const struct worker *w)
{
	printf("%llu\n", w->runs);
}

static void print_runtime(const struct worker *w)
{
	printf("%.9f\n", w->runtime / 1e9);
}

static void print_info(const struct device *dev, const char *guest)
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
	putchar(',');
	print_label("guest", guest);
	puts("} 1");
}

static void device_metrics(const struct metrics *m)
{
	unsigned int i;

	/* Not of type info: node_exporter's parser does not know that. */
	print_head(m, "device_info", "gauge", NULL, "A device and its owner");
	for (i = 0; i < m->snap.ndev; i++)
		print_info(&m->snap.dev[i], m->guest[i]);
	print_head(m, "regions", "gauge", NULL, "Regions in the memory table");
	for (i = 0; i < m->snap.ndev; i++) {
		printf(PREFIX "regions{dev=\"%u\",", m->snap.dev[i].id);
		print_label("guest", m->guest[i]);
		printf("} %u\n", m->snap.dev[i].regions);
	}
	print_head(m, "worker_runs", "counter", NULL,
		   "Times a worker took up queued work");
	each_worker(m, "worker_runs", print_runs);
	print_head(m, "worker_runtime_seconds", "counter", "seconds",
		   "CPU time used by a worker");
	each_worker(m, "worker_runtime_seconds", print_runtime);
}

/* A guest has the name of QEMU's option or else of its owner's command. */
static bool name_guests(struct metrics *m)
{
	const struct device *dev;
	unsigned int i;

	m->guest = calloc(m->snap.ndev + 1, sizeof(*m->guest));
	for (i = 0; m->guest && i < m->snap.ndev; i++) {
		dev = &m->snap.dev[i];
		if (dev->pid && guest_name_option(dev->pid, m->guest[i],
						  GUEST_NAME_LEN))
			continue;
		snprintf(m->guest[i], GUEST_NAME_LEN, "%s", dev->comm);
	}
	return m->guest;
}

int cmd_metrics(const struct options *opt, int argc, char **argv)
{
	struct metrics m = { .openmetrics = opt->openmetrics };
	struct filter all = { .by = FILTER_NONE };
	struct nl nl;
	int status;

	if (argc)
		return usage_error("metrics %s: it takes no arguments",
				   argv[0]);
	status = nl_open(&nl);
	if (status)
		return status;
	status = snapshot_take(&m.snap, &nl, &all);
	if (!status && !name_guests(&m))
		status = kernel_error("out of memory");
	if (!status) {
		counter_metrics(&m);
		queue_metrics(&m);
		device_metrics(&m);
		if (m.openmetrics)
			puts("# EOF");
	}
	free(m.guest);
	snapshot_free(&m.snap);
	nl_close(&nl);
	return status;
}
