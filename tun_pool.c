// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory for frames. A frame takes a part of a chunk, and a reference to it,
 * which the host drops when it frees the frame. Once all frames of a chunk are
 * gone, the chunk is used again: no page is allocated, and zeroed, for each
 * frame. The memory belongs to one queue, so a guest can at most find its own
 * earlier frames in it.
 */
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/sched/mm.h>
#include <linux/sizes.h>
#include <linux/topology.h>

#include "compat.h"
#include "tun_pool.h"

static unsigned int tx_memory = 2048;
module_param(tx_memory, uint, 0644);
MODULE_PARM_DESC(tx_memory,
		 "KiB that a transmit queue keeps for frames to be sent; 0 to allocate for each");

/* Most chunks have 64 KiB. Larger ones are for the largest frames only. */
#define CHUNK_ORDER	get_order(SZ_64K)

/*
 * References to a chunk that are taken at once. A chunk has less than a
 * thousand frames, since each has room for struct skb_shared_info.
 */
#define BIAS_MAX	SZ_1M
#define BIAS_MIN	SZ_1K

/* After a failure, do without chunks for so long. */
#define RETRY_DELAY	msecs_to_jiffies(100)

/* How long a queue has to be idle before its memory is freed, at least. */
#define IDLE_DELAY	msecs_to_jiffies(1000)

static size_t chunk_size(unsigned int order)
{
	return PAGE_SIZE << order;
}

/* Allocate pages at the expense of the owner, whatever thread serves it. */
static struct page *alloc_charged(unsigned int order)
{
	struct mem_cgroup *memcg = get_mem_cgroup_from_mm(current->mm);
	struct mem_cgroup *old = set_active_memcg(memcg);
	struct page *page;

	page = alloc_pages(GFP_KERNEL_ACCOUNT | __GFP_COMP | __GFP_NOWARN |
			   __GFP_NORETRY | __GFP_NOMEMALLOC, order);
	set_active_memcg(old);
	mem_cgroup_put(memcg);
	return page;
}

static void free_chunk(struct vha_tun_pool *pool, unsigned int i)
{
	struct vha_tun_chunk *chunk = &pool->chunks[i];

	/* Frames that are still on their way keep it until the last is gone. */
	__page_frag_cache_drain(chunk->page, chunk->bias);
	pool->bytes -= chunk_size(chunk->order);
	*chunk = pool->chunks[--pool->count];
	pool->left = 0;
}

/* Free chunks until there is room for one of @size bytes. */
static void make_room(struct vha_tun_pool *pool, size_t size, size_t limit)
{
	while (pool->count && (pool->count == VHA_TUN_POOL_CHUNKS ||
			       pool->bytes + size > limit))
		free_chunk(pool, pool->victim++ % pool->count);
}

/* Add a chunk that is not in use. Return: its index, or a negative error. */
static int add_chunk(struct vha_tun_pool *pool, unsigned int order)
{
	size_t limit = (size_t)READ_ONCE(tx_memory) * SZ_1K;
	struct vha_tun_chunk *chunk;
	struct page *page;

	if (chunk_size(order) > limit || time_before(jiffies, pool->retry_at))
		return -ENOMEM;
	page = alloc_charged(order);
	if (!page) {
		pool->retry_at = jiffies + RETRY_DELAY;
		return -ENOMEM;
	}
	make_room(pool, chunk_size(order), limit);
	chunk = &pool->chunks[pool->count];
	chunk->page = page;
	chunk->order = order;
	chunk->bias = 1;
	pool->bytes += chunk_size(order);
	schedule_delayed_work(&pool->aging, IDLE_DELAY);
	return pool->count++;
}

/*
 * Find a chunk whose frames are all gone. Those at the start are tried first:
 * they are used most, so they are likely to be in the cache. Writes to the
 * chunk depend on the reference count, which orders them after all reads that
 * came before a reference was dropped. Litmus test: frame-memory.
 */
static int find_chunk(const struct vha_tun_pool *pool, unsigned int order)
{
	const struct vha_tun_chunk *chunk;
	unsigned int i;

	for (i = 0; i < pool->count; i++) {
		chunk = &pool->chunks[i];
		if (chunk->order >= order &&
		    page_ref_count(chunk->page) == chunk->bias &&
		    page_to_nid(chunk->page) == numa_mem_id())
			return i;
	}
	return -ENOENT;
}

static void use_chunk(struct vha_tun_pool *pool, unsigned int i)
{
	struct vha_tun_chunk *chunk = &pool->chunks[i];

	if (chunk->bias < BIAS_MIN) {
		page_ref_add(chunk->page, BIAS_MAX - chunk->bias);
		chunk->bias = BIAS_MAX;
	}
	pool->in_use = i;
	pool->base = page_address(chunk->page);
	pool->left = chunk_size(chunk->order);
}

/**
 * vha_tun_pool_refill() - take memory for a frame if the chunk in use is full
 * @pool: the pool, with its mutex held
 * @size: bytes
 *
 * Return: as vha_tun_pool_take()
 */
void *vha_tun_pool_refill(struct vha_tun_pool *pool, unsigned int size)
{
	unsigned int order = max(CHUNK_ORDER, get_order(size));
	int i;

	lockdep_assert_held(pool->mutex);
	i = find_chunk(pool, order);
	if (i < 0)
		i = add_chunk(pool, order);
	if (i >= 0) {
		use_chunk(pool, i);
		return vha_tun_pool_take(pool, size);
	}
	if (size > PAGE_SIZE)
		return NULL;
	return page_frag_alloc(&pool->frags, size, GFP_KERNEL);
}

static void free_all(struct vha_tun_pool *pool)
{
	while (pool->count)
		free_chunk(pool, 0);
	compat_page_frag_cache_drain(&pool->frags);
}

static void age(struct work_struct *work)
{
	struct vha_tun_pool *pool =
		container_of(work, struct vha_tun_pool, aging.work);
	bool idle = false;

	/*
	 * A run may hold the mutex for as long as the owner delays it: no
	 * thread of the workqueue may wait for that. And a queue is not stopped
	 * before this has ended, with its mutex held.
	 */
	if (mutex_trylock(pool->mutex)) {
		idle = !pool->sent;
		pool->sent = false;
		if (idle)
			free_all(pool);
		mutex_unlock(pool->mutex);
	}
	if (!idle)
		schedule_delayed_work(&pool->aging, IDLE_DELAY);
}

/**
 * vha_tun_pool_init() - prepare a pool
 * @pool: the pool, filled with zeroes
 * @mutex: the mutex that users of the pool will hold
 */
void vha_tun_pool_init(struct vha_tun_pool *pool, struct mutex *mutex)
{
	INIT_DELAYED_WORK(&pool->aging, age);
	pool->retry_at = jiffies;
	pool->mutex = mutex;
}

/**
 * vha_tun_pool_drain() - free the memory of a pool
 * @pool: the pool; may be used again. Its mutex is held, or there are no users.
 *
 * Frames that are still on their way keep their memory.
 */
void vha_tun_pool_drain(struct vha_tun_pool *pool)
{
	cancel_delayed_work_sync(&pool->aging);
	free_all(pool);
}
