/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Misses of the device IOTLB: addresses that queues need, and for which the
 * owner is asked to add entries.
 */
#ifndef VHOST_ALT_MISS_H
#define VHOST_ALT_MISS_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

/**
 * struct vha_misses - the misses of a device
 * @lock: protects the misses
 * @wait: readers that wait for a miss
 * @list: the misses of all queues, pending or not
 */
struct vha_misses {
	spinlock_t lock; /* the misses */
	wait_queue_head_t wait;
	struct list_head list;
};

/**
 * enum vha_miss_state - progress of an IOTLB miss
 * @VHA_MISS_NONE: there is none
 * @VHA_MISS_QUEUED: the owner has not read it yet
 * @VHA_MISS_READ: the owner has read it
 */
enum vha_miss_state {
	VHA_MISS_NONE,
	VHA_MISS_QUEUED,
	VHA_MISS_READ,
};

/**
 * struct vha_miss - an address for which the device IOTLB has no entry
 * @misses: the device's
 * @link: entry in the list of @misses; constant
 * @state: protected by the lock of @misses, like all that follows
 * @iova: the address
 * @perm: the access that is wanted there
 *
 * A queue stops at its first miss, so it never has two.
 */
struct vha_miss {
	struct vha_misses *misses;
	struct list_head link;
	enum vha_miss_state state;
	u64 iova;
	u8 perm;
};

void vha_misses_init(struct vha_misses *misses);
void vha_misses_clear(struct vha_misses *misses);
void vha_misses_wake(struct vha_misses *misses);
bool vha_misses_unread(struct vha_misses *misses);
struct vha_miss *vha_misses_take(struct vha_misses *misses,
				 struct vha_miss *copy);

void vha_miss_init(struct vha_miss *miss, struct vha_misses *misses);
bool vha_miss_queue(struct vha_miss *miss, u64 iova, u8 perm);
void vha_miss_return(struct vha_miss *miss);
void vha_miss_clear(struct vha_miss *miss);
bool vha_miss_resolve(struct vha_miss *miss, u64 start, u64 last);

/* Check for a miss, without a lock. */
static inline bool vha_miss_pending(const struct vha_miss *miss)
{
	return READ_ONCE(miss->state) != VHA_MISS_NONE;
}

#endif /* VHOST_ALT_MISS_H */
