// SPDX-License-Identifier: GPL-2.0-only
/*
 * A queue that meets an address without an entry records it here, puts back
 * what it holds, and is served again when an entry for the address arrives.
 * Since a queue waits for one address at a time, the record is a part of the
 * queue, and a guest cannot make the kernel allocate more of them.
 */
#include <linux/poll.h>

#include "vhost_miss.h"

/**
 * vha_misses_init() - prepare the misses of a device
 * @misses: the misses
 */
void vha_misses_init(struct vha_misses *misses)
{
	spin_lock_init(&misses->lock);
	init_waitqueue_head(&misses->wait);
	INIT_LIST_HEAD(&misses->list);
}

/**
 * vha_misses_wake() - wake the readers that wait for a miss
 * @misses: the misses
 */
void vha_misses_wake(struct vha_misses *misses)
{
	wake_up_interruptible_poll(&misses->wait, EPOLLIN | EPOLLRDNORM);
}

/**
 * vha_misses_clear() - cancel all misses
 * @misses: the misses
 *
 * Waiting readers check again whether there is still a device IOTLB.
 */
void vha_misses_clear(struct vha_misses *misses)
{
	struct vha_miss *miss;

	spin_lock(&misses->lock);
	list_for_each_entry(miss, &misses->list, link)
		miss->state = VHA_MISS_NONE;
	spin_unlock(&misses->lock);
	vha_misses_wake(misses);
}

static struct vha_miss *find_unread(struct vha_misses *misses)
{
	struct vha_miss *miss;

	lockdep_assert_held(&misses->lock);
	list_for_each_entry(miss, &misses->list, link) {
		if (miss->state == VHA_MISS_QUEUED)
			return miss;
	}
	return NULL;
}

/**
 * vha_misses_unread() - check whether there is a miss to read
 * @misses: the misses
 *
 * Return: true if there is.
 */
bool vha_misses_unread(struct vha_misses *misses)
{
	bool unread;

	spin_lock(&misses->lock);
	unread = find_unread(misses);
	spin_unlock(&misses->lock);
	return unread;
}

/**
 * vha_misses_take() - read a miss
 * @misses: the misses
 * @copy: filled in
 *
 * Return: the miss, for vha_miss_return(), or NULL if there is none to read.
 */
struct vha_miss *vha_misses_take(struct vha_misses *misses,
				 struct vha_miss *copy)
{
	struct vha_miss *miss;

	spin_lock(&misses->lock);
	miss = find_unread(misses);
	if (miss) {
		miss->state = VHA_MISS_READ;
		*copy = *miss;
	}
	spin_unlock(&misses->lock);
	return miss;
}

/**
 * vha_miss_init() - prepare the miss of a queue
 * @miss: the miss
 * @misses: the device's, to which it belongs from now on
 */
void vha_miss_init(struct vha_miss *miss, struct vha_misses *misses)
{
	miss->misses = misses;
	miss->state = VHA_MISS_NONE;
	list_add_tail(&miss->link, &misses->list);
}

/**
 * vha_miss_queue() - ask the owner for an entry
 * @miss: the queue's miss
 * @iova: the address
 * @perm: the access that is wanted
 *
 * A miss that the owner has not read yet is not queued again. One that it has
 * read but not answered is: it may know the answer by now.
 *
 * The caller wakes the readers.
 *
 * Return: true if the owner is asked anew; false if it has not read the
 * previous request yet.
 */
bool vha_miss_queue(struct vha_miss *miss, u64 iova, u8 perm)
{
	bool anew;

	spin_lock(&miss->misses->lock);
	anew = miss->state != VHA_MISS_QUEUED;
	miss->state = VHA_MISS_QUEUED;
	miss->iova = iova;
	miss->perm = perm;
	spin_unlock(&miss->misses->lock);
	return anew;
}

/**
 * vha_miss_return() - make a miss that could not be delivered readable again
 * @miss: the miss
 */
void vha_miss_return(struct vha_miss *miss)
{
	spin_lock(&miss->misses->lock);
	if (miss->state == VHA_MISS_READ)
		miss->state = VHA_MISS_QUEUED;
	spin_unlock(&miss->misses->lock);
	vha_misses_wake(miss->misses);
}

/**
 * vha_miss_clear() - cancel a miss
 * @miss: the miss of a queue that is not served
 */
void vha_miss_clear(struct vha_miss *miss)
{
	spin_lock(&miss->misses->lock);
	miss->state = VHA_MISS_NONE;
	spin_unlock(&miss->misses->lock);
}

/**
 * vha_miss_resolve() - check whether a new entry answers a miss
 * @miss: the miss
 * @start: first address of the entry
 * @last: last address of the entry
 *
 * A miss that poll() has announced stays readable; only one already read is
 * retired.
 *
 * Return: true if the queue waits for an address of the entry.
 */
bool vha_miss_resolve(struct vha_miss *miss, u64 start, u64 last)
{
	bool waits;

	spin_lock(&miss->misses->lock);
	waits = miss->state != VHA_MISS_NONE &&
		miss->iova >= start && miss->iova <= last;
	if (waits && miss->state == VHA_MISS_READ)
		miss->state = VHA_MISS_NONE;
	spin_unlock(&miss->misses->lock);
	return waits;
}
