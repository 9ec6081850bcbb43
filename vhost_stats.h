/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a queue has done. Written under the queue's mutex, so a count costs one
 * addition; read at any time by anybody.
 */
#ifndef VHOST_ALT_STATS_H
#define VHOST_ALT_STATS_H

#include <linux/types.h>

struct seq_file;

/**
 * enum vhost_drop - why a packet was dropped, or a chain given back unused
 * @VHOST_DROP_CHAIN_HEAD: an available entry names no descriptor
 * @VHOST_DROP_CHAIN_NEXT: a chain goes on at no descriptor
 * @VHOST_DROP_CHAIN_LOOP: a chain is longer than its table, hence a loop
 * @VHOST_DROP_CHAIN_LONG: a chain has more pieces than fit into one message,
 *	1024
 * @VHOST_DROP_CHAIN_ORDER: a readable descriptor behind a writable one
 * @VHOST_DROP_CHAIN_ADDRESS: a buffer outside of guest memory
 * @VHOST_DROP_CHAIN_INDIRECT: an indirect table that is empty, of odd size,
 *	nested, continued or unreadable
 * @VHOST_DROP_DIRECTION: writable buffers to transmit, or readable ones to
 *	receive into
 * @VHOST_DROP_SHORT: transmit: less than a virtio-net and an Ethernet header
 * @VHOST_DROP_LONG: transmit: longer than any packet
 * @VHOST_DROP_HEADER: transmit: the virtio-net header contradicts the packet
 * @VHOST_DROP_COPY: transmit: a buffer could not be read
 * @VHOST_DROP_MEMORY: transmit: no memory for a copy
 * @VHOST_DROP_SEND: transmit: the socket refused the packet
 * @VHOST_DROP_NO_ROOM: receive: a packet larger than the buffers that it may
 *	have
 * @VHOST_DROP_RECEIVE: receive: the packet was gone, or its size another
 * @VHOST_DROP_WRITE: receive: a buffer could not be written
 * @VHOST_DROP_REASONS: how many reasons there are
 * @VHOST_DROP_NONE: none of them
 */
enum vhost_drop {
	VHOST_DROP_CHAIN_HEAD,
	VHOST_DROP_CHAIN_NEXT,
	VHOST_DROP_CHAIN_LOOP,
	VHOST_DROP_CHAIN_LONG,
	VHOST_DROP_CHAIN_ORDER,
	VHOST_DROP_CHAIN_ADDRESS,
	VHOST_DROP_CHAIN_INDIRECT,
	VHOST_DROP_DIRECTION,
	VHOST_DROP_SHORT,
	VHOST_DROP_LONG,
	VHOST_DROP_HEADER,
	VHOST_DROP_COPY,
	VHOST_DROP_MEMORY,
	VHOST_DROP_SEND,
	VHOST_DROP_NO_ROOM,
	VHOST_DROP_RECEIVE,
	VHOST_DROP_WRITE,
	VHOST_DROP_REASONS,
	VHOST_DROP_NONE = VHOST_DROP_REASONS,
};

/**
 * struct vhost_stats - the counters of a queue
 * @packets: passed on, in whole and without error
 * @bytes: of these, without virtio-net headers
 * @batches: rounds of fetch, pass on, complete
 * @runs: times that the worker turned to the queue
 * @weight: runs cut short so that other queues have their turn
 * @calls: interrupts sent to the guest
 * @calls_suppressed: rounds after which the guest wanted none
 * @ring_empty: times that the guest had made no more buffers available; for
 *	receive that means that packets had to wait
 * @put_back: chains that were fetched and put back for later
 * @socket_full: times that the socket took no more
 * @ring_errors: times that the queue stopped because of its ring
 * @iotlb_misses: times that the owner was asked for an entry of the device IOTLB
 * @log_bytes: bytes of guest memory whose writing was logged
 * @busy_polls: times that the worker looked for more work without sleeping
 * @busy_hits: of these, times that it found some
 * @drops: by enum vhost_drop
 */
struct vhost_stats {
	u64 packets;
	u64 bytes;
	u64 batches;
	u64 runs;
	u64 weight;
	u64 calls;
	u64 calls_suppressed;
	u64 ring_empty;
	u64 put_back;
	u64 socket_full;
	u64 ring_errors;
	u64 iotlb_misses;
	u64 log_bytes;
	u64 busy_polls;
	u64 busy_hits;
	u64 drops[VHOST_DROP_REASONS];
};

void vhost_stats_show(struct seq_file *m, const char *queue,
		      const struct vhost_stats *stats);

#endif /* VHOST_ALT_STATS_H */
