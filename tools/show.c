// SPDX-License-Identifier: GPL-2.0-only
/* vhostctl show: list devices and their state. */
#include <stdio.h>
#include <string.h>

#include "device.h"
#include "out.h"
#include "state.h"

static void json_worker(struct json_object *to, const struct worker *w,
			const struct options *opt)
{
	json_u64(to, "worker", w->id);
	if (w->tid)
		json_u64(to, "tid", w->tid);
	if (!opt->stats)
		return;
	json_u64(to, "cpu", w->cpu);
	json_u64(to, "runs", w->runs);
	json_u64(to, "runtime_ns", w->runtime);
}

static void json_numbers(struct json_object *to, const char *key,
			 const struct name *names, const __u64 *value)
{
	struct json_object *o = json_object_in(to, key);

	for (; names->name; names++)
		json_u64(o, names->name, value[names->value]);
}

static void json_counters(struct json_object *to, const struct queue *q)
{
	struct json_object *o;
	unsigned int i;

	json_numbers(to, "counters", counter_names, q->counter);
	json_numbers(to, "drops", drop_names, q->drop);
	o = json_object_in(to, "batch_sizes");
	for (i = 0; i < BATCH_SIZES; i++)
		json_u64(o, batch_names[i], q->batch[i]);
}

static void json_indices(struct json_object *to, const struct queue *q)
{
	json_u64(to, "last_avail", q->last_avail);
	json_u64(to, "avail_idx", q->avail_idx);
	json_u64(to, "last_used", q->last_used);
	if (q->has_wraps) {
		json_u64(to, "avail_wrap", q->avail_wrap);
		json_u64(to, "used_wrap", q->used_wrap);
	}
	if (!q->has_addr)
		return;
	json_u64(to, "desc_addr", q->desc_addr);
	json_u64(to, "avail_addr", q->avail_addr);
	json_u64(to, "used_addr", q->used_addr);
}

static void json_queue(struct json_object *to, const struct queue *q,
		       const struct options *opt)
{
	json_u64(to, "queue", q->index);
	json_str(to, "name", q->name);
	json_u64(to, "size", q->size);
	json_str(to, "layout", q->layout);
	if (opt->numeric)
		json_u64(to, "state", q->state);
	else
		json_flags(to, "state", state_names, q->state);
	if (q->ifname[0])
		json_str(to, "ifname", q->ifname);
	if (q->ifindex)
		json_u64(to, "ifindex", q->ifindex);
	if (q->has_worker)
		json_u64(to, "worker", q->worker);
	times_json(to, &q->times);
	if (q->has_last_run)
		json_u64(to, "last_run_ms", q->last_run);
	if (opt->details)
		json_indices(to, q);
	if (opt->stats)
		json_counters(to, q);
}

static void json_features(struct json_object *to, const struct device *dev,
			  const struct options *opt)
{
	struct json_object *array = json_array_in(to, "features");

	json_bits(array, dev->features, 0, opt->numeric ? NULL : feature_name);
	json_bits(array, dev->features_hi, 64,
		  opt->numeric ? NULL : feature_name);
	array = json_array_in(to, "backend_features");
	json_bits(array, dev->backend_features, 0,
		  opt->numeric ? NULL : backend_feature_name);
}

static void json_device(struct json_object *to, const struct device *dev,
			const struct options *opt)
{
	struct json_object *array;
	unsigned int i;

	json_u64(to, "dev", dev->id);
	if (dev->has_owner) {
		if (dev->pid)
			json_u64(to, "pid", dev->pid);
		json_str(to, "comm", dev->comm);
	}
	if (dev->guest[0])
		json_str(to, "guest", dev->guest);
	json_features(to, dev, opt);
	json_u64(to, "regions", dev->regions);
	if (dev->has_iotlb)
		json_u64(to, "iotlb_entries", dev->iotlb_entries);
	if (dev->sharing)
		json_str(to, "sharing", sharing_name(dev->sharing));
	if (dev->sharing_pending)
		json_str(to, "sharing_pending",
			 sharing_name(dev->sharing_pending));
	if (dev->sharing_managed)
		json_boolean(to, "sharing_managed", true);
	array = json_array_in(to, "workers");
	for (i = 0; i < dev->nworkers; i++)
		json_worker(json_object_in(array, NULL), &dev->worker[i], opt);
	array = json_array_in(to, "queues");
	for (i = 0; i < dev->nqueues; i++)
		json_queue(json_object_in(array, NULL), &dev->queue[i], opt);
}

static int show_json(const struct snapshot *snap, const struct options *opt)
{
	struct json_object *doc = json_document();
	struct json_object *array = json_array_in(doc, "devices");
	unsigned int i;

	for (i = 0; i < snap->ndev; i++)
		json_device(json_object_in(array, NULL), &snap->dev[i], opt);
	return out_json(opt, doc);
}

/* Continue a device on a new line; with -o, on the same line. */
static void next_line(const struct options *opt, unsigned int indent)
{
	if (opt->oneline)
		fputs("\\ ", stdout);
	else
		printf("\n%*s", indent, "");
}

static void print_bits(__u64 bits, unsigned int base,
		       const char *(*name)(unsigned int bit))
{
	unsigned int i;

	for (i = 0; i < 64; i++)
		if (bits >> i & 1)
			printf(" %s", name(base + i));
}

static void print_features(const struct device *dev, const struct options *opt)
{
	next_line(opt, 4);
	printf("features 0x%llx", dev->features);
	if (dev->features_hi)
		printf(":0x%llx", dev->features_hi);
	if (!opt->numeric) {
		print_bits(dev->features, 0, feature_name);
		print_bits(dev->features_hi, 64, feature_name);
	}
	next_line(opt, 4);
	printf("backend_features 0x%llx", dev->backend_features);
	if (!opt->numeric)
		print_bits(dev->backend_features, 0, backend_feature_name);
	next_line(opt, 4);
	printf("regions %u", dev->regions);
	if (dev->has_iotlb)
		printf(" iotlb_entries %u", dev->iotlb_entries);
}

static void print_worker(const struct worker *w, const struct options *opt)
{
	next_line(opt, 4);
	printf("worker %u", w->id);
	if (w->tid)
		printf(" tid %u", w->tid);
	if (opt->stats)
		printf(" cpu %u runs %llu runtime %.3f s", w->cpu, w->runs,
		       w->runtime / 1e9);
}

/* Print the counters that are not 0; with -d, all of them. */
static void print_numbers(const struct name *names, const __u64 *value,
			  const struct options *opt)
{
	char text[NUMBER_LEN];

	for (; names->name; names++)
		if (value[names->value] || opt->details)
			printf(" %s %s", names->name,
			       format_number(text, value[names->value], true));
}

static void print_batches(const struct queue *q, const struct options *opt)
{
	bool any = false;
	unsigned int i;

	for (i = 0; i < BATCH_SIZES; i++) {
		if (!q->batch[i])
			continue;
		if (!any) {
			next_line(opt, 8);
			fputs("batches", stdout);
		}
		any = true;
		printf(" %s:%llu", batch_names[i], q->batch[i]);
	}
}

static void print_counters(const struct queue *q, const struct options *opt)
{
	next_line(opt, 8);
	fputs("counters", stdout);
	print_numbers(counter_names, q->counter, opt);
	if (queue_drops(q)) {
		next_line(opt, 8);
		printf("%sdrops", colour(COLOUR_RED));
		print_numbers(drop_names, q->drop,
			      &(struct options){ .details = false });
		fputs(colour(COLOUR_OFF), stdout);
	}
	print_batches(q, opt);
}

static void print_queue(const struct queue *q, const struct options *opt)
{
	struct queue_times times = q->times;

	next_line(opt, 4);
	printf("queue %u %s size %u %s ", q->index, q->name, q->size,
	       q->layout);
	if (opt->numeric)
		printf("state 0x%x", q->state);
	else
		print_flags(state_names, q->state);
	printf(" if %s", q->ifname[0] ? q->ifname : "-");
	if (q->has_worker)
		printf(" worker %u", q->worker);
	/* Most queues have none. */
	times.has_busyloop = times.busyloop;
	times_print(&times);
	if (opt->details) {
		if (q->has_last_run)
			printf(" last_run %.3f s ago", q->last_run / 1e3);
		next_line(opt, 8);
		printf("last_avail %u avail_idx %u last_used %u",
		       q->last_avail, q->avail_idx, q->last_used);
		if (q->has_wraps)
			printf(" wraps %u/%u", q->avail_wrap, q->used_wrap);
		if (q->has_addr)
			printf(" desc 0x%llx avail 0x%llx used 0x%llx",
			       q->desc_addr, q->avail_addr, q->used_addr);
	}
	if (opt->stats)
		print_counters(q, opt);
}

static void print_device(const struct device *dev, const struct options *opt)
{
	unsigned int i;

	printf("%s%u%s:", colour(COLOUR_BOLD), dev->id, colour(COLOUR_OFF));
	if (dev->pid)
		printf(" pid %u", dev->pid);
	if (dev->has_owner)
		printf(" (%s)", dev->comm);
	else
		fputs(" no owner", stdout);
	if (dev->guest[0])
		printf(" guest %s", dev->guest);
	if (dev->sharing_pending)
		printf(" workers to be %s",
		       sharing_name(dev->sharing_pending));
	if (dev->sharing_managed)
		fputs(" workers managed by the owner", stdout);
	if (opt->details)
		print_features(dev, opt);
	for (i = 0; i < dev->nworkers; i++)
		print_worker(&dev->worker[i], opt);
	for (i = 0; i < dev->nqueues; i++)
		print_queue(&dev->queue[i], opt);
	putchar('\n');
}

static void print_pair(const struct device *dev, unsigned int first,
		       const struct options *opt)
{
	const struct queue *pair = &dev->queue[first];
	unsigned int n = dev->nqueues - first > 1 ? 2 : 1;
	char rx[NUMBER_LEN], tx[NUMBER_LEN], drops[NUMBER_LEN], pid[NUMBER_LEN];
	const struct queue *other = &pair[n - 1];
	enum colour paint;
	const char *state = state_of(pair, n, &paint);

	format_number(rx, pair->counter[VHOST_ALT_COUNTER_PACKETS],
		      opt->numeric);
	format_number(tx, other->counter[VHOST_ALT_COUNTER_PACKETS],
		      opt->numeric);
	format_number(drops,
		      queue_drops(pair) + (n > 1 ? queue_drops(other) : 0),
		      opt->numeric);
	snprintf(pid, sizeof(pid), "%u", dev->pid);
	printf("%-6u %-15s %s%-10s%s %-8s %-15s %7s %7s %7s%s%s\n", dev->id,
	       pair->ifname[0] ? pair->ifname : *other->ifname ?
				 other->ifname : "-",
	       colour(paint), state, colour(COLOUR_OFF),
	       dev->pid ? pid : "-", dev->has_owner ? dev->comm : "-",
	       rx, tx, drops, dev->guest[0] ? "  " : "", dev->guest);
}

static bool has_guests(const struct snapshot *snap)
{
	unsigned int i;

	for (i = 0; i < snap->ndev; i++)
		if (snap->dev[i].guest[0])
			return true;
	return false;
}

static void show_text(const struct snapshot *snap, const struct options *opt)
{
	bool long_form = opt->stats || opt->details || opt->oneline;
	unsigned int i, q;

	if (snap->ndev && !long_form)
		printf("%s%-6s %-15s %-10s %-8s %-15s %7s %7s %7s%s%s\n",
		       colour(COLOUR_BOLD), "DEV", "IF", "STATE", "PID",
		       "COMMAND", "RX-PKT", "TX-PKT", "DROPS",
		       has_guests(snap) ? "  GUEST" : "",
		       colour(COLOUR_OFF));
	for (i = 0; i < snap->ndev; i++) {
		if (long_form) {
			print_device(&snap->dev[i], opt);
			continue;
		}
		for (q = 0; q < snap->dev[i].nqueues; q += 2)
			print_pair(&snap->dev[i], q, opt);
	}
}

int cmd_show(const struct options *opt, int argc, char **argv)
{
	struct snapshot snap;
	struct filter filter;
	struct nl nl;
	int status;

	status = filter_parse(&filter, argc, argv);
	if (status)
		return status;
	status = nl_open(&nl);
	if (status)
		return status;
	status = snapshot_take(&snap, &nl, &filter);
	if (!status && opt->json)
		status = show_json(&snap, opt);
	else if (!status)
		show_text(&snap, opt);
	snapshot_free(&snap);
	nl_close(&nl);
	return status;
}
