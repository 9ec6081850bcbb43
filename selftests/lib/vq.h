/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One virtqueue as a driver sees it. Tests use struct vq; struct vq_ops, one
 * table per layout, hides how the ring looks in memory.
 */
#ifndef VHOST_TEST_VQ_H
#define VHOST_TEST_VQ_H

#include <stdbool.h>
#include <stddef.h>
#include "gmem.h"
#include "uapi.h"

struct vq_seg {
	__u64 gpa;
	__u32 len;
};

/*
 * A chain: first the segments that the device reads, then those that it writes.
 */
struct vq_chain {
	const struct vq_seg *seg;
	unsigned int nout;
	unsigned int nin;
	bool indirect;
};

struct vq_used {
	__u32 id;
	__u32 len;
	unsigned int cookie;
};

/* Cookie of a used entry that names no chain in flight. */
#define VQ_BOGUS	(~0U)

/* The three addresses of VHOST_SET_VRING_ADDR, under the split ring's names. */
enum vq_area { VQ_DESC, VQ_AVAIL, VQ_USED, VQ_AREAS };

struct vq_slot {
	unsigned int ndesc;
	unsigned int cookie;
	bool busy;
	__u16 next;
	__u32 in_len;		/* bytes that the device may write */
};

struct vq_ops;

struct vq {
	const struct vq_ops *ops;
	struct gmem *mem;
	__u64 features;
	unsigned int index;	/* number of the ring in the device */
	unsigned int num;
	unsigned int ind_max;	/* entries in each indirect table */
	__u64 ind_gpa;
	__u64 gpa[VQ_AREAS];
	void *area[VQ_AREAS];
	int kick, call, err;
	__u16 avail_idx;	/* next to offer, maybe not yet published */
	__u16 kick_idx;		/* avail_idx at the last decision to kick */
	__u16 used_idx;		/* next to take back */
	unsigned int nfree;
	__u16 free_head;
	struct vq_slot *slot;
	unsigned int inflight;
	unsigned int bogus;	/* used entries that named no chain in flight */
	bool log_used;		/* the used ring is in the dirty log */
	unsigned int entries;	/* used entries read so far */
	/*
	 * The packed layout: both indices are positions in the ring, with wrap
	 * counters; the first descriptor that is not published.
	 */
	bool avail_wrap, used_wrap;
	__u16 added;		/* descriptors since the last kick decision */
	bool pending;
	__u16 head, head_flags;
	/*
	 * In order: the chain that comes back next, and the batch it belongs
	 * to.
	 */
	__u16 oldest;
	bool in_batch;
	struct vq_used batch;
};

struct vq_ops {
	const char *name;
	__u64 features;		/* that select this layout */
	size_t align[VQ_AREAS];
	size_t (*size)(unsigned int num, enum vq_area area);
	void (*reset)(struct vq *vq, __u16 base);
	int (*add)(struct vq *vq, const struct vq_chain *chain,
		   unsigned int cookie);
	void (*publish)(struct vq *vq);
	bool (*wants_kick)(struct vq *vq);
	bool (*kick_is_asked)(struct vq *vq);
	bool (*has_used)(struct vq *vq);
	unsigned int (*count_used)(struct vq *vq);
	bool (*pop)(struct vq *vq, struct vq_used *used);
	void (*arm)(struct vq *vq);
	void (*disarm)(struct vq *vq);
	void (*refuse)(struct vq *vq);
	void (*call_at)(struct vq *vq, unsigned int n);
	/* Result of VHOST_GET_VRING_BASE once all offered chains are used. */
	__u32 (*base)(struct vq *vq);
	__u32 (*used_base)(struct vq *vq);
};

extern const struct vq_ops vq_split_ops;
extern const struct vq_ops vq_packed_ops;

/* The layout that features choose. */
const struct vq_ops *vq_layout(__u64 features);

/*
 * Allocate the ring from region 0, with an indirect table of @ind_max entries
 * for each descriptor.
 */
int vq_init(struct vq *vq, const struct vq_ops *ops, struct gmem *mem,
	    unsigned int num, unsigned int ind_max, __u64 features);
void vq_free(struct vq *vq);

/*
 * Empty the ring and begin at @base, as after a queue reset. In the packed
 * layout that is the position after @base descriptors.
 */
void vq_reset(struct vq *vq, __u16 base);

/*
 * The ring's base as the device has it: once all offered chains are used, and
 * after those that it has used so far.
 */
__u32 vq_base(struct vq *vq);
__u32 vq_used_base(struct vq *vq);

/* Add a chain without publishing it. Return: -ENOSPC if the ring is full. */
int vq_add(struct vq *vq, const struct vq_chain *chain, unsigned int cookie);
int vq_add_out(struct vq *vq, __u64 gpa, __u32 len, unsigned int cookie);
int vq_add_in(struct vq *vq, __u64 gpa, __u32 len, unsigned int cookie);

/*
 * Publish the chains that were added; kick; kick if the device asked for it;
 * publish and kick if the device asked for it.
 */
void vq_publish(struct vq *vq);
void vq_kick(struct vq *vq);
bool vq_kick_if_wanted(struct vq *vq);
void vq_submit(struct vq *vq);

/*
 * Check whether the device has asked to be kicked for the next chain. After
 * asking it looks at the ring once more, then sleeps.
 */
bool vq_kick_is_asked(struct vq *vq);

/* The number of chains to take back. */
unsigned int vq_count_used(struct vq *vq);

/* Take back one chain; false if there is none. */
bool vq_pop(struct vq *vq, struct vq_used *used);

/* Ask for calls and sleep until there is a chain to take back. */
bool vq_wait(struct vq *vq);

/* Wait for a chain and take it back. */
bool vq_wait_pop(struct vq *vq, struct vq_used *used);

/*
 * vq_refuse(): ask for no calls; a split ring's event index limits that to 1000
 * chains.
 * vq_call_at(): with event indices, ask for a call only when the device passes
 * the @n-th chain from here on, where each chain is one descriptor.
 */
void vq_refuse(struct vq *vq);
void vq_call_at(struct vq *vq, unsigned int n);

/*
 * Take back chains like a driver that looks at the ring only after a call,
 * until the one with @cookie comes. Return: false if no call comes, or for an
 * entry that names no chain.
 */
bool vq_wait_called(struct vq *vq, unsigned int cookie);

/* Eventfds: read and clear the count; wait until it is not 0; add 1. */
__u64 event_count(int fd);
bool event_wait(int fd);
void event_signal(int fd);

#endif
