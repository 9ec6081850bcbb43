// SPDX-License-Identifier: GPL-2.0-only
/* vhostctl explain: sample a device twice and describe its problems. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose.h"
#include "out.h"
#include "rates.h"
#include "stats.h"

/*
 * Return: packets dropped because the interface's queue was full; 0 for an
 * interface that is not in this network namespace.
 */
static __u64 tap_drops(const struct queue *q)
{
	static const char fields[] = "%*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %llu";
	FILE *f = fopen("/proc/net/dev", "r");
	unsigned long long n, drops = 0;
	char line[512], *colon, *name;
	bool here;

	/* A different interface may have the same name here. */
	here = q->ifname[0] && if_nametoindex(q->ifname) == q->ifindex;
	while (f && here && fgets(line, sizeof(line), f)) {
		colon = strchr(line, ':');
		if (!colon)
			continue;
		*colon = 0;
		name = line + strspn(line, " ");
		if (!strcmp(name, q->ifname) &&
		    sscanf(colon + 1, fields, &n) == 1)
			drops = n;
	}
	if (f)
		fclose(f);
	return drops;
}

/* A device at one moment: what the module reports, and the rings */
struct device_sample {
	struct snapshot snap;
	struct queue_sample *queue;
};

static int take_sample(struct device_sample *sample, struct nl *nl, __u32 dev)
{
	struct filter filter = { .by = FILTER_DEV, .number = dev };
	struct queue_sample *q;
	unsigned int i;
	int status;

	status = snapshot_take(&sample->snap, nl, &filter);
	if (status)
		return status;
	if (!sample->snap.ndev)
		return nl_error(nl, -ENODEV, "device %u", dev);
	sample->queue = calloc(sample->snap.nqueue, sizeof(*sample->queue));
	if (!sample->queue)
		return kernel_error("out of memory");
	for (i = 0; i < sample->snap.dev->nqueues; i++) {
		q = &sample->queue[i];
		q->queue = &sample->snap.dev->queue[i];
		q->tap_drops = tap_drops(q->queue);
		q->ring_err = ring_get(&q->ring, nl, dev,
				       q->queue->index, 1);
	}
	return 0;
}

static void free_sample(struct device_sample *sample)
{
	snapshot_free(&sample->snap);
	free(sample->queue);
}

static bool may_read_rings(const struct device_sample *sample)
{
	unsigned int i;

	for (i = 0; i < sample->snap.dev->nqueues; i++)
		if (sample->queue[i].ring_err == -EPERM)
			return false;
	return true;
}

static int findings_json(const struct diagnosis *d, const struct options *opt)
{
	struct json_object *doc = json_object_new_object();
	struct json_object *array, *o;
	unsigned int i;

	json_u64(doc, "dev", d->now->id);
	json_real(doc, "seconds", d->seconds);
	array = json_array_in(doc, "findings");
	for (i = 0; i < d->n; i++) {
		o = json_object_in(array, NULL);
		if (d->finding[i].queue) {
			json_u64(o, "queue", d->finding[i].queue->index);
			json_str(o, "name", d->finding[i].queue->name);
		}
		json_str(o, "problem", d->finding[i].problem);
		json_boolean(o, "now", d->finding[i].now);
		json_str(o, "text", d->finding[i].text);
	}
	return out_json(opt, doc);
}

static void print_findings(const struct diagnosis *d, bool now)
{
	const struct finding *f;

	for (f = d->finding; f < d->finding + d->n; f++) {
		if (f->now != now)
			continue;
		printf("%s%u%s%s:%s %s%s\n", colour(now ? COLOUR_RED :
							  COLOUR_BOLD),
		       d->now->id, f->queue ? " " : "",
		       f->queue ? f->queue->name : "", colour(COLOUR_OFF),
		       now ? "" : "earlier: ", f->text);
	}
}

static void findings_text(const struct diagnosis *d)
{
	unsigned int i, wrong = 0;
	__u64 packets = 0;

	for (i = 0; i < d->n; i++)
		wrong += d->finding[i].now;
	print_findings(d, true);
	for (i = 0; i < d->now->nqueues && i < d->before->nqueues; i++)
		packets += counter_delta(&d->before->queue[i],
					 &d->now->queue[i],
					 VHOST_ALT_COUNTER_PACKETS);
	if (!wrong && packets)
		printf("%u: no problem found; %llu packets in %.1f s\n",
		       d->now->id, packets, d->seconds);
	else if (!wrong)
		printf("%u: no problem found, and no traffic\n", d->now->id);
	print_findings(d, false);
}

static int report(const struct device_sample *before,
		  const struct device_sample *now, const struct options *opt)
{
	struct diagnosis *d = calloc(1, sizeof(*d));
	unsigned int i;

	if (!d)
		return kernel_error("out of memory");
	d->before = before->snap.dev;
	d->now = now->snap.dev;
	d->seconds = now->snap.seconds - before->snap.seconds;
	if (!may_read_rings(now))
		fputs("vhostctl: rings not examined without CAP_NET_ADMIN: try sudo\n",
		      stderr);
	if (diagnose_device(d))
		for (i = 0; i < d->now->nqueues && i < d->before->nqueues; i++)
			diagnose_queue(d, &before->queue[i], &now->queue[i]);
	if (opt->json)
		findings_json(d, opt);
	else
		findings_text(d);
	free(d);
	return EXIT_OK;
}

int cmd_explain(const struct options *opt, int argc, char **argv)
{
	struct device_sample before = { 0 }, now = { 0 };
	struct nl nl;
	int status;
	__u32 dev;

	if (argc != 1)
		return usage_error("explain: expected ID");
	status = parse_dev_id(argv[0], &dev);
	if (!status)
		status = nl_open(&nl);
	if (status)
		return status;
	status = take_sample(&before, &nl, dev);
	if (!status) {
		stats_sleep(opt->interval);
		status = take_sample(&now, &nl, dev);
	}
	if (!status)
		status = report(&before, &now, opt);
	free_sample(&before);
	free_sample(&now);
	nl_close(&nl);
	return status;
}
