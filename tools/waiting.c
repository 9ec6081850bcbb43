// SPDX-License-Identifier: GPL-2.0-only
#include "waiting.h"

/* Check whether a packed descriptor is available, given the wrap counter. */
static bool is_available(__u32 flags, __u32 wrap)
{
	bool avail = flags & 1U << VRING_PACKED_DESC_F_AVAIL;
	bool used = flags & 1U << VRING_PACKED_DESC_F_USED;

	return avail != used && avail == wrap;
}

/* Count available descriptors in a packed ring, as far as they are known. */
static __u16 waiting_packed(const struct queue_sample *s)
{
	const struct ring *r = &s->ring;
	__u32 wrap = r->queue.avail_wrap;
	unsigned int n;

	for (n = 0; n < r->navail && r->avail[n].ndesc; n++) {
		if (n && !r->avail[n].index)
			wrap = !wrap;
		if (!is_available(r->avail[n].desc[0].flags, wrap))
			break;
	}
	return n;
}

__u16 waiting(const struct queue_sample *s)
{
	if (s->ring.queue.has_wraps)
		return waiting_packed(s);
	return s->ring.avail_idx - s->ring.queue.last_avail;
}

__u16 unseen(const struct queue_sample *s)
{
	if (s->ring.queue.has_wraps)
		return waiting_packed(s);
	return s->ring.avail_idx - s->ring.queue.avail_idx;
}

/*
 * With event indices, an index that was passed long ago looks like one that was
 * set just now, except that the latter is the end of what the device has seen.
 */
bool kick_is_wanted(const struct queue_sample *s)
{
	const struct ring *r = &s->ring;

	if (r->queue.has_wraps)
		return r->used_flags != VRING_PACKED_EVENT_FLAG_DISABLE;
	if (r->has_avail_event)
		return r->avail_event == r->queue.avail_idx;
	return !(r->used_flags & VRING_USED_F_NO_NOTIFY);
}

__u16 made_available(const struct queue_sample *s)
{
	return s->ring.queue.last_avail + waiting(s);
}

__u16 used_since_event(const struct queue_sample *s)
{
	const struct ring *r = &s->ring;
	__u32 event = r->used_event & 0x7fff;
	const struct queue *q = &r->queue;

	if (!q->has_wraps)
		return r->used_idx - r->used_event;
	if (r->avail_flags != VRING_PACKED_EVENT_FLAG_DESC)
		return 0;
	if (r->used_event >> 15 != q->used_wrap)
		event -= q->size;
	return q->last_used - event;
}
