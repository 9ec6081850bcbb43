/* SPDX-License-Identifier: GPL-2.0-only */
/* A retry: queues work after a delay, at a bounded rate. */
#ifndef VHOST_ALT_RETRY_H
#define VHOST_ALT_RETRY_H

#include "vhost_timer.h"

/**
 * struct vha_retry - work that failed for a reason that may pass
 * @timer: queues the work
 * @delay: milliseconds until the next retry; doubled by each, up to a limit
 * @failed: the work has failed since it last succeeded
 */
struct vha_retry {
	struct vha_timer timer;
	unsigned int delay;
	bool failed;
};

void vha_retry_init(struct vha_retry *retry, struct vha_work *work);
void vha_retry_later(struct vha_retry *retry, struct vha_worker *worker);
void vha_retry_reset(struct vha_retry *retry);
void vha_retry_stop(struct vha_retry *retry);
void vha_retry_move(struct vha_retry *retry, struct vha_worker *worker);

/* Record that the work has succeeded: the next failure starts anew. */
static inline void vha_retry_succeeded(struct vha_retry *retry)
{
	if (unlikely(retry->failed))
		vha_retry_reset(retry);
}

#endif /* VHOST_ALT_RETRY_H */
