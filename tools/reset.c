// SPDX-License-Identifier: GPL-2.0-only
/* vhostctl reset: reset counters to 0. */
#include <string.h>

#include "device.h"
#include "ring.h"

int cmd_reset(const struct options *opt, int argc, char **argv)
{
	struct nl_query query = {
		.command = VHOST_ALT_CMD_STATS_RESET,
		.queue = NL_NONE,
		.count = NL_NONE,
	};
	__u32 dev, queue = 0;
	struct nl nl;
	int status;

	if (argc < 1 || argc > 2)
		return usage_error("reset: expected ID or IFNAME, and QUEUE or nothing");
	if (argc > 1 && queue_parse(argv[1], &queue))
		return EXIT_USAGE;
	status = nl_open(&nl);
	if (status)
		return status;
	status = device_select(&dev, &nl, argv[0]);
	if (status)
		goto out;
	query.dev = dev;
	if (argc > 1)
		query.queue = queue;
	status = nl_request(&nl, &query, NULL, NULL);
	if (status && argc > 1)
		status = nl_error(&nl, status, "device %u queue %s", dev,
				  argv[1]);
	else if (status)
		status = nl_error(&nl, status, "device %u", dev);
out:
	nl_close(&nl);
	return status;
}
