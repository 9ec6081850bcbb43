/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints, in /sys/kernel/tracing/events/vhost_alt/. A disabled tracepoint
 * costs one static branch. @dev is the device's id in the netlink family,
 * @queue the queue's number: 0 receives, 1 transmits.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vhost_alt

#if !defined(VHOST_ALT_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VHOST_ALT_TRACE_H

#include <linux/if.h>
#include <linux/tracepoint.h>
#include <linux/vhost_types.h>

/* The life of a device file. */
DECLARE_EVENT_CLASS(vhost_alt_dev,
	TP_PROTO(u32 dev),
	TP_ARGS(dev),
	TP_STRUCT__entry(
		__field(u32, dev)
	),
	TP_fast_assign(
		__entry->dev = dev;
	),
	TP_printk("dev=%u", __entry->dev)
);

/* A device file was opened. */
DEFINE_EVENT(vhost_alt_dev, vhost_alt_open, TP_PROTO(u32 dev), TP_ARGS(dev));

/* The last reference to a device file is gone. */
DEFINE_EVENT(vhost_alt_dev, vhost_alt_close, TP_PROTO(u32 dev), TP_ARGS(dev));

/* A process became the owner; @pid is in the initial pid namespace. */
TRACE_EVENT(vhost_alt_owner,
	TP_PROTO(u32 dev, u32 pid),
	TP_ARGS(dev, pid),
	TP_STRUCT__entry(
		__field(u32, dev)
		__field(u32, pid)
	),
	TP_fast_assign(
		__entry->dev = dev;
		__entry->pid = pid;
	),
	TP_printk("dev=%u pid=%u", __entry->dev, __entry->pid)
);

/* A memory table was set. */
TRACE_EVENT(vhost_alt_memory,
	TP_PROTO(u32 dev, u32 regions),
	TP_ARGS(dev, regions),
	TP_STRUCT__entry(
		__field(u32, dev)
		__field(u32, regions)
	),
	TP_fast_assign(
		__entry->dev = dev;
		__entry->regions = regions;
	),
	TP_printk("dev=%u regions=%u", __entry->dev, __entry->regions)
);

/* The driver accepted features. */
TRACE_EVENT(vhost_alt_features,
	TP_PROTO(u32 dev, const u64 *features),
	TP_ARGS(dev, features),
	TP_STRUCT__entry(
		__field(u32, dev)
		__field(u64, low)
		__field(u64, high)
	),
	TP_fast_assign(
		__entry->dev = dev;
		__entry->low = features[0];
		__entry->high = features[1];
	),
	TP_printk("dev=%u features=0x%llx high=0x%llx", __entry->dev,
		  __entry->low, __entry->high)
);

/* A backend was set, or (empty name) removed. */
TRACE_EVENT(vhost_alt_backend,
	TP_PROTO(u32 dev, u32 queue, bool running, const char *ifname),
	TP_ARGS(dev, queue, running, ifname),
	TP_STRUCT__entry(
		__field(u32, dev)
		__field(u32, queue)
		__field(bool, running)
		__array(char, ifname, IFNAMSIZ)
	),
	TP_fast_assign(
		__entry->dev = dev;
		__entry->queue = queue;
		__entry->running = running;
		memcpy(__entry->ifname, ifname, IFNAMSIZ);
	),
	TP_printk("dev=%u queue=%u running=%d ifname=%s", __entry->dev,
		  __entry->queue, __entry->running, __entry->ifname)
);

/*
 * A worker starts on the work that is queued, and has finished it. It sleeps
 * then, unless more work was queued meanwhile.
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
 * A batch: the number of chains that are about to be given back, and the
 * packets and bytes that the queue has moved since it was opened.
 */
DECLARE_EVENT_CLASS(vhost_alt_batch,
	TP_PROTO(u32 dev, u32 queue, u32 chains, u64 packets, u64 bytes),
	TP_ARGS(dev, queue, chains, packets, bytes),
	TP_STRUCT__entry(
		__field(u32, dev)
		__field(u32, queue)
		__field(u32, chains)
		__field(u64, packets)
		__field(u64, bytes)
	),
	TP_fast_assign(
		__entry->dev = dev;
		__entry->queue = queue;
		__entry->chains = chains;
		__entry->packets = packets;
		__entry->bytes = bytes;
	),
	TP_printk("dev=%u queue=%u chains=%u packets=%llu bytes=%llu",
		  __entry->dev, __entry->queue, __entry->chains,
		  __entry->packets, __entry->bytes)
);

DEFINE_EVENT(vhost_alt_batch, vhost_alt_transmit,
	TP_PROTO(u32 dev, u32 queue, u32 chains, u64 packets, u64 bytes),
	TP_ARGS(dev, queue, chains, packets, bytes));

DEFINE_EVENT(vhost_alt_batch, vhost_alt_receive,
	TP_PROTO(u32 dev, u32 queue, u32 chains, u64 packets, u64 bytes),
	TP_ARGS(dev, queue, chains, packets, bytes));

/* Events of a queue. */
DECLARE_EVENT_CLASS(vhost_alt_queue,
	TP_PROTO(u32 dev, u32 queue),
	TP_ARGS(dev, queue),
	TP_STRUCT__entry(
		__field(u32, dev)
		__field(u32, queue)
	),
	TP_fast_assign(
		__entry->dev = dev;
		__entry->queue = queue;
	),
	TP_printk("dev=%u queue=%u", __entry->dev, __entry->queue)
);

/* The guest was interrupted. */
DEFINE_EVENT(vhost_alt_queue, vhost_alt_call,
	TP_PROTO(u32 dev, u32 queue), TP_ARGS(dev, queue));

/* The ring became unusable, for good or until its memory is back. */
DEFINE_EVENT(vhost_alt_queue, vhost_alt_ring_error,
	TP_PROTO(u32 dev, u32 queue), TP_ARGS(dev, queue));

/*
 * Packets were dropped, or chains given back unused; why: enum vhost_alt_drop.
 */
TRACE_EVENT(vhost_alt_drop,
	TP_PROTO(u32 dev, u32 queue, unsigned int why, unsigned int count),
	TP_ARGS(dev, queue, why, count),
	TP_STRUCT__entry(
		__field(u32, dev)
		__field(u32, queue)
		__field(u32, why)
		__field(u32, count)
	),
	TP_fast_assign(
		__entry->dev = dev;
		__entry->queue = queue;
		__entry->why = why;
		__entry->count = count;
	),
	TP_printk("dev=%u queue=%u why=%u count=%u", __entry->dev,
		  __entry->queue, __entry->why, __entry->count)
);

/* A queue waits for an entry of the device IOTLB. */
TRACE_EVENT(vhost_alt_iotlb_miss,
	TP_PROTO(u32 dev, u32 queue, u64 iova, u8 perm),
	TP_ARGS(dev, queue, iova, perm),
	TP_STRUCT__entry(
		__field(u32, dev)
		__field(u32, queue)
		__field(u64, iova)
		__field(u8, perm)
	),
	TP_fast_assign(
		__entry->dev = dev;
		__entry->queue = queue;
		__entry->iova = iova;
		__entry->perm = perm;
	),
	TP_printk("dev=%u queue=%u iova=0x%llx perm=%u", __entry->dev,
		  __entry->queue, __entry->iova, __entry->perm)
);

/* The owner changed the device IOTLB; type: 2 update, 3 invalidation. */
TRACE_EVENT(vhost_alt_iotlb_update,
	TP_PROTO(u32 dev, const struct vhost_iotlb_msg *msg),
	TP_ARGS(dev, msg),
	TP_STRUCT__entry(
		__field(u32, dev)
		__field(u8, type)
		__field(u64, iova)
		__field(u64, size)
		__field(u8, perm)
	),
	TP_fast_assign(
		__entry->dev = dev;
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
