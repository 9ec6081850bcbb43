// SPDX-License-Identifier: GPL-2.0-only
/* vhostctl explain: two looks at a device, and what they tell in words. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose.h"
#include "out.h"
#include "rates.h"
#include "stats.h"

/*
 * Packets that an interface had no room for, as this network namespace counts
 * them: 0 for one that is not here.
 */
static __u64 tap_drops(const struct queue *q)
{
	static const char fields[] = "%*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %llu";
	FILE *f = fopen("/proc/net/dev", "r");
	unsigned long long n, drops = 0;
	char line[512], *colon, *name;
	bool here;

	/* Another interface may have the same name here. */
	here = q->ifname[0] && if_nametoindex(q->ifname) == q->ifindex;
	while (f && here && fgets(line, sizeof(line), f)) {
		colon = strchr(line, ':');
		if (!colon)
			continue;
		*colon = 0;
		name = line + strspn(line, " ");
		if (!strcmp(name, q->ifname) && sscanf(colon + 1, fields, &n) == 1)
			drops = n;
	}
	if (f)
		fclose(f);
	return drops;
}

/* One look at a device: what the module says, and the rings. */
struct view {
	struct snapshot snap;
	struct look *look;
};

static int view_take(struct view *view, struct nl *nl, __u32 dev)
{
	struct filter filter = { .by = FILTER_DEV, .number = dev };
	struct look *look;
	unsigned int i;
	int status;

	status = snapshot_take(&view->snap, nl, &filter);
	if (status)
		return status;
	if (!view->snap.ndev)
		return nl_refused(nl, -ENODEV, "device %u", dev);
	view->look = calloc(view->snap.nqueue, sizeof(*view->look));
	if (!view->look)
		return kernel_error("no memory");
	for (i = 0; i < view->snap.dev->nqueues; i++) {
		look = &view->look[i];
		look->queue = &view->snap.dev->queue[i];
		look->tap_drops = tap_drops(look->queue);
		look->ring_err = ring_get(&look->ring, nl, dev,
					  look->queue->index, 1);
	}
	return 0;
}

static void view_free(struct view *view)
{
	snapshot_free(&view->snap);
	free(view->look);
}

static bool may_read_rings(const struct view *view)
{
	unsigned int i;

	for (i = 0; i < view->snap.dev->nqueues; i++)
		if (view->look[i].ring_err == -EPERM)
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
		json_truth(o, "now", d->finding[i].now);
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
		printf("%u: nothing is wrong; %llu packets in %.1f s\n",
		       d->now->id, packets, d->seconds);
	else if (!wrong)
		printf("%u: nothing is wrong, and no packets come or go\n",
		       d->now->id);
	print_findings(d, false);
}

static int conclude(const struct view *before, const struct view *now,
		    const struct options *opt)
{
	struct diagnosis *d = calloc(1, sizeof(*d));
	unsigned int i;

	if (!d)
		return kernel_error("no memory");
	d->before = before->snap.dev;
	d->now = now->snap.dev;
	d->seconds = now->snap.seconds - before->snap.seconds;
	if (!may_read_rings(now))
		fputs("vhostctl: without CAP_NET_ADMIN the rings are not looked at: try sudo\n",
		      stderr);
	if (diagnose_device(d))
		for (i = 0; i < d->now->nqueues && i < d->before->nqueues; i++)
			diagnose_queue(d, &before->look[i], &now->look[i]);
	if (opt->json)
		findings_json(d, opt);
	else
		findings_text(d);
	free(d);
	return EXIT_OK;
}

int cmd_explain(const struct options *opt, int argc, char **argv)
{
	struct view before = { 0 }, now = { 0 };
	struct nl nl;
	int status;
	__u32 dev;

	if (argc != 1)
		return usage_error("explain: expected ID");
	if (!parse_u32(argv[0], &dev))
		return usage_error("explain %s: not the number of a device",
				   argv[0]);
	status = nl_open(&nl);
	if (status)
		return status;
	status = view_take(&before, &nl, dev);
	if (!status) {
		stats_sleep(opt->interval);
		status = view_take(&now, &nl, dev);
	}
	if (!status)
		status = conclude(&before, &now, opt);
	view_free(&before);
	view_free(&now);
	nl_close(&nl);
	return status;
}
