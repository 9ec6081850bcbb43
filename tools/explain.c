// SPDX-License-Identifier: GPL-2.0-only
/* vhostctl explain: sample devices twice and describe their problems. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "diagnose.h"
#include "out.h"
#include "stats.h"

/* What could not be looked at, and why */
struct gap {
	const char *what;
	const char *why;
};

#define MAX_GAPS	8

static unsigned int find_gaps(const struct diagnosis *d, struct gap *gap)
{
	const struct device_sample *s = d->now;
	unsigned int i, n = 0;
	int err = 0;

	for (i = 0; i < s->dev->nqueues; i++)
		if (s->queue[i].ring_err == -EPERM ||
		    s->queue[i].ring_err == -EBUSY)
			err = s->queue[i].ring_err;
	if (err)
		gap[n++] = (struct gap){ "rings", err == -EPERM ?
			"it requires CAP_NET_ADMIN: try sudo" :
			"a command of the owner is in progress" };
	if (s->link.why && device_ifname(s->dev)[0])
		gap[n++] = (struct gap){ "interface", s->link.why };
	if (s->tap.why && device_ifname(s->dev)[0])
		gap[n++] = (struct gap){ "tap's queues", s->tap.why };
	if (s->owner.why && s->dev->has_owner)
		gap[n++] = (struct gap){ "owner", s->owner.why };
	if (d->memory && d->memory->why)
		gap[n++] = (struct gap){ "NUMA nodes of the memory",
					 d->memory->why };
	if (s->dev->nworkers && s->worker[0].why)
		gap[n++] = (struct gap){ "scheduling", s->worker[0].why };
	else if (s->dev->nworkers && s->cgroup.why)
		gap[n++] = (struct gap){ "CPU limits", s->cgroup.why };
	return n;
}

static void findings_json(const struct diagnosis *d, struct json_object *doc)
{
	struct gap gap[MAX_GAPS];
	struct json_object *array, *o;
	unsigned int i, n;

	json_u64(doc, "dev", d->now->dev->id);
	if (d->now->dev->guest[0])
		json_str(doc, "guest", d->now->dev->guest);
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
	array = json_array_in(doc, "not_examined");
	n = find_gaps(d, gap);
	for (i = 0; i < n; i++) {
		o = json_object_in(array, NULL);
		json_str(o, "what", gap[i].what);
		json_str(o, "why", gap[i].why);
	}
}

static unsigned int print_findings(const struct diagnosis *d, bool now)
{
	const struct finding *f;
	unsigned int n = 0;

	for (f = d->finding; f < d->finding + d->n; f++) {
		if (f->now != now)
			continue;
		n++;
		printf("%s%u%s%s:%s %s%s\n", colour(now ? COLOUR_RED :
							  COLOUR_BOLD),
		       d->now->dev->id, f->queue ? " " : "",
		       f->queue ? f->queue->name : "", colour(COLOUR_OFF),
		       now ? "" : "earlier: ", f->text);
	}
	return n;
}

static void findings_text(const struct diagnosis *d)
{
	__u64 packets = delta_of_all(d, true, VHOST_ALT_COUNTER_PACKETS) +
			delta_of_all(d, false, VHOST_ALT_COUNTER_PACKETS);
	__u32 id = d->now->dev->id;
	struct gap gap[MAX_GAPS];
	unsigned int i, n;

	n = print_findings(d, true);
	if (!n && packets)
		printf("%u: no problem found; %llu packets in %.1f s\n",
		       id, packets, d->seconds);
	else if (!n)
		printf("%u: no problem found, and no traffic\n", id);
	print_findings(d, false);
	n = find_gaps(d, gap);
	for (i = 0; i < n; i++)
		printf("%u: not looked at: %s, because %s\n", id, gap[i].what,
		       gap[i].why);
}

static bool has_problem(const struct diagnosis *d)
{
	unsigned int i;

	for (i = 0; i < d->n; i++)
		if (d->finding[i].now)
			return true;
	return false;
}

/*
 * Diagnose a device of the second sample. Return: true if it has a problem now.
 */
static bool report(struct diagnosis *d, const struct device_sample *now,
		   struct json_object *array)
{
	*d = (struct diagnosis){
		.first = d->first,
		.last = d->last,
		.before = sample_device(d->first, now->dev->id),
		.now = now,
		.memory = sample_memory(d->first, now->dev->pid),
		.seconds = d->last->snap.seconds - d->first->snap.seconds,
	};
	/* It was opened in between. */
	if (!d->before)
		return false;
	diagnose(d);
	if (array)
		findings_json(d, json_object_in(array, NULL));
	else
		findings_text(d);
	return has_problem(d);
}

/* Return: EXIT_FINDINGS if there is a problem now, or else 0 or an error. */
static int report_all(const struct sample *first, const struct sample *last,
		      struct json_object *array)
{
	struct diagnosis *d = calloc(1, sizeof(*d));
	bool any = false;
	unsigned int i;

	if (!d)
		return kernel_error("out of memory");
	d->first = first;
	d->last = last;
	for (i = 0; i < last->snap.ndev; i++)
		any |= report(d, &last->dev[i], array);
	free(d);
	return any ? EXIT_FINDINGS : EXIT_OK;
}

static int explain(const struct sample *first, const struct sample *last,
		   const struct options *opt)
{
	struct json_object *doc;
	int status;

	if (opt->json) {
		doc = json_document();
		status = report_all(first, last, json_array_in(doc, "devices"));
		out_json(opt, doc);
	} else {
		print_timestamp(opt, "\n");
		status = report_all(first, last, NULL);
	}
	if (status == EXIT_FINDINGS && !opt->exit_code)
		return EXIT_OK;
	return status;
}

int cmd_explain(const struct options *opt, int argc, char **argv)
{
	struct sample first = { 0 }, last = { 0 };
	struct filter filter;
	struct nl nl;
	int status;

	status = filter_parse(&filter, argc, argv);
	if (!status)
		status = nl_open(&nl);
	if (status)
		return status;
	status = sample_take_first(&first, &nl, &filter);
	if (!status) {
		stats_sleep(opt->interval);
		status = sample_take_last(&last, &nl, &filter);
	}
	sample_end_memory(&first);
	if (!status)
		status = explain(&first, &last, opt);
	sample_free(&first);
	sample_free(&last);
	nl_close(&nl);
	return status;
}
