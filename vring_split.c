// SPDX-License-Identifier: GPL-2.0-only
/*
 * The split layout (virtio 1.2, 2.7): a table of descriptors, a ring in which
 * the driver names the heads of available chains, and one in which the device
 * names used ones.
 *
 * All of it lies in memory that the guest may write at any time. Each word is
 * read once, into the batch's scratch space, and checked there.
 */
#include <linux/nospec.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "vhost_stats.h"
#include "vring_access.h"
#include "vring_chain.h"
#include "vring_split.h"

/* For fewer descriptors, reading one by one costs less than a copy. */
#define SPAN_MIN	4

/* The driver's event index follows the available ring. */
static __virtio16 __user *used_event(const struct vha_ring *ring)
{
	return (__virtio16 __user *)&ring->split.avail->ring[ring->num];
}

/* The device's event index follows the used ring. */
static __virtio16 __user *avail_event(const struct vha_ring *ring)
{
	return (__virtio16 __user *)&ring->split.used->ring[ring->num];
}

/* ---- set-up ---- */

static bool split_size_ok(u32 num)
{
	return num && num <= 0xffff && is_power_of_2(num);
}

static size_t split_area_size(const struct vha_ring *ring,
			      enum vha_ring_area area)
{
	const struct vha_ring_split *s = &ring->split;
	size_t event = ring->event_idx ? sizeof(__virtio16) : 0;

	switch (area) {
	case VHA_RING_DESC:
		return ring->num * sizeof(*s->desc);
	case VHA_RING_AVAIL:
		return struct_size(s->avail, ring, ring->num) + event;
	default:
		return struct_size(s->used, ring, ring->num) + event;
	}
}

static void split_point(struct vha_ring *ring,
			void __user *const area[VHA_RING_AREAS])
{
	ring->split.desc = area[VHA_RING_DESC];
	ring->split.avail = area[VHA_RING_AVAIL];
	ring->split.used = area[VHA_RING_USED];
}

static void split_reset(struct vha_ring *ring)
{
	ring->split = (struct vha_ring_split){};
}

static int split_set_base(struct vha_ring *ring, u32 base)
{
	if (base > 0xffff)
		return -EINVAL;
	WRITE_ONCE(ring->split.last_avail, base);
	WRITE_ONCE(ring->split.avail_idx, base);
	return 0;
}

/* Chains that are held are not used yet. */
static u32 split_base(const struct vha_ring *ring)
{
	return (u16)(ring->split.last_avail - vha_ring_held(ring));
}

static void split_indices(const struct vha_ring *ring,
			  struct vha_ring_indices *indices)
{
	indices->last_avail = READ_ONCE(ring->split.last_avail);
	indices->avail_idx = READ_ONCE(ring->split.avail_idx);
	indices->last_used = READ_ONCE(ring->split.last_used);
	indices->has_wraps = false;
}

/* Log a write to the used area by the pointer that it was made with. */
static int log_used_area(struct vha_ring *ring, const void __user *at,
			 size_t len)
{
	u64 offset = at - (const void __user *)ring->split.used;

	return vha_ring_log_area(ring, at, ring->log.used_addr + offset, len);
}

/* Write and log a word of the used area. */
static int write_used16(struct vha_ring *ring, __virtio16 __user *to, u16 val)
{
	int err = vha_ring_write16(ring, to, val);

	if (unlikely(err || !ring->log.used))
		return err;
	return log_used_area(ring, to, sizeof(val));
}

static int split_start(struct vha_ring *ring)
{
	struct vha_ring_split *s = &ring->split;
	int err;

	err = write_used16(ring, &s->used->flags, 0);
	if (!err)
		err = vha_ring_read16(ring, &s->last_used, &s->used->idx);
	if (err)
		return err;
	s->avail_idx = s->last_avail;
	s->called_valid = false;
	return 0;
}

/* ---- fetch: read the entries and descriptors of a batch ---- */

static int split_available(struct vha_ring *ring)
{
	struct vha_ring_split *s = &ring->split;
	u16 n;

	if (vha_ring_read16(ring, &s->avail_idx, &s->avail->idx))
		return -EFAULT;
	n = s->avail_idx - s->last_avail;
	if (unlikely(n + vha_ring_held(ring) > ring->num))
		return -EPROTO;
	/*
	 * Read the entries that the index covers after the index. Pairs with
	 * the driver's barrier before it moves the index. Litmus test:
	 * split-avail.
	 */
	smp_rmb();
	return n;
}

/* Read the next @n available entries, which may wrap around the ring's end. */
static int read_heads(struct vha_ring *ring, unsigned int n)
{
	const struct vha_ring_split *s = &ring->split;
	unsigned int slot = s->last_avail & (ring->num - 1);
	unsigned int first = min(n, ring->num - slot);
	__virtio16 *heads = ring->batch->split.heads;

	if (vha_ring_read(ring, heads, &s->avail->ring[slot],
			  first * sizeof(*heads)))
		return -EFAULT;
	if (first == n)
		return 0;
	return vha_ring_read(ring, heads + first, s->avail->ring,
			     (n - first) * sizeof(*heads));
}

/*
 * Read the first descriptor of each of @n chains, wherever it lies. One section
 * of user access serves them all: opening one costs more than reading.
 */
static int gather_descs(struct vha_ring *ring, unsigned int n)
{
	const __virtio16 *heads = ring->batch->split.heads, *end = heads + n;
	struct vring_desc __user *table = ring->split.desc, *from;
	struct vring_desc *desc = ring->batch->split.desc;
	unsigned int head;

	if (!user_read_access_begin(table, ring->num * sizeof(*table)))
		return -EFAULT;
	/*
	 * Pointers, not indices: an array bounds check may call a function,
	 * which is not allowed in a section of user access.
	 */
	for (; heads < end; heads++, desc++) {
		head = vha_ring16_to_cpu(ring, *heads);
		/* For an invalid head, which walk_chain() rejects, read 0. */
		from = table + (head < ring->num ? head : 0);
		if (!vha_ring_unsafe_get_desc(desc, from))
			break;
	}
	user_read_access_end();
	return heads == end ? 0 : -EFAULT;
}

/* gather_descs() for a ring whose descriptors may lie in several regions. */
static int gather_scattered(struct vha_ring *ring, unsigned int n)
{
	struct vring_desc __user *table = ring->split.desc;
	struct vha_ring_batch *b = ring->batch;
	unsigned int i, head;

	for (i = 0; i < n; i++) {
		head = vha_ring16_to_cpu(ring, b->split.heads[i]);
		head = head < ring->num ? head : 0;
		if (vha_ring_read_scattered(ring, &b->split.desc[i],
					    table + head, sizeof(*table)))
			return -EFAULT;
	}
	return 0;
}

/*
 * Read the first descriptor of each of @n chains. Drivers take descriptors off
 * a list that is mostly sorted, in one direction or the other. They then lie
 * close together, and the part of the table that holds them is read in one go.
 */
static int read_first_descs(struct vha_ring *ring, unsigned int n)
{
	unsigned int i, head, low = ring->num, high = 0;
	struct vha_ring_batch *b = ring->batch;
	size_t size;

	b->split.low = ring->num;
	if (unlikely(ring->scattered))
		return gather_scattered(ring, n);
	if (n < SPAN_MIN)
		return gather_descs(ring, n);
	for (i = 0; i < n; i++) {
		head = vha_ring16_to_cpu(ring, b->split.heads[i]);
		low = min(low, head);
		high = max(high, head);
	}
	if (high >= ring->num ||
	    high - low >= min_t(u32, 2 * n, VHA_RING_SPAN))
		return gather_descs(ring, n);
	b->split.low = low;
	size = (high - low + 1) * sizeof(*b->split.span);
	return compat_copy_from_user(b->split.span, ring->split.desc + low,
				     size) ? -EFAULT : 0;
}

/* Find the first descriptor of chain @i, as read_first_descs() has read it. */
static const struct vring_desc *first_desc(const struct vha_ring *ring,
					   unsigned int i)
{
	const struct vha_ring_batch *b = ring->batch;

	if (b->split.low == ring->num)
		return &b->split.desc[i];
	i = vha_ring16_to_cpu(ring, b->split.heads[i]) - b->split.low;
	return &b->split.span[array_index_nospec(i, VHA_RING_SPAN)];
}

static int read_desc(struct vha_ring *ring, struct vring_desc *desc,
		     unsigned int i)
{
	struct vring_desc __user *from = ring->split.desc + i;
	bool ok;

	if (unlikely(ring->scattered))
		return vha_ring_read_scattered(ring, desc, from, sizeof(*desc));
	if (!user_read_access_begin(from, sizeof(*from)))
		return -EFAULT;
	ok = vha_ring_unsafe_get_desc(desc, from);
	user_read_access_end();
	return ok ? 0 : -EFAULT;
}

/* ---- fetch: check and translate the chains ---- */

/*
 * Add the buffer that @desc describes to the chain.
 *
 * Return: as walk_chain().
 */
static int add_desc(struct vha_ring *ring, struct vha_ring_chain *chain,
		    u16 flags, const struct vring_desc *desc)
{
	return vha_ring_add_buffer(ring, chain,
				   vha_ring64_to_cpu(ring, desc->addr),
				   vha_ring32_to_cpu(ring, desc->len),
				   flags & VRING_DESC_F_WRITE);
}

/*
 * Fast path of walk_table() for a table of @count entries that has been read:
 * add them from the first on, as long as each is followed by the next one in
 * the table, as drivers write them, all are readable, or all writable, and each
 * lies in one region. Byte order is tested once.
 *
 * Return: how many have been added; walk_table() must handle the rest, which
 * has at least the last entry of a valid table.
 */
static unsigned int add_uniform(struct vha_ring *ring,
				struct vha_ring_chain *chain, u32 count)
{
	struct vha_ring_batch *b = ring->batch;
	const struct vring_desc *entry = b->split.table;
	u16 in = __virtio16_to_cpu(true, entry->flags) & VRING_DESC_F_WRITE;
	struct iovec *iov = b->iov + b->niov;
	unsigned int n, max;
	u64 size = 0;
	u32 len;

	if (unlikely(!ring->is_le || (!in && chain->in)))
		return 0;
	max = min_t(u32, count, VHA_RING_MAX_HELD - b->niov);
	for (n = 0; n < max; n++, entry++) {
		len = __virtio32_to_cpu(true, entry->len);
		if (__virtio16_to_cpu(true, entry->flags) !=
		    (in | VRING_DESC_F_NEXT) ||
		    __virtio16_to_cpu(true, entry->next) != n + 1)
			break;
		if (!vha_ring_translate_whole(ring,
					      __virtio64_to_cpu(true,
								entry->addr),
					      len, iov + n))
			break;
		size += len;
	}
	vha_ring_add_translated(ring, chain, n, size, in);
	return n;
}

/*
 * Walk an indirect table of @count entries at @addr. If @whole, it has been
 * read into the scratch space; otherwise it is larger than that, and read entry
 * by entry.
 *
 * Return: as walk_chain().
 */
static int walk_table(struct vha_ring *ring, struct vha_ring_chain *chain,
		      u64 addr, u32 count, bool whole)
{
	struct vring_desc *table = ring->batch->split.table;
	const struct vring_desc *entry = table;
	u32 i = 0, seen;
	u16 flags;
	int bad;

	if (whole)
		i = add_uniform(ring, chain, count);
	seen = i;
	for (;;) {
		if (unlikely(i >= count))
			return VHOST_ALT_DROP_CHAIN_NEXT;
		if (unlikely(seen++ == min_t(u32, count, VHA_RING_MAX_HELD)))
			return vha_ring_too_long(count);
		if (whole) {
			entry = table + array_index_nospec(i, VHA_RING_BATCH);
		} else {
			bad = vha_ring_read_table(ring,
						  addr + i * sizeof(*table),
						  table, sizeof(*table));
			if (unlikely(bad != VHA_DROP_NONE))
				return bad;
		}

		flags = vha_ring16_to_cpu(ring, entry->flags);
		if (unlikely(flags & VRING_DESC_F_INDIRECT))
			return VHOST_ALT_DROP_CHAIN_INDIRECT;
		bad = add_desc(ring, chain, flags, entry);
		if (unlikely(bad != VHA_DROP_NONE))
			return bad;
		if (!(flags & VRING_DESC_F_NEXT))
			return VHA_DROP_NONE;
		i = vha_ring16_to_cpu(ring, entry->next);
	}
}

/*
 * Virtio 1.2, 2.7.5.3: a chain may end in a table of its own in guest memory.
 *
 * Return: as walk_chain().
 */
static int add_table(struct vha_ring *ring, struct vha_ring_chain *chain,
		     u16 flags, const struct vring_desc *desc)
{
	struct vring_desc *table = ring->batch->split.table;
	u64 addr = vha_ring64_to_cpu(ring, desc->addr);
	u32 len = vha_ring32_to_cpu(ring, desc->len);
	u32 count = len / sizeof(*table);
	bool whole = count <= VHA_RING_BATCH;
	int bad;

	if (unlikely(!count || len % sizeof(*table) ||
		     (flags & VRING_DESC_F_NEXT)))
		return VHOST_ALT_DROP_CHAIN_INDIRECT;
	if (whole) {
		bad = vha_ring_read_table(ring, addr, table, len);
		if (unlikely(bad != VHA_DROP_NONE))
			return bad;
	}
	return walk_table(ring, chain, addr, count, whole);
}

/*
 * Walk the chain whose first descriptor is @desc.
 *
 * Return: an enum vhost_alt_drop; -EFAULT if the descriptor table could not be
 * read; -EINPROGRESS if the device IOTLB lacks an entry.
 */
static int walk_chain(struct vha_ring *ring, struct vha_ring_chain *chain,
		      const struct vring_desc *desc)
{
	unsigned int limit = min_t(u32, ring->num, VHA_RING_MAX_HELD);
	unsigned int seen = 0, next;
	struct vring_desc read;
	int bad;
	u16 flags;

	if (unlikely(chain->id >= ring->num))
		return VHOST_ALT_DROP_CHAIN_HEAD;

	for (;;) {
		if (unlikely(seen++ == limit))
			return vha_ring_too_long(ring->num);
		flags = vha_ring16_to_cpu(ring, desc->flags);
		if (flags & VRING_DESC_F_INDIRECT)
			return add_table(ring, chain, flags, desc);
		bad = add_desc(ring, chain, flags, desc);
		if (unlikely(bad != VHA_DROP_NONE))
			return bad;
		if (!(flags & VRING_DESC_F_NEXT))
			return VHA_DROP_NONE;

		next = vha_ring16_to_cpu(ring, desc->next);
		if (unlikely(next >= ring->num))
			return VHOST_ALT_DROP_CHAIN_NEXT;
		if (unlikely(read_desc(ring, &read, next)))
			return -EFAULT;
		desc = &read;
	}
}

/*
 * Fast path of hold_chain(): append the chains from index @i to @end of those
 * whose heads have been read, as long as each is a single descriptor whose
 * buffer lies in one region, as most are. Byte order is tested once; the
 * other checks of hold_chain() do not apply to such chains.
 *
 * Return: how many; hold_chain() must handle the next one.
 */
static unsigned int hold_singles(struct vha_ring *ring, unsigned int i,
				 unsigned int end)
{
	struct vha_ring_batch *b = ring->batch;
	struct vha_ring_chain *chain = b->chains + b->count;
	struct iovec *iov = b->iov + b->niov;
	const struct vring_desc *desc;
	unsigned int n, max;
	u16 flags, id;
	u64 addr;
	u32 len;

	if (unlikely(!ring->is_le))
		return 0;
	max = min(end - i, VHA_RING_MAX_HELD - b->niov);
	for (n = 0; n < max; n++, chain++) {
		desc = first_desc(ring, i + n);
		flags = __virtio16_to_cpu(true, desc->flags);
		id = __virtio16_to_cpu(true, b->split.heads[i + n]);
		addr = __virtio64_to_cpu(true, desc->addr);
		len = __virtio32_to_cpu(true, desc->len);
		if (unlikely(id >= ring->num ||
			     flags & (VRING_DESC_F_NEXT |
				      VRING_DESC_F_INDIRECT)))
			break;
		if (!vha_ring_translate_whole(ring, addr, len, iov + n))
			break;
		*chain = (struct vha_ring_chain){
			.id = id,
			.bad = VHA_DROP_NONE,
			.out = !(flags & VRING_DESC_F_WRITE),
			.in = !!(flags & VRING_DESC_F_WRITE),
			.first = b->niov + n,
			.size = len,
		};
	}
	b->count += n;
	b->niov += n;
	b->walked += n;
	return n;
}

/*
 * Append chain @i of those whose heads have been read.
 *
 * Return: 0; -ENOSPC if it does not fit beside those that are held; -EFAULT or
 * -EINPROGRESS as walk_chain().
 */
static int hold_chain(struct vha_ring *ring, unsigned int i)
{
	struct vha_ring_batch *b = ring->batch;
	struct vha_ring_chain *chain = &b->chains[b->count];
	int bad;

	chain->id = vha_ring16_to_cpu(ring, b->split.heads[i]);
	chain->first = b->niov;
	chain->out = 0;
	chain->in = 0;
	chain->size = 0;
	chain->written = 0;

	bad = walk_chain(ring, chain, first_desc(ring, i));
	if (unlikely(bad != VHA_DROP_NONE)) {
		b->niov = chain->first;
		if (bad < 0)
			return bad;
		if (bad == VHOST_ALT_DROP_CHAIN_LONG && chain->first)
			return -ENOSPC;
		chain->out = 0;
		chain->in = 0;
		chain->size = 0;
	}
	chain->bad = bad;
	b->count++;
	return 0;
}

static int split_fetch(struct vha_ring *ring, unsigned int max)
{
	struct vha_ring_batch *b = ring->batch;
	unsigned int i = 0, walked;
	int n, err = 0;

	n = split_available(ring);
	if (n <= 0)
		return n;
	n = min3((unsigned int)n, max, (unsigned int)VHA_RING_BATCH);
	n = min_t(unsigned int, n, VHA_RING_MAX_HELD - b->count);
	if (!n)
		return -ENOSPC;
	if (read_heads(ring, n) || read_first_descs(ring, n))
		return -EFAULT;

	walked = b->walked;
	for (;;) {
		i += hold_singles(ring, i, n);
		if (i == n)
			break;
		err = hold_chain(ring, i);
		if (unlikely(err))
			break;
		i++;
		/* Empty descriptors fill no batch: limit the walk as well. */
		if (unlikely(b->walked - walked > VHA_RING_MAX_HELD)) {
			cond_resched();
			break;
		}
	}
	ring->split.last_avail += i;
	/* Hand out the chains before an error; the next fetch returns it. */
	return i ? i : err;
}

static void split_put_back(struct vha_ring *ring, unsigned int n)
{
	ring->split.last_avail -= n;
}

/* ---- complete ---- */

/* Write @n used entries to the ring from @slot on, without wrapping. */
static int write_used(struct vha_ring *ring, unsigned int slot,
		      const struct vring_used_elem *used, unsigned int n)
{
	struct vring_used_elem __user *to = ring->split.used->ring + slot;
	size_t size = n * sizeof(*used);

	if (unlikely(ring->scattered)) {
		if (vha_ring_write_scattered(ring, to, used, size))
			return -EFAULT;
	} else if (n == 1) {
		/* A single entry is cheaper without the overhead of a copy. */
		if (vha_ring_put_used(to, used))
			return -EFAULT;
	} else if (copy_to_user(to, used, size)) {
		return -EFAULT;
	}
	return unlikely(ring->log.used) ? log_used_area(ring, to, size) : 0;
}

static void set_used(const struct vha_ring *ring, struct vring_used_elem *used,
		     const struct vha_ring_chain *chain)
{
	used->id = vha_ring_cpu_to32(ring, chain->id);
	used->len = vha_ring_cpu_to32(ring, chain->written);
}

/* Write a used entry for each chain from *@index on, and advance *@index. */
static int write_each(struct vha_ring *ring, unsigned int end, u16 *index)
{
	struct vha_ring_batch *b = ring->batch;
	const struct vha_ring_chain *chain = b->chains + b->done;
	unsigned int i, n, slot, left;

	for (left = end - b->done; left; left -= n) {
		slot = *index & (ring->num - 1);
		n = min3(left, ring->num - slot, (unsigned int)VHA_RING_BATCH);
		for (i = 0; i < n; i++, chain++)
			set_used(ring, &b->split.used[i], chain);
		if (write_used(ring, slot, b->split.used, n))
			return -EFAULT;
		*index += n;
	}
	return 0;
}

/*
 * Virtio 1.2, 2.7.9: if chains are used in order, one entry may stand for
 * several. It takes the place of the first one's entry, and names the last one.
 * The guest assumes that all but the last were used completely. *@index is
 * advanced by the number of chains.
 */
static int write_in_order(struct vha_ring *ring, unsigned int end, u16 *index)
{
	const struct vha_ring_chain *chains = ring->batch->chains;
	unsigned int first = ring->batch->done, last, slot = 0, n = 0;
	struct vring_used_elem *used = ring->batch->split.used;
	int err;

	for (; first < end; first = last + 1) {
		last = first;
		while (last + 1 < end &&
		       vha_ring_used_completely(&chains[last]))
			last++;
		if (!n)
			slot = *index & (ring->num - 1);
		set_used(ring, &used[n++], &chains[last]);
		*index += last - first + 1;
		/* Adjacent entries are written together. */
		if (last == first && last + 1 < end && n < VHA_RING_BATCH &&
		    slot + n < ring->num)
			continue;
		err = write_used(ring, slot, used, n);
		if (err)
			return err;
		n = 0;
	}
	return 0;
}

/*
 * Check whether the guest wants an interrupt, now that the used index has moved
 * on from @old. If the ring does not tell, interrupt: one too many does less
 * harm than one too few.
 */
static bool want_call(struct vha_ring *ring, u16 old)
{
	struct vha_ring_split *s = &ring->split;
	bool valid = s->called_valid;
	u16 word;

	/*
	 * Make the used index visible before reading what the driver wants.
	 * Pairs with the driver's barrier between asking for an interrupt and
	 * checking the used index once more. Litmus test: split-call.
	 */
	smp_mb();

	if (ring->notify_on_empty && s->avail_idx == s->last_avail)
		return true;

	if (!ring->event_idx) {
		if (vha_ring_read16(ring, &word, &s->avail->flags))
			return true;
		return !(word & VRING_AVAIL_F_NO_INTERRUPT);
	}

	s->called_valid = true;
	if (unlikely(!valid) || vha_ring_read16(ring, &word, used_event(ring)))
		return true;
	return vring_need_event(word, s->last_used, old);
}

static int log_used_index(struct vha_ring *ring)
{
	struct vha_ring_split *s = &ring->split;
	int err;

	err = log_used_area(ring, &s->used->idx, sizeof(s->used->idx));
	s->unlogged = err;
	return err;
}

/* A retry writes and logs all other words of the used area again. */
static int split_log_rest(struct vha_ring *ring)
{
	return ring->split.unlogged && ring->log.used ? log_used_index(ring) :
							0;
}

static int split_complete(struct vha_ring *ring, unsigned int end, bool *call)
{
	struct vha_ring_split *s = &ring->split;
	u16 old = s->last_used, index = old;
	int err;

	if (ring->in_order)
		err = write_in_order(ring, end, &index);
	else
		err = write_each(ring, end, &index);
	if (err)
		return err;

	/*
	 * The driver reads the index, then the entries that it covers, and then
	 * uses the buffers again. Litmus tests: split-used, split-reuse.
	 */
	smp_wmb();
	err = vha_ring_write16(ring, &s->used->idx, index);
	if (err)
		return err;
	s->last_used = index;
	ring->batch->done = end;
	if (unlikely(ring->log.used))
		err = log_used_index(ring);
	*call = unlikely(err) || want_call(ring, old);
	return err;
}

/* ---- kicks ---- */

static int split_enable_kick(struct vha_ring *ring)
{
	struct vha_ring_split *s = &ring->split;
	u16 seen = s->avail_idx;
	int err;

	/* Chains that were put back are not new: the next new entry counts. */
	if (ring->event_idx)
		err = write_used16(ring, avail_event(ring), seen);
	else
		err = write_used16(ring, &s->used->flags, 0);
	if (err)
		return err;
	ring->notify_off = false;

	/*
	 * Make the request visible before reading the index again. Pairs with
	 * the driver's barrier between moving the index and reading whether the
	 * device wants a kick. Litmus test: split-kick.
	 */
	smp_mb();
	err = split_available(ring);
	if (err < 0)
		return err;
	return s->avail_idx != seen;
}

static int split_disable_kick(struct vha_ring *ring)
{
	int err;

	/* An event index that has been passed asks for nothing. */
	if (ring->notify_off || ring->event_idx)
		return 0;
	err = write_used16(ring, &ring->split.used->flags,
			   VRING_USED_F_NO_NOTIFY);
	if (likely(!err))
		ring->notify_off = true;
	return err;
}

/* ---- snapshot ---- */

/* A snapshot in progress: what is read, and how. */
struct split_view {
	const struct vha_ring *ring;
	struct mm_struct *mm;
};

static int peek(const struct split_view *view, void *to,
		enum vha_ring_area area, size_t offset, size_t len)
{
	return vha_ring_peek(view->ring, view->mm, to,
			     view->ring->addr[area] + offset, len);
}

static int peek16(const struct split_view *view, u16 *val,
		  enum vha_ring_area area, size_t offset)
{
	__virtio16 word;
	int err;

	err = peek(view, &word, area, offset, sizeof(word));
	if (!err)
		*val = vha_ring16_to_cpu(view->ring, word);
	return err;
}

/* Copy the chain at @entry->id, as far as it is in the table and present. */
static void snapshot_chain(const struct split_view *view,
			   struct vha_ring_snapshot_entry *entry)
{
	struct vha_ring_snapshot_desc *to = entry->descs;
	const struct vha_ring *ring = view->ring;
	unsigned int i = entry->id;
	struct vring_desc desc;

	for (; i < ring->num && entry->ndescs < VHA_RING_SNAPSHOT_DESCS; to++) {
		if (peek(view, &desc, VHA_RING_DESC, i * sizeof(desc),
			 sizeof(desc)))
			return;
		to->index = i;
		to->addr = vha_ring64_to_cpu(ring, desc.addr);
		to->len = vha_ring32_to_cpu(ring, desc.len);
		to->flags = vha_ring16_to_cpu(ring, desc.flags);
		to->next = vha_ring16_to_cpu(ring, desc.next);
		to->has_next = to->flags & VRING_DESC_F_NEXT;
		entry->ndescs++;
		if (!to->has_next)
			return;
		i = to->next;
	}
}

static int snapshot_avail(const struct split_view *view,
			  struct vha_ring_snapshot_entry *entry, u16 index)
{
	unsigned int slot = index & (view->ring->num - 1);
	u16 head;
	int err;

	err = peek16(view, &head, VHA_RING_AVAIL,
		     offsetof(struct vring_avail, ring[slot]));
	if (err)
		return err;
	entry->index = index;
	entry->id = head;
	entry->ndescs = 0;
	snapshot_chain(view, entry);
	return 0;
}

static int snapshot_used(const struct split_view *view,
			 struct vha_ring_snapshot_entry *entry, u16 index)
{
	unsigned int slot = index & (view->ring->num - 1);
	struct vring_used_elem elem;
	int err;

	err = peek(view, &elem, VHA_RING_USED,
		   offsetof(struct vring_used, ring[slot]), sizeof(elem));
	if (err)
		return err;
	entry->index = index;
	entry->id = vha_ring32_to_cpu(view->ring, elem.id);
	entry->len = vha_ring32_to_cpu(view->ring, elem.len);
	return 0;
}

static int snapshot_header(const struct split_view *view,
			   struct vha_ring_snapshot *snap)
{
	unsigned int num = view->ring->num;
	int err;

	err = peek16(view, &snap->avail_flags, VHA_RING_AVAIL,
		     offsetof(struct vring_avail, flags)) ?:
	      peek16(view, &snap->avail_idx, VHA_RING_AVAIL,
		     offsetof(struct vring_avail, idx)) ?:
	      peek16(view, &snap->used_flags, VHA_RING_USED,
		     offsetof(struct vring_used, flags)) ?:
	      peek16(view, &snap->used_idx, VHA_RING_USED,
		     offsetof(struct vring_used, idx));
	snap->has_idx = true;
	snap->event_idx = view->ring->event_idx;
	if (err || !snap->event_idx)
		return err;
	return peek16(view, &snap->used_event, VHA_RING_AVAIL,
		      offsetof(struct vring_avail, ring[num])) ?:
	       peek16(view, &snap->avail_event, VHA_RING_USED,
		      offsetof(struct vring_used, ring[num]));
}

static int split_snapshot(const struct vha_ring *ring, struct mm_struct *mm,
			  struct vha_ring_snapshot *snap)
{
	const struct split_view view = { .ring = ring, .mm = mm };
	unsigned int n = min(snap->count, ring->num), i;
	struct vha_ring_snapshot_entry *entry;
	struct vha_ring_indices at;
	int err;

	split_indices(ring, &at);
	err = snapshot_header(&view, snap);
	if (err)
		return err;
	/* Leave out entries in pages that are not present. */
	for (i = 0; i < n; i++) {
		entry = &snap->avail[snap->navail];
		if (!snapshot_avail(&view, entry, at.last_avail - n + i))
			snap->navail++;
		entry = &snap->used[snap->nused];
		if (!snapshot_used(&view, entry, at.last_used - n + i))
			snap->nused++;
	}
	return 0;
}

const struct vha_ring_ops vha_ring_split_ops = {
	.name		= "split",
	.size_ok	= split_size_ok,
	.area_size	= split_area_size,
	.area_perm	= {
		[VHA_RING_DESC]		= VHOST_ACCESS_RO,
		[VHA_RING_AVAIL]	= VHOST_ACCESS_RO,
		[VHA_RING_USED]		= VHOST_ACCESS_WO,
	},
	.point		= split_point,
	.reset		= split_reset,
	.set_base	= split_set_base,
	.base		= split_base,
	.indices	= split_indices,
	.start		= split_start,
	.fetch		= split_fetch,
	.complete	= split_complete,
	.log_rest	= split_log_rest,
	.put_back	= split_put_back,
	.enable_kick	= split_enable_kick,
	.disable_kick	= split_disable_kick,
	.available	= split_available,
	.snapshot	= split_snapshot,
};
