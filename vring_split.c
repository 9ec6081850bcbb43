// SPDX-License-Identifier: GPL-2.0-only
/*
 * The split layout (virtio 1.2, 2.7): a table of descriptors, a ring in which
 * the driver names the heads of available chains, and one in which the device
 * names used ones.
 *
 * All of it lies in memory that the guest writes while we read. Each word is
 * read once, into the batch's scratch space, and judged there.
 */

#include <linux/nospec.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "vring.h"

/* Reading a few descriptors one by one costs less than a copy. */
#define VHA_RING_SPAN_MIN	4

/* The driver's event index follows the available ring, ours the used ring. */
static __virtio16 __user *used_event(const struct vha_queue *q)
{
	return (__virtio16 __user *)&q->avail->ring[q->num];
}

static __virtio16 __user *avail_event(const struct vha_queue *q)
{
	return (__virtio16 __user *)&q->used->ring[q->num];
}

static size_t split_area_size(const struct vha_queue *q, enum vha_ring_area area)
{
	size_t event = vha_queue_has(q, VIRTIO_RING_F_EVENT_IDX) ?
		       sizeof(__virtio16) : 0;

	switch (area) {
	case VHA_RING_DESC:
		return q->num * sizeof(*q->desc);
	case VHA_RING_AVAIL:
		return struct_size(q->avail, ring, q->num) + event;
	default:
		return struct_size(q->used, ring, q->num) + event;
	}
}

static int split_start(struct vha_queue *q)
{
	int err;

	err = vha_ring_write16(q, &q->used->flags, 0);
	if (!err)
		err = vha_ring_read16(q, &q->last_used, &q->used->idx);
	if (err)
		return err;
	q->notify_off = false;
	q->avail_idx = q->last_avail;
	return 0;
}

/* How many chains are available. */
static int split_available(struct vha_queue *q)
{
	u16 n;

	if (vha_ring_read16(q, &q->avail_idx, &q->avail->idx))
		return -EFAULT;
	n = q->avail_idx - q->last_avail;
	if (unlikely(n + vha_ring_held(q) > q->num))
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
static int read_heads(struct vha_queue *q, unsigned int n)
{
	unsigned int slot = q->last_avail & (q->num - 1);
	unsigned int first = min(n, q->num - slot);
	__virtio16 *heads = q->batch->heads;

	if (vha_ring_read(q, heads, &q->avail->ring[slot], first * sizeof(*heads)))
		return -EFAULT;
	if (first == n)
		return 0;
	return vha_ring_read(q, heads + first, q->avail->ring,
			     (n - first) * sizeof(*heads));
}

/*
 * Read the first descriptor of each of @n chains, wherever it lies. One section
 * of user access serves them all: opening one costs more than reading.
 */
static int gather_descs(struct vha_queue *q, unsigned int n)
{
	const __virtio16 *heads = q->batch->heads, *end = heads + n;
	struct vring_desc *desc = q->batch->desc;
	struct vring_desc __user *from;
	unsigned int head;

	if (!user_read_access_begin(q->desc, q->num * sizeof(*q->desc)))
		return -EFAULT;
	/* Pointers, since a check of an array's bounds may not be called here. */
	for (; heads < end; heads++, desc++) {
		head = vha16_to_cpu(q, *heads);
		/* Descriptor 0 is read for one that is not in the table. */
		from = q->desc + (head < q->num ? head : 0);
		if (!unsafe_get_desc(desc, from))
			break;
	}
	user_read_access_end();
	return heads == end ? 0 : -EFAULT;
}

/* The same where each descriptor may lie in a region of its own. */
static int gather_scattered(struct vha_queue *q, unsigned int n)
{
	struct vha_ring_batch *b = q->batch;
	unsigned int i, head;

	for (i = 0; i < n; i++) {
		head = vha16_to_cpu(q, b->heads[i]);
		if (vha_ring_read_scattered(q, &b->desc[i],
					    q->desc + (head < q->num ? head : 0),
					    sizeof(b->desc[i])))
			return -EFAULT;
	}
	return 0;
}

/*
 * Read the first descriptor of each of @n chains. Drivers take descriptors off a
 * list that is mostly in order, one way or the other, so the part of the table
 * in which they lie is little larger than they are, and read in one go.
 */
static int read_first_descs(struct vha_queue *q, unsigned int n)
{
	struct vha_ring_batch *b = q->batch;
	unsigned int i, head, low = q->num, high = 0;

	b->low = q->num;
	if (unlikely(q->scattered))
		return gather_scattered(q, n);
	if (n < VHA_RING_SPAN_MIN)
		return gather_descs(q, n);
	for (i = 0; i < n; i++) {
		head = vha16_to_cpu(q, b->heads[i]);
		low = min(low, head);
		high = max(high, head);
	}
	if (high >= q->num || high - low >= min_t(u32, 2 * n, VHA_RING_SPAN))
		return gather_descs(q, n);
	b->low = low;
	return compat_copy_from_user(b->span, q->desc + low,
				     (high - low + 1) * sizeof(*b->span)) ?
	       -EFAULT : 0;
}

/* Where read_first_descs() has put that of chain @i. */
static const struct vring_desc *first_desc(const struct vha_queue *q,
					   unsigned int i)
{
	const struct vha_ring_batch *b = q->batch;

	if (b->low == q->num)
		return &b->desc[i];
	i = vha16_to_cpu(q, b->heads[i]) - b->low;
	return &b->span[array_index_nospec(i, VHA_RING_SPAN)];
}

static int read_desc(struct vha_queue *q, struct vring_desc *desc,
		     unsigned int i)
{
	struct vring_desc __user *from = q->desc + i;
	bool ok;

	if (unlikely(q->scattered))
		return vha_ring_read_scattered(q, desc, from, sizeof(*desc));
	if (!user_read_access_begin(from, sizeof(*from)))
		return -EFAULT;
	ok = unsafe_get_desc(desc, from);
	user_read_access_end();
	return ok ? 0 : -EFAULT;
}

/*
 * What it means for a chain that vha_iotlb_translate() has failed for @addr.
 *
 * Return: an enum vhost_alt_drop; -EINPROGRESS.
 */
static int judge_failure(struct vha_queue *q, int err, u64 addr, bool in)
{
	if (err == -ENOBUFS)
		return VHOST_ALT_DROP_CHAIN_LONG;
	if (err != -EFAULT || !q->iotlb)
		return VHOST_ALT_DROP_CHAIN_ADDRESS;
	return vha_ring_missed(q, addr, in ? VHOST_ACCESS_WO : VHOST_ACCESS_RO);
}

/*
 * Add a buffer that is not in one piece in the region of the last one. Not inline,
 * so that the usual case is spared the registers that this needs.
 */
static noinline int add_pieces(struct vha_queue *q, struct vha_ring_chain *chain,
			       u64 addr, u32 len, bool in)
{
	struct vha_ring_batch *b = q->batch;
	int n;

	n = vha_iotlb_translate(vha_queue_map(q), &q->hint, addr, len,
				in ? VHOST_ACCESS_WO : VHOST_ACCESS_RO,
				b->iov + b->niov, VHA_RING_MAX_HELD - b->niov);
	if (n < 0)
		return judge_failure(q, n, addr, in);
	b->niov += n;
	chain->size += len;
	if (in)
		chain->in += n;
	else
		chain->out += n;
	return VHA_DROP_NONE;
}

/*
 * Add the buffer that @desc describes to the chain.
 *
 * Return: as walk_chain().
 */
static int add_buffer(struct vha_queue *q, struct vha_ring_chain *chain,
		      u16 flags, const struct vring_desc *desc)
{
	struct vha_ring_batch *b = q->batch;
	u64 addr = vha64_to_cpu(q, desc->addr);
	u32 len = vha32_to_cpu(q, desc->len);
	bool in = flags & VRING_DESC_F_WRITE;

	b->walked++;

	/* Virtio 1.2, 2.7.4.2: what the device writes follows what it reads. */
	if (unlikely(!in && chain->in))
		return VHOST_ALT_DROP_CHAIN_ORDER;
	if (unlikely(b->niov == VHA_RING_MAX_HELD ||
		     !vha_iotlb_translate_fast(q->hint, addr, len,
					       b->iov + b->niov)))
		return add_pieces(q, chain, addr, len, in);
	b->niov++;
	chain->size += len;
	if (in)
		chain->in++;
	else
		chain->out++;
	return VHA_DROP_NONE;
}

/*
 * Read a part of a table in guest memory; it may lie in several regions.
 *
 * Return: as walk_chain().
 */
static int read_table(struct vha_queue *q, u64 addr, void *to, size_t len)
{
	struct iovec iov[2];
	int i, n;

	/* Two: regions smaller than a table would only be made to annoy us. */
	n = vha_iotlb_translate(vha_queue_map(q), &q->hint, addr, len,
				VHOST_ACCESS_RO, iov, ARRAY_SIZE(iov));
	if (n == -EFAULT && q->iotlb)
		return judge_failure(q, n, addr, false);
	for (i = 0; i < n; i++) {
		if (copy_from_user(to, iov[i].iov_base, iov[i].iov_len))
			return VHOST_ALT_DROP_CHAIN_INDIRECT;
		to += iov[i].iov_len;
	}
	return n < 0 ? VHOST_ALT_DROP_CHAIN_INDIRECT : VHA_DROP_NONE;
}

/*
 * Virtio 1.2, 2.7.5.3: a chain may end in a table of its own in guest memory.
 * It is read in one go, or, if larger than the scratch space, entry by entry.
 *
 * Return: as walk_chain().
 */
static int add_table(struct vha_queue *q, struct vha_ring_chain *chain,
		     u16 flags, const struct vring_desc *desc)
{
	struct vring_desc *table = q->batch->table;
	u64 addr = vha64_to_cpu(q, desc->addr);
	u32 len = vha32_to_cpu(q, desc->len);
	u32 count = len / sizeof(*table), i = 0, seen = 0;
	bool whole = count <= VHA_RING_BATCH;
	const struct vring_desc *entry;
	int bad;

	if (unlikely(!count || len % sizeof(*table) ||
		     (flags & VRING_DESC_F_NEXT)))
		return VHOST_ALT_DROP_CHAIN_INDIRECT;
	bad = whole ? read_table(q, addr, table, len) : VHA_DROP_NONE;
	if (unlikely(bad != VHA_DROP_NONE))
		return bad;

	for (;;) {
		if (unlikely(i >= count))
			return VHOST_ALT_DROP_CHAIN_NEXT;
		if (unlikely(seen++ == min_t(u32, count, VHA_RING_MAX_HELD)))
			return count > VHA_RING_MAX_HELD ? VHOST_ALT_DROP_CHAIN_LONG :
							VHOST_ALT_DROP_CHAIN_LOOP;
		entry = table + (whole ? array_index_nospec(i, VHA_RING_BATCH) : 0);
		if (!whole)
			bad = read_table(q, addr + i * sizeof(*table), table,
					 sizeof(*table));
		if (unlikely(bad != VHA_DROP_NONE))
			return bad;

		flags = vha16_to_cpu(q, entry->flags);
		if (unlikely(flags & VRING_DESC_F_INDIRECT))
			return VHOST_ALT_DROP_CHAIN_INDIRECT;
		bad = add_buffer(q, chain, flags, entry);
		if (unlikely(bad != VHA_DROP_NONE))
			return bad;
		if (!(flags & VRING_DESC_F_NEXT))
			return VHA_DROP_NONE;
		i = vha16_to_cpu(q, entry->next);
	}
}

/*
 * Walk the chain whose first descriptor is @desc.
 *
 * Return: an enum vhost_alt_drop; -EFAULT if the table could not be read; -EINPROGRESS
 * if the device IOTLB lacks an entry.
 */
static int walk_chain(struct vha_queue *q, struct vha_ring_chain *chain,
		      const struct vring_desc *desc)
{
	unsigned int seen = 0, next;
	struct vring_desc read;
	int bad;
	u16 flags;

	if (unlikely(chain->id >= q->num))
		return VHOST_ALT_DROP_CHAIN_HEAD;

	for (;;) {
		if (unlikely(seen++ == min_t(u32, q->num, VHA_RING_MAX_HELD)))
			return q->num > VHA_RING_MAX_HELD ? VHOST_ALT_DROP_CHAIN_LONG :
							 VHOST_ALT_DROP_CHAIN_LOOP;
		flags = vha16_to_cpu(q, desc->flags);
		if (flags & VRING_DESC_F_INDIRECT)
			return add_table(q, chain, flags, desc);
		bad = add_buffer(q, chain, flags, desc);
		if (unlikely(bad != VHA_DROP_NONE))
			return bad;
		if (!(flags & VRING_DESC_F_NEXT))
			return VHA_DROP_NONE;

		next = vha16_to_cpu(q, desc->next);
		if (unlikely(next >= q->num))
			return VHOST_ALT_DROP_CHAIN_NEXT;
		if (unlikely(read_desc(q, &read, next)))
			return -EFAULT;
		desc = &read;
	}
}

/*
 * Append chain @i of those whose heads have been read.
 *
 * Return: 0; -ENOSPC if it does not fit beside those that are held; -EFAULT or
 * -EINPROGRESS as walk_chain().
 */
static int hold_chain(struct vha_queue *q, unsigned int i)
{
	struct vha_ring_batch *b = q->batch;
	struct vha_ring_chain *chain = &b->chains[b->count];
	int bad;

	chain->id = vha16_to_cpu(q, b->heads[i]);
	chain->first = b->niov;
	chain->out = 0;
	chain->in = 0;
	chain->size = 0;
	chain->written = 0;

	bad = walk_chain(q, chain, first_desc(q, i));
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

static int split_fetch(struct vha_queue *q, unsigned int max)
{
	struct vha_ring_batch *b = q->batch;
	unsigned int i, walked;
	int n, err = 0;

	n = split_available(q);
	if (n <= 0)
		return n;
	n = min3((unsigned int)n, max, (unsigned int)VHA_RING_BATCH);
	n = min_t(unsigned int, n, VHA_RING_MAX_HELD - b->count);
	if (!n)
		return -ENOSPC;
	if (read_heads(q, n) || read_first_descs(q, n))
		return -EFAULT;

	walked = b->walked;
	for (i = 0; i < n; i++) {
		/* Empty descriptors fill no batch, and are to be read in turns. */
		if (unlikely(b->walked - walked > VHA_RING_MAX_HELD)) {
			cond_resched();
			break;
		}
		err = hold_chain(q, i);
		if (unlikely(err))
			break;
	}
	q->last_avail += i;
	/* What comes before an error is worked on first; then this meets it again. */
	return i ? i : err;
}

static void split_put_back(struct vha_queue *q, unsigned int n)
{
	q->last_avail -= n;
}

/* Write @n used entries to the ring from @slot on, not beyond its end. */
static int write_used(struct vha_queue *q, unsigned int slot,
		      const struct vring_used_elem *used, unsigned int n)
{
	struct vring_used_elem __user *to = q->used->ring + slot;
	size_t size = n * sizeof(*used);

	if (unlikely(q->scattered)) {
		if (vha_ring_write_scattered(q, to, used, size))
			return -EFAULT;
	} else if (n == 1) {
		/* One costs less without the overhead of a copy. */
		if (put_user(*(const u64 *)used, (u64 __user *)to))
			return -EFAULT;
	} else if (copy_to_user(to, used, size)) {
		return -EFAULT;
	}
	return unlikely(q->log.used) ? vha_ring_log_used(q, to, size) : 0;
}

static void set_used(const struct vha_queue *q, struct vring_used_elem *used,
		     const struct vha_ring_chain *chain)
{
	used->id = cpu_to_vha32(q, chain->id);
	used->len = cpu_to_vha32(q, chain->written);
}

/* Write an entry for each chain, from *@index on, which is moved behind them. */
static int write_each(struct vha_queue *q, unsigned int end, u16 *index)
{
	struct vha_ring_batch *b = q->batch;
	const struct vha_ring_chain *chain = b->chains + b->done;
	unsigned int i, n, slot, left;

	for (left = end - b->done; left; left -= n) {
		slot = *index & (q->num - 1);
		n = min3(left, q->num - slot, (unsigned int)VHA_RING_BATCH);
		for (i = 0; i < n; i++, chain++)
			set_used(q, &b->used[i], chain);
		if (write_used(q, slot, b->used, n))
			return -EFAULT;
		*index += n;
	}
	return 0;
}

/* Has the device written all that it could, so that the guest may assume it? */
static bool used_completely(const struct vha_ring_chain *chain)
{
	if (chain->bad != VHA_DROP_NONE || (chain->in && chain->out))
		return false;
	return chain->written == (chain->in ? chain->size : 0);
}

/*
 * Virtio 1.2, 2.7.7.1: where chains are used in order, one entry serves several:
 * it stands where that of the first would, and names the last. Of those before
 * it the guest assumes that they are used completely. *@index becomes that of
 * the entry behind them.
 */
static int write_in_order(struct vha_queue *q, unsigned int end, u16 *index)
{
	unsigned int first = q->batch->done, last, slot = 0, n = 0;
	struct vring_used_elem *used = q->batch->used;
	int err;

	for (; first < end; first = last + 1) {
		last = first;
		while (last + 1 < end && used_completely(&q->batch->chains[last]))
			last++;
		if (!n)
			slot = *index & (q->num - 1);
		set_used(q, &used[n++], &q->batch->chains[last]);
		*index += last - first + 1;
		/* Entries that stand side by side are written together. */
		if (last == first && last + 1 < end && n < VHA_RING_BATCH &&
		    slot + n < q->num)
			continue;
		err = write_used(q, slot, used, n);
		if (err)
			return err;
		n = 0;
	}
	return 0;
}

static int split_complete(struct vha_queue *q, unsigned int end)
{
	u16 index = q->last_used;
	int err;

	if (vha_queue_has(q, VIRTIO_F_IN_ORDER))
		err = write_in_order(q, end, &index);
	else
		err = write_each(q, end, &index);
	if (err)
		return err;

	/* The driver reads the index, then the entries that it covers. */
	smp_wmb();
	err = vha_ring_write16_unlogged(q, &q->used->idx, index);
	if (err)
		return err;
	q->last_used = index;
	q->batch->done = end;
	return unlikely(q->log.used) ?
	       vha_ring_log_used(q, &q->used->idx, sizeof(q->used->idx)) : 0;
}

/* If the guest's wish cannot be read, an interrupt too many does less harm. */
static bool split_want_call(struct vha_queue *q, u16 old)
{
	bool valid = q->called_valid;
	u16 word;

	/*
	 * The used index is visible before the driver's wish is read. Pairs
	 * with the barrier of the driver between asking for an interrupt and
	 * looking once more.
	 */
	smp_mb();

	if (vha_queue_has(q, VIRTIO_F_NOTIFY_ON_EMPTY) &&
	    q->avail_idx == q->last_avail)
		return true;

	if (!vha_queue_has(q, VIRTIO_RING_F_EVENT_IDX)) {
		if (vha_ring_read16(q, &word, &q->avail->flags))
			return true;
		return !(word & VRING_AVAIL_F_NO_INTERRUPT);
	}

	q->called_valid = true;
	if (unlikely(!valid) || vha_ring_read16(q, &word, used_event(q)))
		return true;
	return vring_need_event(word, q->last_used, old);
}

static int split_enable_kick(struct vha_queue *q)
{
	u16 seen = q->avail_idx;
	int err;

	/* What was put back is no news: the next entry that is new counts. */
	if (vha_queue_has(q, VIRTIO_RING_F_EVENT_IDX))
		err = vha_ring_write16(q, avail_event(q), seen);
	else
		err = vha_ring_write16(q, &q->used->flags, 0);
	if (err)
		return err;
	q->notify_off = false;

	/*
	 * Our wish is visible before the index is read again. Pairs with the
	 * barrier of the driver between moving the index and reading the wish.
	 */
	smp_mb();
	if (split_available(q) < 0)
		return -EFAULT;
	return q->avail_idx != seen;
}

static int split_disable_kick(struct vha_queue *q)
{
	/* An event index that is left behind asks for nothing. */
	if (q->notify_off || vha_queue_has(q, VIRTIO_RING_F_EVENT_IDX))
		return 0;
	q->notify_off = true;
	return vha_ring_write16(q, &q->used->flags, VRING_USED_F_NO_NOTIFY);
}

/* ---- a look at the ring ---- */

/* The chain at @entry->id, as far as it lies in the table. */
static int look_at_chain(struct vha_queue *q,
			 struct vha_ring_snapshot_entry *entry)
{
	struct vha_ring_snapshot_desc *to = entry->descs;
	unsigned int i = entry->id;
	struct vring_desc desc;
	int err;

	for (; i < q->num && entry->ndescs < VHA_RING_SNAPSHOT_DESCS; to++) {
		i = array_index_nospec(i, q->num);
		err = vha_ring_read(q, &desc, q->desc + i, sizeof(desc));
		if (err)
			return err;
		to->index = i;
		to->addr = vha64_to_cpu(q, desc.addr);
		to->len = vha32_to_cpu(q, desc.len);
		to->flags = vha16_to_cpu(q, desc.flags);
		to->next = vha16_to_cpu(q, desc.next);
		entry->ndescs++;
		if (!(to->flags & VRING_DESC_F_NEXT))
			break;
		i = to->next;
	}
	return 0;
}

static int look_at_avail(struct vha_queue *q,
			 struct vha_ring_snapshot_entry *entry, u16 index)
{
	u16 head;
	int err;

	err = vha_ring_read16(q, &head, &q->avail->ring[index & (q->num - 1)]);
	if (err)
		return err;
	entry->index = index;
	entry->id = head;
	return look_at_chain(q, entry);
}

static int look_at_used(struct vha_queue *q,
			struct vha_ring_snapshot_entry *entry, u16 index)
{
	struct vring_used_elem elem;
	int err;

	err = vha_ring_read(q, &elem, &q->used->ring[index & (q->num - 1)],
			    sizeof(elem));
	if (err)
		return err;
	entry->index = index;
	entry->id = vha32_to_cpu(q, elem.id);
	entry->len = vha32_to_cpu(q, elem.len);
	return 0;
}

static int look_at_indices(struct vha_queue *q, struct vha_ring_snapshot *snap)
{
	int err;

	err = vha_ring_read16(q, &snap->avail_flags, &q->avail->flags) ?:
	      vha_ring_read16(q, &snap->avail_idx, &q->avail->idx) ?:
	      vha_ring_read16(q, &snap->used_flags, &q->used->flags) ?:
	      vha_ring_read16(q, &snap->used_idx, &q->used->idx);
	snap->event_idx = vha_queue_has(q, VIRTIO_RING_F_EVENT_IDX);
	if (err || !snap->event_idx)
		return err;
	return vha_ring_read16(q, &snap->used_event, used_event(q)) ?:
	       vha_ring_read16(q, &snap->avail_event, avail_event(q));
}

static int split_snapshot(struct vha_queue *q, struct vha_ring_snapshot *snap)
{
	unsigned int n = min(snap->count, q->num), i;
	int err;

	err = look_at_indices(q, snap);
	for (i = 0; !err && i < n; i++)
		err = look_at_avail(q, &snap->avail[i], q->last_avail - n + i) ?:
		      look_at_used(q, &snap->used[i], q->last_used - n + i);
	snap->navail = n;
	snap->nused = n;
	return err;
}

const struct vha_ring_ops vha_ring_split_ops = {
	.name		= "split",
	.start		= split_start,
	.fetch		= split_fetch,
	.complete	= split_complete,
	.put_back	= split_put_back,
	.want_call	= split_want_call,
	.enable_kick	= split_enable_kick,
	.disable_kick	= split_disable_kick,
	.available	= split_available,
	.snapshot	= split_snapshot,
	.area_size	= split_area_size,
	.area_perm	= {
		[VHA_RING_DESC]	= VHOST_ACCESS_RO,
		[VHA_RING_AVAIL]	= VHOST_ACCESS_RO,
		[VHA_RING_USED]	= VHOST_ACCESS_WO,
	},
};
