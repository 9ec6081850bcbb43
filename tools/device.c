// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "device.h"

/* Attempts at reading a list that changes while it is read */
#define MAX_TRIES		20

static const struct {
	const char *word;
	int by;
} selectors[] = {
	{ "dev", FILTER_DEV },
	{ "pid", FILTER_PID },
	{ "ifname", FILTER_IFNAME },
	{ "guest", FILTER_GUEST },
};

static int parse_pair(struct filter *filter, const char *word,
		      const char *value)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(selectors); i++)
		if (!strcmp(word, selectors[i].word))
			filter->by = selectors[i].by;
	if (filter->by == FILTER_NONE)
		return usage_error("unknown selector '%s': expected dev, pid, ifname or guest",
				   word);
	filter->name = value;
	if ((filter->by == FILTER_DEV || filter->by == FILTER_PID) &&
	    !parse_u32(value, &filter->number))
		return usage_error("invalid value '%s' for %s: expected a number",
				   value, word);
	return EXIT_OK;
}

int filter_words(int argc, char **argv)
{
	unsigned int i;

	for (i = 0; argc > 1 && i < ARRAY_SIZE(selectors); i++)
		if (!strcmp(argv[0], selectors[i].word))
			return 2;
	return argc > 0;
}

int filter_parse(struct filter *filter, int argc, char **argv)
{
	memset(filter, 0, sizeof(*filter));
	if (!argc)
		return EXIT_OK;
	if (argc == 2)
		return parse_pair(filter, argv[0], argv[1]);
	if (argc > 2)
		return usage_error("unexpected argument '%s' after a selector",
				   argv[2]);
	filter->name = argv[0];
	filter->by = parse_u32(argv[0], &filter->number) ? FILTER_DEV :
							   FILTER_IFNAME;
	return EXIT_OK;
}

/* Return: the exit status for a selector that selects nothing. */
static int nothing_selected(const struct filter *filter)
{
	switch (filter->by) {
	case FILTER_NONE:
		return EXIT_OK;
	case FILTER_DEV:
		return kernel_error("device %u: no such device; vhostctl show lists the devices",
				    filter->number);
	case FILTER_PID:
		return kernel_error("process %u: owns no device; vhostctl show lists the owners",
				    filter->number);
	case FILTER_IFNAME:
		return kernel_error("interface %s: no device uses it; vhostctl show lists them",
				    filter->name);
	default:
		return kernel_error("guest %s: no device's owner runs it; see vhostctl show",
				    filter->name);
	}
}

static void read_worker_attr(const struct nlattr *attr, void *data)
{
	struct worker *w = data;

	switch (mnl_attr_get_type(attr)) {
	case VHOST_ALT_WORKER_ID:
		w->id = nl_u32(attr);
		break;
	case VHOST_ALT_WORKER_TID:
		w->tid = nl_u32(attr);
		break;
	case VHOST_ALT_WORKER_CPU:
		w->cpu = nl_u32(attr);
		break;
	case VHOST_ALT_WORKER_RUNS:
		w->runs = nl_u64(attr);
		break;
	case VHOST_ALT_WORKER_RUNTIME:
		w->runtime = nl_u64(attr);
		break;
	}
}

const char *sharing_name(__u32 workers)
{
	return workers > 1 ? "split" : "shared";
}

static void read_worker(struct device *dev, const struct nlattr *attr)
{
	if (dev->nworkers == MAX_WORKERS)
		return;
	nl_each_nested(attr, read_worker_attr, &dev->worker[dev->nworkers++]);
}

static void read_device_attr(const struct nlattr *attr, void *data)
{
	struct device *dev = data;

	switch (mnl_attr_get_type(attr)) {
	case VHOST_ALT_A_DEV_ID:
		dev->id = nl_u32(attr);
		break;
	case VHOST_ALT_A_PID:
		dev->pid = nl_u32(attr);
		break;
	case VHOST_ALT_A_COMM:
		nl_string(attr, dev->comm, sizeof(dev->comm));
		dev->has_owner = true;
		break;
	case VHOST_ALT_A_FEATURES:
		dev->features = nl_u64(attr);
		break;
	case VHOST_ALT_A_FEATURES_HI:
		dev->features_hi = nl_u64(attr);
		break;
	case VHOST_ALT_A_BACKEND_FEATURES:
		dev->backend_features = nl_u64(attr);
		break;
	case VHOST_ALT_A_REGIONS:
		dev->regions = nl_u32(attr);
		break;
	case VHOST_ALT_A_IOTLB_ENTRIES:
		dev->iotlb_entries = nl_u32(attr);
		dev->has_iotlb = true;
		break;
	case VHOST_ALT_A_WORKERS:
		dev->sharing = nl_u32(attr);
		break;
	case VHOST_ALT_A_WORKERS_PENDING:
		dev->sharing_pending = nl_u32(attr);
		break;
	case VHOST_ALT_A_WORKERS_MANAGED:
		dev->sharing_managed = true;
		break;
	case VHOST_ALT_A_WORKER:
		read_worker(dev, attr);
		break;
	}
}

/* Destination of a nest of numbers: value[attribute type] */
struct value_array {
	__u64 *value;
	unsigned int n;
};

static void read_number(const struct nlattr *attr, void *data)
{
	struct value_array *to = data;
	unsigned int type = mnl_attr_get_type(attr);

	/* A newer module may have counters unknown here. */
	if (type < to->n)
		to->value[type] = nl_u64(attr);
}

static void read_numbers(const struct nlattr *nest, __u64 *value,
			 unsigned int n)
{
	nl_each_nested(nest, read_number,
		       &(struct value_array){ .value = value, .n = n });
}

/* Attribute types start at 1. */
static void read_batches(const struct nlattr *nest, struct queue *q)
{
	__u64 value[BATCH_SIZES + 1] = { 0 };

	read_numbers(nest, value, ARRAY_SIZE(value));
	memcpy(q->batch, value + 1, sizeof(q->batch));
}

static void read_address(const struct nlattr *attr, struct queue *q,
			 __u64 *value)
{
	*value = nl_u64(attr);
	q->has_addr = true;
}

static void read_queue_state(const struct nlattr *attr, struct queue *q)
{
	switch (mnl_attr_get_type(attr)) {
	case VHOST_ALT_A_LAST_AVAIL:
		q->last_avail = nl_u32(attr);
		break;
	case VHOST_ALT_A_AVAIL_IDX:
		q->avail_idx = nl_u32(attr);
		break;
	case VHOST_ALT_A_LAST_USED:
		q->last_used = nl_u32(attr);
		break;
	case VHOST_ALT_A_AVAIL_WRAP:
		q->avail_wrap = nl_u32(attr);
		q->has_wraps = true;
		break;
	case VHOST_ALT_A_USED_WRAP:
		q->used_wrap = nl_u32(attr);
		break;
	case VHOST_ALT_A_DESC_ADDR:
		read_address(attr, q, &q->desc_addr);
		break;
	case VHOST_ALT_A_AVAIL_ADDR:
		read_address(attr, q, &q->avail_addr);
		break;
	case VHOST_ALT_A_USED_ADDR:
		read_address(attr, q, &q->used_addr);
		break;
	case VHOST_ALT_A_COUNTERS:
		read_numbers(attr, q->counter, ARRAY_SIZE(q->counter));
		break;
	case VHOST_ALT_A_DROPS:
		read_numbers(attr, q->drop, ARRAY_SIZE(q->drop));
		break;
	case VHOST_ALT_A_BATCH_SIZES:
		read_batches(attr, q);
		break;
	}
}

void queue_read(const struct nlattr *attr, struct queue *q)
{
	switch (mnl_attr_get_type(attr)) {
	case VHOST_ALT_A_DEV_ID:
		q->dev = nl_u32(attr);
		break;
	case VHOST_ALT_A_QUEUE:
		q->index = nl_u32(attr);
		break;
	case VHOST_ALT_A_QUEUE_NAME:
		nl_string(attr, q->name, sizeof(q->name));
		break;
	case VHOST_ALT_A_SIZE:
		q->size = nl_u32(attr);
		break;
	case VHOST_ALT_A_LAYOUT:
		nl_string(attr, q->layout, sizeof(q->layout));
		break;
	case VHOST_ALT_A_STATE:
		q->state = nl_u32(attr);
		break;
	case VHOST_ALT_A_IFNAME:
		nl_string(attr, q->ifname, sizeof(q->ifname));
		break;
	case VHOST_ALT_A_IFINDEX:
		q->ifindex = nl_u32(attr);
		break;
	case VHOST_ALT_A_WORKER_ID:
		q->worker = nl_u32(attr);
		q->has_worker = true;
		break;
	case VHOST_ALT_A_LAST_RUN:
		q->last_run = nl_u64(attr);
		q->has_last_run = true;
		break;
	default:
		times_read(attr, &q->times);
		read_queue_state(attr, q);
	}
}

static void read_queue_attr(const struct nlattr *attr, void *data)
{
	queue_read(attr, data);
}

/* Append a zeroed element to an array. Return: it, NULL without memory. */
static void *append_zeroed(void **array, unsigned int *n, size_t size)
{
	void *bigger;
	char *last;

	/* The capacity is the next power of two, so a power of two is full. */
	if (!(*n & (*n - 1))) {
		bigger = realloc(*array, (*n ? *n * 2 : 1) * size);
		if (!bigger)
			return NULL;
		*array = bigger;
	}
	last = (char *)*array + (*n)++ * size;
	return memset(last, 0, size);
}

static int on_device(const struct nlmsghdr *msg, void *data)
{
	struct snapshot *snap = data;
	struct device *dev;

	dev = append_zeroed((void **)&snap->dev, &snap->ndev, sizeof(*dev));
	if (!dev)
		return MNL_CB_ERROR;
	nl_each(msg, read_device_attr, dev);
	guest_name_option(dev->pid, dev->guest, sizeof(dev->guest));
	return MNL_CB_OK;
}

static int on_queue(const struct nlmsghdr *msg, void *data)
{
	struct snapshot *snap = data;
	struct queue *q;

	q = append_zeroed((void **)&snap->queue, &snap->nqueue, sizeof(*q));
	if (!q)
		return MNL_CB_ERROR;
	nl_each(msg, read_queue_attr, q);
	return MNL_CB_OK;
}

static int by_device(const void *a, const void *b)
{
	const struct device *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static int by_queue(const void *a, const void *b)
{
	const struct queue *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static bool filter_match(const struct filter *filter, const struct device *dev)
{
	unsigned int i;

	switch (filter->by) {
	case FILTER_DEV:
		return dev->id == filter->number;
	case FILTER_PID:
		return dev->pid && dev->pid == filter->number;
	case FILTER_IFNAME:
		for (i = 0; i < dev->nqueues; i++)
			if (!strcmp(dev->queue[i].ifname, filter->name))
				return true;
		return false;
	case FILTER_GUEST:
		return !strcmp(dev->guest, filter->name);
	default:
		return true;
	}
}

/*
 * Assign queues to their devices, and drop devices that the filter excludes.
 * Devices are dumped before queues: a device without queues was closed in
 * between, a queue without a device was opened in between.
 */
static void assign_queues(struct snapshot *snap, const struct filter *filter)
{
	unsigned int i, q = 0, n = 0;
	struct device *dev;

	qsort(snap->dev, snap->ndev, sizeof(*snap->dev), by_device);
	qsort(snap->queue, snap->nqueue, sizeof(*snap->queue), by_queue);
	for (i = 0; i < snap->ndev; i++) {
		dev = &snap->dev[i];
		while (q < snap->nqueue && snap->queue[q].dev < dev->id)
			q++;
		dev->queue = &snap->queue[q];
		while (q < snap->nqueue && snap->queue[q].dev == dev->id) {
			dev->nqueues++;
			q++;
		}
		if (dev->nqueues && filter_match(filter, dev))
			snap->dev[n++] = *dev;
	}
	snap->ndev = n;
}

static int try_snapshot(struct snapshot *snap, struct nl *nl,
			const struct filter *filter)
{
	bool one = filter->by == FILTER_DEV;
	struct nl_query query = {
		.command = VHOST_ALT_CMD_DEV_GET,
		.dump = !one,
		.dev = one ? filter->number : NL_NONE,
		.queue = NL_NONE,
		.count = NL_NONE,
	};
	bool interrupted;
	int err;

	err = nl_request(nl, &query, on_device, snap);
	if (err)
		return err;
	interrupted = nl->interrupted;
	query.command = VHOST_ALT_CMD_QUEUE_GET;
	query.dump = true;
	err = nl_request(nl, &query, on_queue, snap);
	if (err)
		return err;
	return interrupted || nl->interrupted ? -EAGAIN : 0;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

int snapshot_take(struct snapshot *snap, struct nl *nl,
		  const struct filter *filter)
{
	unsigned int i;
	int err = 0;

	memset(snap, 0, sizeof(*snap));
	for (i = 0; i < MAX_TRIES; i++) {
		snapshot_free(snap);
		err = try_snapshot(snap, nl, filter);
		if (err != -EAGAIN)
			break;
	}
	snap->seconds = now();
	if (err == -EAGAIN)
		fputs("vhostctl: devices keep coming and going; the list may be incomplete\n",
		      stderr);
	else if (err && filter->by == FILTER_DEV)
		return nl_error(nl, err, "device %u", filter->number);
	else if (err)
		return nl_error(nl, err, "list of devices");
	assign_queues(snap, filter);
	return snap->ndev ? EXIT_OK : nothing_selected(filter);
}

int device_select(__u32 *id, struct nl *nl, char *selector)
{
	struct snapshot snap = { 0 };
	struct filter filter;
	int status;

	status = filter_parse(&filter, 1, &selector);
	*id = filter.number;
	if (status || filter.by == FILTER_DEV)
		return status;
	status = snapshot_take(&snap, nl, &filter);
	if (!status && snap.ndev > 1)
		status = usage_error("interface %s: used by %u devices: give a number",
				     selector, snap.ndev);
	else if (!status)
		*id = snap.dev->id;
	snapshot_free(&snap);
	return status;
}

void snapshot_free(struct snapshot *snap)
{
	free(snap->dev);
	free(snap->queue);
	memset(snap, 0, sizeof(*snap));
}

const struct queue *snapshot_queue(const struct snapshot *snap, __u32 dev,
				   __u32 index)
{
	struct queue key = { .dev = dev, .index = index };

	return snap->nqueue ? bsearch(&key, snap->queue, snap->nqueue,
				      sizeof(key), by_queue) : NULL;
}

const struct device *snapshot_device(const struct snapshot *snap, __u32 dev)
{
	unsigned int i;

	for (i = 0; i < snap->ndev; i++)
		if (snap->dev[i].id == dev)
			return &snap->dev[i];
	return NULL;
}

const struct worker *device_worker(const struct device *dev, __u32 id)
{
	unsigned int i;

	for (i = 0; i < dev->nworkers; i++)
		if (dev->worker[i].id == id)
			return &dev->worker[i];
	return NULL;
}

const char *device_ifname(const struct device *dev)
{
	unsigned int i;

	for (i = 0; i < dev->nqueues; i++)
		if (dev->queue[i].ifname[0])
			return dev->queue[i].ifname;
	return "";
}

__u64 queue_drops(const struct queue *queue)
{
	__u64 sum = 0;
	unsigned int i;

	for (i = 0; i <= VHOST_ALT_DROP_MAX; i++)
		sum += queue->drop[i];
	return sum;
}
