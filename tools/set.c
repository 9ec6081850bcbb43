// SPDX-License-Identifier: GPL-2.0-only
/* vhostctl set: set how queues wait for more to do, and share workers. */
#include <stdio.h>
#include <string.h>

#include "device.h"
#include "ring.h"
#include "suggestion.h"

static const char *const settings[] = {
	"busy-poll", "moderation", "adaptive-poll", "workers", NULL
};

static const char *nth_setting(unsigned int i)
{
	return settings[i];
}

static int bad_value(const char *value, const char *what, const char *range)
{
	return usage_error("invalid value '%s' for %s: %s", value, what, range);
}

static int parse_busy_poll(struct nl_settings *set, const char *value)
{
	__u32 us = 0;

	if (strcmp(value, "default") &&
	    (!parse_u32(value, &us) || us > VHOST_ALT_BUSYLOOP_MAX))
		return bad_value(value, settings[0],
				 "0 to 1000000, or default");
	set->busyloop = us;
	return EXIT_OK;
}

/* Parse a time that follows a module parameter by default. */
static int parse_time(__s64 *time, const char *value, const char *what,
		      __u32 on, __u32 max)
{
	__u32 us;

	if (!strcmp(value, "default"))
		*time = NL_DEFAULT;
	else if (!strcmp(value, "on"))
		*time = on;
	else if (!strcmp(value, "off"))
		*time = 0;
	else if (parse_u32(value, &us) && us <= max)
		*time = us;
	else
		return bad_value(value, what, "0 to 1000, on, off or default");
	return EXIT_OK;
}

/* "on" means the initial value of the parameter. */
static int parse_moderation(struct nl_settings *set, const char *value)
{
	return parse_time(&set->moderation, value, settings[1], 20,
			  VHOST_ALT_MODERATION_MAX);
}

static int parse_adaptive_poll(struct nl_settings *set, const char *value)
{
	return parse_time(&set->adaptive_poll, value, settings[2], 50,
			  VHOST_ALT_ADAPTIVE_POLL_MAX);
}

static int parse_workers(struct nl_settings *set, const char *value)
{
	if (!strcmp(value, "shared"))
		set->workers = 1;
	else if (!strcmp(value, "split"))
		set->workers = 2;
	else
		return bad_value(value, settings[3], "split or shared");
	return EXIT_OK;
}

static int parse_setting(struct nl_settings *set, const char *word)
{
	const char *value = strchr(word, '=');
	char name[32], text[SUGGESTION_LEN];

	if (!value)
		return usage_error("set: expected SETTING=VALUE instead of '%s'",
				   word);
	snprintf(name, sizeof(name), "%.*s", (int)(value - word), word);
	value++;
	if (!strcmp(name, settings[0]))
		return parse_busy_poll(set, value);
	if (!strcmp(name, settings[1]))
		return parse_moderation(set, value);
	if (!strcmp(name, settings[2]))
		return parse_adaptive_poll(set, value);
	if (!strcmp(name, settings[3]))
		return parse_workers(set, value);
	suggestion(text, "", name, nth_setting);
	return usage_error("unknown setting '%s'%s", name, *text ? text :
			   ": expected busy-poll, moderation, adaptive-poll or workers");
}

/* Parse what follows the selector: a queue, or none, and settings. */
static int parse_words(struct nl_query *query, struct nl_settings *set,
		       char **argv)
{
	__u32 queue;
	int status = EXIT_OK;

	if (*argv && !strchr(*argv, '=')) {
		status = queue_parse(*argv++, &queue);
		if (!status)
			query->queue = queue;
	}
	if (!status && !*argv)
		return usage_error("set: expected busy-poll, moderation, adaptive-poll or workers");
	while (!status && *argv)
		status = parse_setting(set, *argv++);
	if (!status && query->queue == 1 && set->moderation != NL_NONE)
		return usage_error("set: only the receive queue has moderation");
	if (!status && query->queue != NL_NONE && set->workers != NL_NONE)
		return usage_error("set: workers is for both queues");
	return status;
}

static int request(struct nl *nl, const struct nl_query *query)
{
	__u32 dev = query->dev;
	int err;

	err = nl_request(nl, query, NULL, NULL);
	if (err && query->queue != NL_NONE)
		return nl_error(nl, err, "device %u queue %u", dev,
				(__u32)query->queue);
	return err ? nl_error(nl, err, "device %u", dev) : EXIT_OK;
}

/* Settings of queues and of workers are requests of their own. */
static int set_device(struct nl *nl, const struct nl_query *query, __u32 dev)
{
	struct nl_settings queues = *query->set, workers = {
		NL_NONE, NL_NONE, NL_NONE, query->set->workers
	};
	struct nl_query one = *query;
	int status = EXIT_OK;

	one.dev = dev;
	queues.workers = NL_NONE;
	if (queues.busyloop != NL_NONE || queues.moderation != NL_NONE ||
	    queues.adaptive_poll != NL_NONE) {
		one.set = &queues;
		status = request(nl, &one);
	}
	if (workers.workers != NL_NONE) {
		one.command = VHOST_ALT_CMD_WORKERS_SET;
		one.set = &workers;
		status = request(nl, &one) ?: status;
	}
	return status;
}

static int set_devices(struct nl_query *query, const struct filter *filter)
{
	struct snapshot snap;
	unsigned int i;
	struct nl nl;
	int status;

	status = nl_open(&nl);
	if (status)
		return status;
	status = snapshot_take(&snap, &nl, filter);
	/* A device that is refused is no reason to leave out others. */
	for (i = 0; i < snap.ndev; i++)
		status = set_device(&nl, query, snap.dev[i].id) ?: status;
	snapshot_free(&snap);
	nl_close(&nl);
	return status;
}

int cmd_set(const struct options *opt, int argc, char **argv)
{
	struct nl_settings set = { NL_NONE, NL_NONE, NL_NONE, NL_NONE };
	struct nl_query query = {
		.command = VHOST_ALT_CMD_QUEUE_SET,
		.queue = NL_NONE,
		.count = NL_NONE,
		.set = &set,
	};
	int words = filter_words(argc, argv), status;
	struct filter filter;

	if (!words || (words == 1 && strchr(argv[0], '=')))
		return usage_error("set: expected a selector, QUEUE or nothing, and SETTING=VALUE");
	status = filter_parse(&filter, words, argv);
	if (!status)
		status = parse_words(&query, &set, argv + words);
	return status ?: set_devices(&query, &filter);
}
