// SPDX-License-Identifier: GPL-2.0-only
#include "state.h"

const char *state_of(const struct queue *queue, unsigned int n,
		     enum colour *paint)
{
	__u32 any = 0, all = ~0U;
	unsigned int i;

	for (i = 0; i < n; i++) {
		any |= queue[i].state;
		all &= queue[i].state;
	}
	*paint = COLOUR_RED;
	if (any & VHOST_ALT_QUEUE_BROKEN)
		return "broken";
	if (any & VHOST_ALT_QUEUE_FAULTED)
		return "faulted";
	*paint = COLOUR_OFF;
	if (any & VHOST_ALT_QUEUE_IOTLB_MISS)
		return "iotlb_miss";
	if (!(any & VHOST_ALT_QUEUE_RUNNING))
		return "stopped";
	if (!(all & VHOST_ALT_QUEUE_RUNNING))
		return "half";
	*paint = COLOUR_GREEN;
	return "running";
}
