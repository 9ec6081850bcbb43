// SPDX-License-Identifier: GPL-2.0-only
#include "nl_counters.h"

#include <errno.h>

#include "env.h"

int counted_open(struct counted *c, __u64 features, bool single)
{
	struct guest_cfg cfg = {
		.features = features | F_INDIRECT,
		.tap_flags = IFF_VNET_HDR,
		.limit_sndbuf = single,
		.num = COUNTED_NUM,
		.base = COUNTED_BASE,
		.ind_max = 4,
		.no_tap = true,
	};
	int err;

	err = nl_open(&c->nl);
	if (!err)
		err = guest_start(&c->g, &cfg);
	if (!err)
		err = guest_open_tap(&c->g);
	if (!err)
		err = gmem_add(&c->g.mem, AREA_GPA, AREA_SIZE);
	if (!err)
		err = vdev_set_mem(c->g.dev, &c->g.mem);
	return err ? err : nl_newest(&c->nl, &c->id);
}

void counted_close(struct counted *c)
{
	nl_close(&c->nl);
	guest_stop(&c->g);
}

int counted_start(struct counted *c, unsigned int queue)
{
	c->starts[queue]++;
	return vdev_set_backend(c->g.dev, queue, c->g.tap);
}

int counted_read(struct counted *c)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < NR_VQS; i++)
		err = nl_queue(&c->nl, c->id, i, &c->q[i]);
	return err;
}

int counted_stop(struct counted *c, unsigned int queue)
{
	int err = vdev_set_backend(c->g.dev, queue, -1);

	return err ? err : counted_read(c);
}

int counted_run(struct counted *c, unsigned int queue)
{
	int err = counted_start(c, queue);

	if (!err && !all_used(&c->g.vq[queue]))
		err = -ETIMEDOUT;
	return err ? err : counted_stop(c, queue);
}

int preload(struct counted *c, unsigned int n, size_t len)
{
	static unsigned char frame[FRAME_MAX];
	struct guest *g = &c->g;
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < n; i++) {
		frame_make(frame, len + i % 7, i);
		err = guest_send(g, NULL, frame, len + i % 7, 1, false);
	}
	vq_publish(&g->vq[TXQ]);
	return err;
}

__u64 preload_bytes(unsigned int n, size_t len)
{
	__u64 bytes = 0;
	unsigned int i;

	for (i = 0; i < n; i++)
		bytes += len + i % 7;
	return bytes;
}

bool all_used(struct vq *vq)
{
	return wait_until(vq_used_base(vq) == vq_base(vq));
}

void submit_counted(struct vq *vq, unsigned int *kicks)
{
	vq_publish(vq);
	*kicks += vq_kick_if_wanted(vq);
}

__u64 sum_drops(const struct nl_msg *m)
{
	__u64 sum = 0;
	unsigned int i;

	for (i = 0; i <= VHOST_ALT_DROP_MAX; i++)
		sum += m->drop[i];
	return sum;
}

__u64 sum_sizes(const struct nl_msg *m)
{
	__u64 sum = 0;
	unsigned int i;

	for (i = 1; i <= NL_SIZES; i++)
		sum += m->batch_size[i];
	return sum;
}

#define QUEUE_COUNT(name)	(m->counter[VHOST_ALT_COUNTER_ ## name])

bool runs_explained(const struct counted *c, unsigned int queue)
{
	const struct nl_msg *m = &c->q[queue];

	/* A start looks at the ring once and at the backend once. */
	return QUEUE_COUNT(RUNS) <=
	       QUEUE_COUNT(KICKS) + QUEUE_COUNT(WAKEUPS) + QUEUE_COUNT(LOOKS) +
	       QUEUE_COUNT(WEIGHT) + QUEUE_COUNT(BUSY_YIELDS) +
	       QUEUE_COUNT(RETRIES) + 2 * c->starts[queue];
}

static const char *queue_mismatch(const struct nl_msg *m, struct vq *vq)
{
	if (QUEUE_COUNT(BATCHES) != sum_sizes(m))
		return "batches are not the sum of batch sizes";
	if (QUEUE_COUNT(BATCHES) !=
	    QUEUE_COUNT(CALLS) + QUEUE_COUNT(CALLS_SUPPRESSED))
		return "batches are not calls + calls_suppressed";
	if (QUEUE_COUNT(BUSY_HITS) > QUEUE_COUNT(BUSY_POLLS))
		return "busy_hits > busy_polls";
	if (event_count(vq->call) != QUEUE_COUNT(CALLS))
		return "calls are not those that came";
	if (vq->index == RXQ && QUEUE_COUNT(RING_EMPTY))
		return "ring_empty of receive";
	if (vq->index == RXQ && QUEUE_COUNT(SOCKET_FULL))
		return "socket_full of receive";
	if (vq->index == TXQ && QUEUE_COUNT(NO_BUFFERS))
		return "no_buffers of transmit";
	return NULL;
}

const char *counted_mismatch(struct counted *c)
{
	const char *text = NULL;
	unsigned int i;

	for (i = 0; !text && i < NR_VQS; i++)
		text = queue_mismatch(&c->q[i], &c->g.vq[i]);
	for (i = 0; !text && i < NR_VQS; i++)
		if (!runs_explained(c, i))
			text = "more runs than reasons to run";
	return text;
}
