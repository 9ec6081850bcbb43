// SPDX-License-Identifier: GPL-2.0-only
/* What giving chains back has in common in all layouts. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "vring.h"

/* Nothing is held: begin the batch anew. */
static void batch_reset(struct vring_batch *b)
{
	b->done = 0;
	b->count = 0;
	b->niov = 0;
}

int vring_complete(struct vhost_queue *q, unsigned int end)
{
	struct vring_batch *b = q->batch;
	u16 old = q->last_used;
	int err;

	lockdep_assert_held(&q->mutex);
	if (b->done == end)
		return 0;

	err = q->ops->complete(q, end);
	b->done = end;
	if (b->done == b->count)
		batch_reset(b);
	if (unlikely(err))
		return err;

	if (q->ops->want_call(q, old)) {
		vhost_queue_call(q);
		q->stats.calls++;
	} else {
		q->stats.calls_suppressed++;
	}
	return 0;
}

void vring_put_back(struct vhost_queue *q, unsigned int end)
{
	struct vring_batch *b = q->batch;

	lockdep_assert_held(&q->mutex);
	if (b->count == end)
		return;

	q->stats.put_back += b->count - end;
	q->ops->put_back(q, b->count - end);
	b->niov = b->chains[end].first;
	b->count = end;
	if (b->done == b->count)
		batch_reset(b);
}
