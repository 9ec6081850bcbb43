/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints, as /sys/kernel/tracing/events/vhost_alt/. Each costs a jump over it
 * while it is off. Devices are known by the id that they have in the netlink
 * family, queues by their number: 0 receives, 1 transmits.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vhost_alt

#if !defined(VHOST_ALT_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VHOST_ALT_TRACE_H

#include <linux/tracepoint.h>

#include "vhost_core.h"

/* Where the file of a device goes: it is opened, and closed. */
DECLARE_EVENT_CLASS(vhost_alt_dev,
	TP_PROTO(const struct vha_dev *dev),
	TP_ARGS(dev),
	TP_STRUCT__entry(
		__field(u32, dev)
	),
	TP_fast_assign(
		__entry->dev = dev->id;
	),
	TP_printk("dev=%u", __entry->dev)
);

/* A device file was opened. */
DEFINE_EVENT(vhost_alt_dev, vhost_alt_open,
	TP_PROTO(const struct vha_dev *dev), TP_ARGS(dev));

/* The last reference to a device file is gone. */
DEFINE_EVENT(vhost_alt_dev, vhost_alt_close,
	TP_PROTO(const struct vha_dev *dev), TP_ARGS(dev));

/* A process became the owner. */
TRACE_EVENT(vhost_alt_owner,
	TP_PROTO(const struct vha_dev *dev),
	TP_ARGS(dev),
	TP_STRUCT__entry(
		__field(u32, dev)
		__field(u32, pid)
	),
	TP_fast_assign(
		__entry->dev = dev->id;
		__entry->pid = dev->pid;
	),
	TP_printk("dev=%u pid=%u", __entry->dev, __entry->pid)
);

/* There is a new memory table. */
TRACE_EVENT(vhost_alt_memory,
	TP_PROTO(const struct vha_dev *dev),
	TP_ARGS(dev),
	TP_STRUCT__entry(
		__field(u32, dev)
		__field(u32, regions)
	),
	TP_fast_assign(
		__entry->dev = dev->id;
		__entry->regions = dev->memory->count;
	),
	TP_printk("dev=%u regions=%u", __entry->dev, __entry->regions)
);

/* The driver accepted features. */
TRACE_EVENT(vhost_alt_features,
	TP_PROTO(const struct vha_dev *dev, const u64 *features),
	TP_ARGS(dev, features),
	TP_STRUCT__entry(
		__field(u32, dev)
		__field(u64, low)
		__field(u64, high)
	),
	TP_fast_assign(
		__entry->dev = dev->id;
		__entry->low = features[0];
		__entry->high = features[1];
	),
	TP_printk("dev=%u features=0x%llx high=0x%llx", __entry->dev,
		  __entry->low, __entry->high)
);

/* A queue has a backend, or (no interface) none any more. */
TRACE_EVENT(vhost_alt_backend,
	TP_PROTO(const struct vha_queue *q),
	TP_ARGS(q),
	TP_STRUCT__entry(
		__field(u32, dev)
		__field(u32, queue)
		__field(bool, running)
		__array(char, ifname, IFNAMSIZ)
	),
	TP_fast_assign(
		__entry->dev = q->dev->id;
		__entry->queue = q->index;
		__entry->running = q->running;
		memcpy(__entry->ifname, q->ifname, IFNAMSIZ);
	),
	TP_printk("dev=%u queue=%u running=%d ifname=%s", __entry->dev,
		  __entry->queue, __entry->running, __entry->ifname)
);

/*
 * A worker takes up all the work that is queued, and has done it. It sleeps then,
 * unless more was queued meanwhile.
 */
DECLARE_EVENT_CLASS(vhost_alt_worker,
	TP_PROTO(u64 runs),
	TP_ARGS(runs),
	TP_STRUCT__entry(
		__field(u64, runs)
	),
	TP_fast_assign(
		__entry->runs = runs;
	),
	TP_printk("runs=%llu", __entry->runs)
);

DEFINE_EVENT(vhost_alt_worker, vhost_alt_worker_wake,
	TP_PROTO(u64 runs), TP_ARGS(runs));

DEFINE_EVENT(vhost_alt_worker, vhost_alt_worker_sleep,
	TP_PROTO(u64 runs), TP_ARGS(runs));

/*
 * A batch: chains of the guest that are to be given back, and the queue's packets
 * and bytes.
 */
DECLARE_EVENT_CLASS(vhost_alt_batch,
	TP_PROTO(const struct vha_queue *q, unsigned int chains),
	TP_ARGS(q, chains),
	TP_STRUCT__entry(
		__field(u32, dev)
		__field(u32, queue)
		__field(u32, chains)
		__field(u64, packets)
		__field(u64, bytes)
	),
	TP_fast_assign(
		__entry->dev = q->dev->id;
		__entry->queue = q->index;
		__entry->chains = chains;
		__entry->packets = q->stats.packets;
		__entry->bytes = q->stats.bytes;
	),
	TP_printk("dev=%u queue=%u chains=%u packets=%llu bytes=%llu",
		  __entry->dev, __entry->queue, __entry->chains,
		  __entry->packets, __entry->bytes)
);

DEFINE_EVENT(vhost_alt_batch, vhost_alt_transmit,
	TP_PROTO(const struct vha_queue *q, unsigned int chains),
	TP_ARGS(q, chains));

DEFINE_EVENT(vhost_alt_batch, vhost_alt_receive,
	TP_PROTO(const struct vha_queue *q, unsigned int chains),
	TP_ARGS(q, chains));

/* What happens to a queue. */
DECLARE_EVENT_CLASS(vhost_alt_queue,
	TP_PROTO(const struct vha_queue *q),
	TP_ARGS(q),
	TP_STRUCT__entry(
		__field(u32, dev)
		__field(u32, queue)
	),
	TP_fast_assign(
		__entry->dev = q->dev->id;
		__entry->queue = q->index;
	),
	TP_printk("dev=%u queue=%u", __entry->dev, __entry->queue)
);

/* The guest was interrupted. */
DEFINE_EVENT(vhost_alt_queue, vhost_alt_call,
	TP_PROTO(const struct vha_queue *q), TP_ARGS(q));

/* The ring could not be used, and rests. */
DEFINE_EVENT(vhost_alt_queue, vhost_alt_ring_error,
	TP_PROTO(const struct vha_queue *q), TP_ARGS(q));

/* Packets were dropped, or chains given back unused; why: enum vhost_alt_drop. */
TRACE_EVENT(vhost_alt_drop,
	TP_PROTO(const struct vha_queue *q, unsigned int why,
		 unsigned int count),
	TP_ARGS(q, why, count),
	TP_STRUCT__entry(
		__field(u32, dev)
		__field(u32, queue)
		__field(u32, why)
		__field(u32, count)
	),
	TP_fast_assign(
		__entry->dev = q->dev->id;
		__entry->queue = q->index;
		__entry->why = why;
		__entry->count = count;
	),
	TP_printk("dev=%u queue=%u why=%u count=%u", __entry->dev,
		  __entry->queue, __entry->why, __entry->count)
);

/* A queue waits for an entry of the device IOTLB. */
TRACE_EVENT(vhost_alt_iotlb_miss,
	TP_PROTO(const struct vha_queue *q, u64 iova, u8 perm),
	TP_ARGS(q, iova, perm),
	TP_STRUCT__entry(
		__field(u32, dev)
		__field(u32, queue)
		__field(u64, iova)
		__field(u8, perm)
	),
	TP_fast_assign(
		__entry->dev = q->dev->id;
		__entry->queue = q->index;
		__entry->iova = iova;
		__entry->perm = perm;
	),
	TP_printk("dev=%u queue=%u iova=0x%llx perm=%u", __entry->dev,
		  __entry->queue, __entry->iova, __entry->perm)
);

/* The owner changed the device IOTLB; type: 2 update, 3 invalidation. */
TRACE_EVENT(vhost_alt_iotlb_update,
	TP_PROTO(const struct vha_dev *dev, const struct vhost_iotlb_msg *msg),
	TP_ARGS(dev, msg),
	TP_STRUCT__entry(
		__field(u32, dev)
		__field(u8, type)
		__field(u64, iova)
		__field(u64, size)
		__field(u8, perm)
	),
	TP_fast_assign(
		__entry->dev = dev->id;
		__entry->type = msg->type;
		__entry->iova = msg->iova;
		__entry->size = msg->size;
		__entry->perm = msg->perm;
	),
	TP_printk("dev=%u type=%u iova=0x%llx size=0x%llx perm=%u",
		  __entry->dev, __entry->type, __entry->iova, __entry->size,
		  __entry->perm)
);

#endif /* VHOST_ALT_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
