// SPDX-License-Identifier: GPL-2.0-only
/*
 * The split layout (virtio 1.2, 2.7): a table of descriptors, a ring in which
 * the driver names the heads of available chains, and one in which the device
 * names used ones.
 *
 * All of it lies in memory that the guest writes while we read. Each word is
 * read once, into the batch's scratch space, and judged there.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/nospec.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "vring.h"

/* Reading a few descriptors one by one costs less than a copy. */
#define VRING_SPAN_MIN	4

/* The driver's event index follows the available ring, ours the used ring. */
static __virtio16 __user *used_event(const struct vhost_queue *q)
{
	return (__virtio16 __user *)&q->avail->ring[q->num];
}

static __virtio16 __user *avail_event(const struct vhost_queue *q)
{
	return (__virtio16 __user *)&q->used->ring[q->num];
}

static bool split_addressable(const struct vhost_queue *q)
{
	size_t event = vhost_queue_has(q, VIRTIO_RING_F_EVENT_IDX) ?
		       sizeof(__virtio16) : 0;

	return access_ok(q->desc, q->num * sizeof(*q->desc)) &&
	       access_ok(q->avail, struct_size(q->avail, ring, q->num) + event) &&
	       access_ok(q->used, struct_size(q->used, ring, q->num) + event);
}

static int write_flags(struct vhost_queue *q, u16 flags)
{
	return put_user(cpu_to_vhost16(q, flags), &q->used->flags) ? -EFAULT : 0;
}

static int split_start(struct vhost_queue *q)
{
	__virtio16 idx;

	if (write_flags(q, 0) || get_user(idx, &q->used->idx))
		return -EFAULT;
	q->notify_off = false;
	q->last_used = vhost16_to_cpu(q, idx);
	q->avail_idx = q->last_avail;
	return 0;
}

/* How many chains are available. */
static int read_avail_idx(struct vhost_queue *q)
{
	__virtio16 idx;
	u16 n;

	if (get_user(idx, &q->avail->idx))
		return -EFAULT;
	q->avail_idx = vhost16_to_cpu(q, idx);
	n = q->avail_idx - q->last_avail;
	if (unlikely(n + vring_held(q) > q->num))
		return -EFAULT;
	/*
	 * The entries that the index covers are read after it. Pairs with the
	 * barrier of the driver before it moves the index.
	 */
	smp_rmb();
	return n;
}

/*
 * A descriptor as two words. For a section of user access. False on a fault,
 * after which it is to be left.
 */
static __always_inline bool unsafe_get_desc(struct vring_desc *to,
					    const struct vring_desc __user *from)
{
	unsafe_get_user(*(u64 *)&to->addr, (u64 __user *)&from->addr, fault);
	unsafe_get_user(*(u64 *)&to->len, (u64 __user *)&from->len, fault);
	return true;

fault:
	return false;
}

/* Read the next @n available entries, which may lie on both ends of the ring. */
static int read_heads(struct vhost_queue *q, unsigned int n)
{
	unsigned int slot = q->last_avail & (q->num - 1);
	unsigned int first = min(n, q->num - slot);
	__virtio16 *heads = q->batch->heads;

	if (copy_from_user(heads, &q->avail->ring[slot],
			   first * sizeof(*heads)))
		return -EFAULT;
	if (first < n && copy_from_user(heads + first, q->avail->ring,
					(n - first) * sizeof(*heads)))
		return -EFAULT;
	return 0;
}

/*
 * Read the first descriptor of each of @n chains, wherever it lies. One section
 * of user access serves them all: opening one costs more than reading.
 */
static int gather_descs(struct vhost_queue *q, unsigned int n)
{
	const __virtio16 *heads = q->batch->heads, *end = heads + n;
	struct vring_desc *desc = q->batch->desc;
	struct vring_desc __user *from;
	unsigned int head;

	if (!user_read_access_begin(q->desc, q->num * sizeof(*q->desc)))
		return -EFAULT;
	/* Pointers, since a check of an array's bounds may not be called here. */
	for (; heads < end; heads++, desc++) {
		head = vhost16_to_cpu(q, *heads);
		/* Descriptor 0 is read for one that is not in the table. */
		from = q->desc + (head < q->num ? head : 0);
		if (!unsafe_get_desc(desc, from))
			break;
	}
	user_read_access_end();
	return heads == end ? 0 : -EFAULT;
}

/*
 * Read the first descriptor of each of @n chains. Drivers take descriptors off a
 * list that is mostly in order, one way or the other, so the part of the table
 * in which they lie is little larger than they are, and read in one go.
 */
static int read_first_descs(struct vhost_queue *q, unsigned int n)
{
	struct vring_batch *b = q->batch;
	unsigned int i, head, low = q->num, high = 0;

	b->low = q->num;
	if (n < VRING_SPAN_MIN)
		return gather_descs(q, n);
	for (i = 0; i < n; i++) {
		head = vhost16_to_cpu(q, b->heads[i]);
		low = min(low, head);
		high = max(high, head);
	}
	if (high >= q->num || high - low >= min_t(u32, 2 * n, VRING_SPAN))
		return gather_descs(q, n);
	b->low = low;
	return compat_copy_from_user(b->span, q->desc + low,
				     (high - low + 1) * sizeof(*b->span)) ?
	       -EFAULT : 0;
}

/* Where read_first_descs() has put that of chain @i. */
static const struct vring_desc *first_desc(const struct vhost_queue *q,
					   unsigned int i)
{
	const struct vring_batch *b = q->batch;

	if (b->low == q->num)
		return &b->desc[i];
	i = vhost16_to_cpu(q, b->heads[i]) - b->low;
	return &b->span[array_index_nospec(i, VRING_SPAN)];
}

static int read_desc(struct vhost_queue *q, struct vring_desc *desc,
		     unsigned int i)
{
	struct vring_desc __user *from = q->desc + i;
	bool ok;

	if (!user_read_access_begin(from, sizeof(*from)))
		return -EFAULT;
	ok = unsafe_get_desc(desc, from);
	user_read_access_end();
	return ok ? 0 : -EFAULT;
}

/* Add the buffer that @desc describes to the chain. */
static enum vhost_drop add_buffer(struct vhost_queue *q,
				  struct vring_chain *chain, u16 flags,
				  const struct vring_desc *desc)
{
	struct vring_batch *b = q->batch;
	u64 addr = vhost64_to_cpu(q, desc->addr);
	u32 len = vhost32_to_cpu(q, desc->len);
	bool in = flags & VRING_DESC_F_WRITE;
	int n;

	b->walked++;

	/* Virtio 1.2, 2.7.4.2: what the device writes follows what it reads. */
	if (unlikely(!in && chain->in))
		return VHOST_DROP_CHAIN_ORDER;

	n = vhost_iotlb_translate(q->iotlb, &q->hint, addr, len,
				  b->iov + b->niov, VRING_MAX_HELD - b->niov);
	if (unlikely(n < 0))
		return n == -ENOBUFS ? VHOST_DROP_CHAIN_LONG :
				       VHOST_DROP_CHAIN_ADDRESS;
	b->niov += n;
	chain->size += len;
	if (in)
		chain->in += n;
	else
		chain->out += n;
	return VHOST_DROP_NONE;
}

/* Read from guest memory; it may lie in several regions. */
static bool read_guest(struct vhost_queue *q, u64 addr, void *to, size_t len)
{
	struct iovec iov[2];
	int i, n;

	/* Two: regions smaller than a table would only be made to annoy us. */
	n = vhost_iotlb_translate(q->iotlb, &q->hint, addr, len, iov,
				  ARRAY_SIZE(iov));
	for (i = 0; i < n; i++) {
		if (copy_from_user(to, iov[i].iov_base, iov[i].iov_len))
			return false;
		to += iov[i].iov_len;
	}
	return n >= 0;
}

/*
 * Virtio 1.2, 2.7.5.3: a chain may end in a table of its own in guest memory.
 * It is read in one go, or, if larger than the scratch space, entry by entry.
 */
static enum vhost_drop add_table(struct vhost_queue *q,
				 struct vring_chain *chain, u16 flags,
				 const struct vring_desc *desc)
{
	struct vring_desc *table = q->batch->table;
	u64 addr = vhost64_to_cpu(q, desc->addr);
	u32 len = vhost32_to_cpu(q, desc->len);
	u32 count = len / sizeof(*table), i = 0, seen = 0;
	bool whole = count <= VRING_BATCH;
	const struct vring_desc *entry;
	enum vhost_drop bad;

	if (unlikely(!count || len % sizeof(*table) ||
		     (flags & VRING_DESC_F_NEXT)))
		return VHOST_DROP_CHAIN_INDIRECT;
	if (whole && unlikely(!read_guest(q, addr, table, len)))
		return VHOST_DROP_CHAIN_INDIRECT;

	for (;;) {
		if (unlikely(i >= count))
			return VHOST_DROP_CHAIN_NEXT;
		if (unlikely(seen++ == min_t(u32, count, VRING_MAX_HELD)))
			return count > VRING_MAX_HELD ? VHOST_DROP_CHAIN_LONG :
							VHOST_DROP_CHAIN_LOOP;
		entry = table + (whole ? i : 0);
		if (!whole && !read_guest(q, addr + i * sizeof(*table), table,
					  sizeof(*table)))
			return VHOST_DROP_CHAIN_INDIRECT;

		flags = vhost16_to_cpu(q, entry->flags);
		if (unlikely(flags & VRING_DESC_F_INDIRECT))
			return VHOST_DROP_CHAIN_INDIRECT;
		bad = add_buffer(q, chain, flags, entry);
		if (unlikely(bad != VHOST_DROP_NONE))
			return bad;
		if (!(flags & VRING_DESC_F_NEXT))
			return VHOST_DROP_NONE;
		i = vhost16_to_cpu(q, entry->next);
	}
}

/*
 * Walk the chain whose first descriptor is @desc.
 *
 * Return: an enum vhost_drop, or -EFAULT if the table could not be read.
 */
static int walk_chain(struct vhost_queue *q, struct vring_chain *chain,
		      const struct vring_desc *desc)
{
	unsigned int seen = 0, next;
	struct vring_desc read;
	enum vhost_drop bad;
	u16 flags;

	if (unlikely(chain->id >= q->num))
		return VHOST_DROP_CHAIN_HEAD;

	for (;;) {
		if (unlikely(seen++ == min_t(u32, q->num, VRING_MAX_HELD)))
			return q->num > VRING_MAX_HELD ? VHOST_DROP_CHAIN_LONG :
							 VHOST_DROP_CHAIN_LOOP;
		flags = vhost16_to_cpu(q, desc->flags);
		if (flags & VRING_DESC_F_INDIRECT)
			return add_table(q, chain, flags, desc);
		bad = add_buffer(q, chain, flags, desc);
		if (unlikely(bad != VHOST_DROP_NONE))
			return bad;
		if (!(flags & VRING_DESC_F_NEXT))
			return VHOST_DROP_NONE;

		next = vhost16_to_cpu(q, desc->next);
		if (unlikely(next >= q->num))
			return VHOST_DROP_CHAIN_NEXT;
		if (unlikely(read_desc(q, &read, next)))
			return -EFAULT;
		desc = &read;
	}
}

/*
 * Append chain @i of those whose heads have been read.
 *
 * Return: 0; -ENOSPC if it does not fit beside those that are held; -EFAULT.
 */
static int hold_chain(struct vhost_queue *q, unsigned int i)
{
	struct vring_batch *b = q->batch;
	struct vring_chain *chain = &b->chains[b->count];
	int bad;

	chain->id = vhost16_to_cpu(q, b->heads[i]);
	chain->first = b->niov;
	chain->out = 0;
	chain->in = 0;
	chain->size = 0;
	chain->written = 0;

	bad = walk_chain(q, chain, first_desc(q, i));
	if (unlikely(bad != VHOST_DROP_NONE)) {
		b->niov = chain->first;
		if (bad < 0)
			return bad;
		if (bad == VHOST_DROP_CHAIN_LONG && chain->first)
			return -ENOSPC;
		chain->out = 0;
		chain->in = 0;
		chain->size = 0;
	}
	chain->bad = bad;
	b->count++;
	return 0;
}

static int split_fetch(struct vhost_queue *q, unsigned int max)
{
	struct vring_batch *b = q->batch;
	unsigned int i, walked;
	int n, err = 0;

	n = read_avail_idx(q);
	if (n <= 0)
		return n;
	n = min3((unsigned int)n, max, (unsigned int)VRING_BATCH);
	n = min_t(unsigned int, n, VRING_MAX_HELD - b->count);
	if (!n)
		return -ENOSPC;
	if (read_heads(q, n) || read_first_descs(q, n))
		return -EFAULT;

	walked = b->walked;
	for (i = 0; i < n; i++) {
		/* Empty descriptors fill no batch, and are to be read in turns. */
		if (unlikely(b->walked - walked > VRING_MAX_HELD)) {
			cond_resched();
			break;
		}
		err = hold_chain(q, i);
		if (unlikely(err))
			break;
	}
	q->last_avail += i;
	return i ? i : err;
}

static void split_put_back(struct vhost_queue *q, unsigned int n)
{
	q->last_avail -= n;
}

/* Write @n used entries to the ring from @slot on, not beyond its end. */
static int write_used(struct vhost_queue *q, unsigned int slot,
		      const struct vring_used_elem *used, unsigned int n)
{
	struct vring_used_elem __user *to = q->used->ring + slot;

	/* One costs less without the overhead of a copy. */
	if (n == 1)
		return put_user(*(const u64 *)used, (u64 __user *)to) ?
		       -EFAULT : 0;
	return copy_to_user(to, used, n * sizeof(*used)) ? -EFAULT : 0;
}

static int split_complete(struct vhost_queue *q, unsigned int end)
{
	struct vring_batch *b = q->batch;
	const struct vring_chain *chain = b->chains + b->done;
	unsigned int i, n, slot, left;

	for (left = end - b->done; left; left -= n) {
		slot = q->last_used & (q->num - 1);
		n = min3(left, q->num - slot, (unsigned int)VRING_BATCH);
		for (i = 0; i < n; i++, chain++) {
			b->used[i].id = cpu_to_vhost32(q, chain->id);
			b->used[i].len = cpu_to_vhost32(q, chain->written);
		}
		if (write_used(q, slot, b->used, n))
			return -EFAULT;
		q->last_used += n;
	}

	/* The driver reads the index, then the entries that it covers. */
	smp_wmb();
	return put_user(cpu_to_vhost16(q, q->last_used), &q->used->idx) ?
	       -EFAULT : 0;
}

/* If the guest's wish cannot be read, an interrupt too many does less harm. */
static bool split_want_call(struct vhost_queue *q, u16 old)
{
	bool valid = q->called_valid;
	__virtio16 word;

	/*
	 * The used index is visible before the driver's wish is read. Pairs
	 * with the barrier of the driver between asking for an interrupt and
	 * looking once more.
	 */
	smp_mb();

	if (vhost_queue_has(q, VIRTIO_F_NOTIFY_ON_EMPTY) &&
	    q->avail_idx == q->last_avail)
		return true;

	if (!vhost_queue_has(q, VIRTIO_RING_F_EVENT_IDX)) {
		if (get_user(word, &q->avail->flags))
			return true;
		return !(vhost16_to_cpu(q, word) & VRING_AVAIL_F_NO_INTERRUPT);
	}

	q->called_valid = true;
	if (unlikely(!valid) || get_user(word, used_event(q)))
		return true;
	return vring_need_event(vhost16_to_cpu(q, word), q->last_used, old);
}

static int split_enable_kick(struct vhost_queue *q)
{
	u16 seen = q->avail_idx;

	/* What was put back is no news: the next entry that is new counts. */
	if (vhost_queue_has(q, VIRTIO_RING_F_EVENT_IDX)) {
		if (put_user(cpu_to_vhost16(q, seen), avail_event(q)))
			return -EFAULT;
	} else if (write_flags(q, 0)) {
		return -EFAULT;
	}
	q->notify_off = false;

	/*
	 * Our wish is visible before the index is read again. Pairs with the
	 * barrier of the driver between moving the index and reading the wish.
	 */
	smp_mb();
	if (read_avail_idx(q) < 0)
		return -EFAULT;
	return q->avail_idx != seen;
}

static int split_disable_kick(struct vhost_queue *q)
{
	/* An event index that is left behind asks for nothing. */
	if (q->notify_off || vhost_queue_has(q, VIRTIO_RING_F_EVENT_IDX))
		return 0;
	q->notify_off = true;
	return write_flags(q, VRING_USED_F_NO_NOTIFY);
}

const struct vring_ops vring_split_ops = {
	.start		= split_start,
	.fetch		= split_fetch,
	.complete	= split_complete,
	.put_back	= split_put_back,
	.want_call	= split_want_call,
	.enable_kick	= split_enable_kick,
	.disable_kick	= split_disable_kick,
	.addressable	= split_addressable,
};
