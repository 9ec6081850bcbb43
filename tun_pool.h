/* SPDX-License-Identifier: GPL-2.0-only */
/* The memory that frames are sent from, used again once the host is done. */
#ifndef VHOST_ALT_TUN_POOL_H
#define VHOST_ALT_TUN_POOL_H

#include <linux/lockdep.h>
#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>

/* Limit of chunks in a pool. */
#define VHA_TUN_POOL_CHUNKS	32

/**
 * struct vha_tun_chunk - contiguous pages that frames are taken from
 * @page: the first page
 * @bias: references to @page that no frame holds: if there are no others, all
 *	frames of the chunk have been freed
 * @order: the size, as an order of pages
 */
struct vha_tun_chunk {
	struct page *page;
	unsigned int bias;
	unsigned int order;
};

/**
 * struct vha_tun_pool - memory for the frames of a queue
 * @left: free bytes of the chunk in use; frames are taken from its end
 * @in_use: index of the chunk in use, if @left is not 0
 * @base: start of the chunk in use
 * @count: number of chunks
 * @victim: the chunk to be replaced next, modulo @count
 * @bytes: bytes in all chunks
 * @chunks: the chunks
 * @frags: memory for small frames while none can be had for chunks
 * @retry_at: time in jiffies at which to try to get a chunk again
 * @sent: a frame has been taken since @aging looked
 * @aging: frees the memory of an idle queue
 * @mutex: the mutex of the queue, which users of the pool hold
 */
struct vha_tun_pool {
	unsigned int left;
	unsigned int in_use;
	void *base;
	unsigned int count;
	unsigned int victim;
	size_t bytes;
	struct vha_tun_chunk chunks[VHA_TUN_POOL_CHUNKS];
	struct page_frag_cache frags;
	unsigned long retry_at;
	bool sent;
	struct delayed_work aging;
	struct mutex *mutex; /* the queue's */
};

void vha_tun_pool_init(struct vha_tun_pool *pool, struct mutex *mutex);
void vha_tun_pool_drain(struct vha_tun_pool *pool);
void *vha_tun_pool_refill(struct vha_tun_pool *pool, unsigned int size);

/**
 * vha_tun_pool_take() - take memory for a frame
 * @pool: the pool, with its mutex held
 * @size: bytes, a multiple of the size of a cache line
 *
 * May sleep. The last holder of the frame frees it by page_frag_free().
 *
 * Return: the memory, aligned to a cache line and not zeroed, or NULL.
 */
static inline void *vha_tun_pool_take(struct vha_tun_pool *pool,
				      unsigned int size)
{
	lockdep_assert_held(pool->mutex);
	if (unlikely(pool->left < size))
		return vha_tun_pool_refill(pool, size);
	pool->left -= size;
	pool->chunks[pool->in_use].bias--;
	return pool->base + pool->left;
}

#endif /* VHOST_ALT_TUN_POOL_H */
