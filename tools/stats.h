/* SPDX-License-Identifier: GPL-2.0-only */
/* Rates as plain text or JSON */
#ifndef VHOSTCTL_STATS_H
#define VHOSTCTL_STATS_H

#include "device.h"

/* Print rates until opt->count is reached. Return: an exit status. */
int stats_run(const struct options *opt, struct nl *nl,
	      const struct filter *filter);

void stats_sleep(double seconds);

#endif
