/* SPDX-License-Identifier: GPL-2.0-only */
/* The counters that net_governor.c uses, in place of the module's header. */
#ifndef MODEL_VHOST_STATS_H
#define MODEL_VHOST_STATS_H

#include "model.h"

struct vha_stats {
	u64 packets;
	u64 looks;
	u64 look_packets;
	u64 trials;
	u64 trials_failed;
	u64 poll_trials;
	u64 poll_trials_failed;
};

#endif
