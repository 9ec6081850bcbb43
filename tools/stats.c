// SPDX-License-Identifier: GPL-2.0-only
/* vhostctl stats: print rates periodically. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "rates.h"
#include "stats.h"

static void json_rate(struct json_object *to, const struct rate *r)
{
	unsigned int i;

	json_u64(to, "dev", r->dev->id);
	if (r->worker) {
		json_u64(to, "worker", r->worker->id);
	} else {
		json_u64(to, "queue", r->queue->index);
		json_str(to, "name", r->queue->name);
		json_flags(to, "state", state_names, r->queue->state);
		if (r->queue->ifname[0])
			json_str(to, "ifname", r->queue->ifname);
		if (r->queue->has_worker)
			json_u64(to, "worker", r->queue->worker);
	}
	if (r->dev->guest[0])
		json_str(to, "guest", r->dev->guest);
	for (i = 0; i < rate_ncolumns; i++)
		if (rate_has(r, i))
			json_real(to, rate_columns[i].key, rate_value(r, i));
}

static void stats_json(const struct rate *rates, unsigned int n,
		       double seconds, const struct options *opt)
{
	struct json_object *doc = json_document();
	struct json_object *queues, *workers;
	unsigned int i;

	json_real(doc, "seconds", seconds);
	queues = json_array_in(doc, "queues");
	workers = json_array_in(doc, "workers");
	for (i = 0; i < n; i++)
		json_rate(json_object_in(rates[i].worker ? workers : queues,
					 NULL), &rates[i]);
	out_json(opt, doc);
}

static void stats_text(const struct rate *rates, unsigned int n,
		       const struct options *opt)
{
	char line[RATES_LINE];
	enum colour paint;
	unsigned int i;

	print_timestamp(opt, "\n");
	rates_title(line);
	printf("%s%s%s\n", colour(COLOUR_BOLD), line, colour(COLOUR_OFF));
	for (i = 0; i < n; i++) {
		rates_row(line, &rates[i], opt->numeric, &paint);
		if (paint == COLOUR_RED)
			printf("%s%s%s\n", colour(paint), line,
			       colour(COLOUR_OFF));
		else
			puts(line);
	}
}

static int stats_print(const struct snapshot *then, const struct snapshot *now,
		       const struct options *opt)
{
	struct rate *rates;
	unsigned int n;

	rates = rates_between(then, now, &n);
	if (!rates)
		return kernel_error("out of memory");
	if (opt->json)
		stats_json(rates, n, now->seconds - then->seconds, opt);
	else
		stats_text(rates, n, opt);
	free(rates);
	/* The reader of a pipe expects each sample at once. */
	if (fflush(stdout))
		return kernel_error("cannot write to standard output");
	return EXIT_OK;
}

void stats_sleep(double seconds)
{
	struct timespec ts = {
		.tv_sec = seconds,
		.tv_nsec = (seconds - (time_t)seconds) * 1e9,
	};

	nanosleep(&ts, NULL);
}

int stats_run(const struct options *opt, struct nl *nl,
	      const struct filter *filter)
{
	struct snapshot then, now;
	unsigned int i;
	int status;

	status = snapshot_take(&then, nl, filter);
	for (i = 0; !status && (!opt->count || i < opt->count); i++) {
		stats_sleep(opt->interval);
		status = snapshot_take(&now, nl, filter);
		if (!status)
			status = stats_print(&then, &now, opt);
		snapshot_free(&then);
		then = now;
	}
	snapshot_free(&then);
	return status;
}

int cmd_stats(const struct options *opt, int argc, char **argv)
{
	struct filter filter;
	struct nl nl;
	int status;

	status = filter_parse(&filter, argc, argv);
	if (status)
		return status;
	status = nl_open(&nl);
	if (status)
		return status;
	status = stats_run(opt, &nl, &filter);
	nl_close(&nl);
	return status;
}
