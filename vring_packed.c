// SPDX-License-Identifier: GPL-2.0-only
/*
 * The packed layout (virtio 1.2, 2.8): one ring of descriptors, which the
 * driver makes available, and which the device overwrites with used ones. A
 * position in the ring is an index with a wrap counter, which tells one lap
 * from the next.
 *
 * All of it lies in memory that the guest may write at any time. Each word is
 * read once, into the batch's scratch space, and checked there.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "vring_access.h"
#include "vring_chain.h"
#include "vring_packed.h"

#define WRAP		((u16)BIT(VRING_PACKED_EVENT_F_WRAP_CTR))
#define DESC_AVAIL	((u16)BIT(VRING_PACKED_DESC_F_AVAIL))
#define DESC_USED	((u16)BIT(VRING_PACKED_DESC_F_USED))
#define DESC_MARKS	(DESC_AVAIL | DESC_USED)

/* The positions in a ring that has never been used. */
#define FRESH		WRAP

/* Virtio 1.2, 2.8.10.1. */
#define MAX_SIZE	32768

/* ---- positions ---- */

static __always_inline unsigned int slot_of(u16 pos)
{
	return pos & (WRAP - 1);
}

/*
 * Step forward by at most one lap. Always inline, as are the other functions
 * that are called in sections of user access.
 */
static __always_inline u16 forward(const struct vha_ring *ring, u16 pos,
				   unsigned int n)
{
	unsigned int slot = slot_of(pos) + n;

	if (slot < ring->num)
		return pos + n;
	return (~pos & WRAP) | (slot - ring->num);
}

/* Step back by at most one lap. */
static u16 backward(const struct vha_ring *ring, u16 pos, unsigned int n)
{
	unsigned int slot = slot_of(pos);

	if (slot >= n)
		return pos - n;
	return (~pos & WRAP) | (slot + ring->num - n);
}

/* The number of descriptors from one position to another; negative if none. */
static int distance(const struct vha_ring *ring, u16 from, u16 to)
{
	int n = slot_of(to) - slot_of(from);

	return (from ^ to) & WRAP ? n + (int)ring->num : n;
}

/* How many descriptors from @pos on the driver may have made available. */
static unsigned int room(const struct vha_ring *ring, u16 pos)
{
	return ring->num - distance(ring, ring->packed.used, pos);
}

/* ---- descriptors ---- */

static __always_inline u16 word_flags(__le64 word)
{
	return le64_to_cpu(word) >> 48;
}

static u16 word_id(__le64 word)
{
	return le64_to_cpu(word) >> 32;
}

static u32 word_len(__le64 word)
{
	return le64_to_cpu(word);
}

/* Check whether a descriptor is a chain of its own, without a table. */
static bool is_single(__le64 word)
{
	return !(word_flags(word) & (VRING_DESC_F_NEXT |
				     VRING_DESC_F_INDIRECT));
}

/* Virtio 1.2, 2.8.1: the marks of an available descriptor at @pos. */
static u16 available_marks(u16 pos)
{
	return pos & WRAP ? DESC_AVAIL : DESC_USED;
}

/* The marks of a used descriptor at @pos. */
static __always_inline u16 used_marks(u16 pos)
{
	return pos & WRAP ? DESC_MARKS : 0;
}

static __always_inline __le64 used_word(const struct vha_ring_chain *chain,
					u16 flags)
{
	if (chain->written)
		flags |= VRING_DESC_F_WRITE;
	return cpu_to_le64((u64)flags << 48 | (u64)chain->id << 32 |
			   chain->written);
}

/* The flags of a descriptor, which are the upper quarter of its word. */
static __virtio16 __user *desc_flags(const struct vha_ring *ring,
				     unsigned int slot)
{
	return (__virtio16 __user *)&ring->packed.desc[slot].word + 3;
}

/*
 * Check whether the descriptor at @pos is available.
 *
 * Return: 1, 0, or -EFAULT.
 */
static int is_available(struct vha_ring *ring, u16 pos)
{
	u16 flags;

	if (!room(ring, pos))
		return 0;
	if (vha_ring_read16(ring, &flags, desc_flags(ring, slot_of(pos))))
		return -EFAULT;
	return (flags & DESC_MARKS) == available_marks(pos);
}

/* ---- event suppression areas ---- */

/* Read what the driver wants. */
static int read_event(struct vha_ring *ring, u16 *off_wrap, u16 *flags)
{
	struct vring_packed_desc_event __user *area = ring->packed.driver;
	u32 word;
	int err;

	if (likely(!ring->scattered)) {
		/* In a single access: the two belong together. */
		if (get_user(word, (u32 __user *)area))
			return -EFAULT;
		word = le32_to_cpu((__force __le32)word);
		*off_wrap = word;
		*flags = word >> 16;
		return 0;
	}
	err = vha_ring_read16(ring, flags, (__virtio16 __user *)&area->flags);
	/*
	 * The driver writes the flags last. Litmus test: packed-event-driver.
	 */
	smp_rmb();
	return err ?: vha_ring_read16(ring, off_wrap,
				      (__virtio16 __user *)&area->off_wrap);
}

/* Write and log what the device wants. */
static int write_event(struct vha_ring *ring, u16 off_wrap, u16 flags)
{
	struct vring_packed_desc_event __user *area = ring->packed.device;
	__le32 word = cpu_to_le32((u32)flags << 16 | off_wrap);
	int err;

	if (likely(!ring->scattered)) {
		err = put_user((__force u32)word, (u32 __user *)area);
	} else {
		err = vha_ring_write16(ring, (__virtio16 __user *)
				       &area->off_wrap, off_wrap);
		/*
		 * The driver reads the flags first. Litmus test:
		 * packed-event-device.
		 */
		smp_wmb();
		err = err ?: vha_ring_write16(ring, (__virtio16 __user *)
					      &area->flags, flags);
	}
	if (unlikely(err || !ring->log.used))
		return err;
	return vha_ring_log_area(ring, area, ring->log.used_addr,
				 sizeof(*area));
}

/* ---- set-up ---- */

static bool packed_size_ok(u32 num)
{
	return num && num <= MAX_SIZE;
}

static size_t packed_area_size(const struct vha_ring *ring,
			       enum vha_ring_area area)
{
	if (area == VHA_RING_DESC)
		return ring->num * sizeof(struct vha_ring_packed_desc);
	return sizeof(struct vring_packed_desc_event);
}

static void packed_point(struct vha_ring *ring,
			 void __user *const area[VHA_RING_AREAS])
{
	ring->packed.desc = area[VHA_RING_DESC];
	ring->packed.driver = area[VHA_RING_AVAIL];
	ring->packed.device = area[VHA_RING_USED];
}

static void packed_reset(struct vha_ring *ring)
{
	ring->packed = (struct vha_ring_packed){};
}

/* The size may not be set yet, so the start judges the base. */
static int packed_set_base(struct vha_ring *ring, u32 base)
{
	WRITE_ONCE(ring->packed.avail, base);
	WRITE_ONCE(ring->packed.used, base >> 16);
	WRITE_ONCE(ring->packed.seen, base);
	ring->packed.unlogged = false;
	return 0;
}

/* Chains that are held are not used yet. */
static u32 packed_base(const struct vha_ring *ring)
{
	const struct vha_ring_batch *b = ring->batch;
	u16 avail = ring->packed.avail;
	unsigned int i;

	for (i = b->done; i < b->count; i++)
		avail = backward(ring, avail, b->packed.held[i].slots);
	return avail | (u32)ring->packed.used << 16;
}

static void packed_indices(const struct vha_ring *ring,
			   struct vha_ring_indices *indices)
{
	u16 avail = READ_ONCE(ring->packed.avail);
	u16 used = READ_ONCE(ring->packed.used);

	indices->last_avail = slot_of(avail);
	indices->avail_idx = slot_of(READ_ONCE(ring->packed.seen));
	indices->last_used = slot_of(used);
	indices->has_wraps = true;
	indices->avail_wrap = avail & WRAP;
	indices->used_wrap = used & WRAP;
}

/* Virtio 1.2, 2.8.10.1. Words are accessed in one go. */
static bool is_aligned(const struct vha_ring *ring)
{
	return IS_ALIGNED(ring->addr[VHA_RING_DESC], 16) &&
	       IS_ALIGNED(ring->addr[VHA_RING_AVAIL], 4) &&
	       IS_ALIGNED(ring->addr[VHA_RING_USED], 4);
}

static int packed_start(struct vha_ring *ring)
{
	struct vha_ring_packed *p = &ring->packed;
	u16 avail = p->avail, used = p->used;
	int err, inflight;

	if (!is_aligned(ring))
		return -EINVAL;
	/* Some owners leave the used half at 0 for a fresh ring. */
	if (avail == FRESH && !used && !vha_ring_held(ring))
		used = FRESH;
	if (slot_of(avail) >= ring->num || slot_of(used) >= ring->num)
		return -EINVAL;
	inflight = distance(ring, used, avail);
	if (inflight < 0 || inflight > (int)ring->num)
		return -EINVAL;
	err = write_event(ring, 0, VRING_PACKED_EVENT_FLAG_ENABLE);
	if (err)
		return err;
	p->used = used;
	p->seen = avail;
	p->drained = false;
	p->called_valid = false;
	p->at_event = false;
	return 0;
}

/* ---- fetch: read descriptors ---- */

/*
 * Read up to @max descriptors from @seen on, until @chains of them end a chain,
 * or one is not available. One section of user access serves them all: opening
 * one costs more than reading. Only the first descriptor of a chain tells
 * whether it is available: the driver writes that one last. @inside: the
 * first one read here continues a chain.
 */
static int read_section(struct vha_ring *ring, unsigned int max,
			unsigned int chains, bool inside)
{
	struct vha_ring_packed_desc __user *table = ring->packed.desc;
	struct vha_ring_packed_desc __user *last = table + ring->num - 1;
	struct vha_ring_packed_desc __user *from;
	struct vha_ring_packed_scratch *s = &ring->batch->packed;
	struct vha_ring_packed_desc *to = s->desc, *full = to + max;
	struct vha_ring_packed_desc *end = to + min(max, chains);
	struct vha_ring_packed *p = &ring->packed;
	u16 marks = available_marks(p->seen), flags;
	u16 judged = inside ? 0 : DESC_MARKS;
	int err = -EFAULT;
	__le64 word;

	if (!user_read_access_begin(table, ring->num * sizeof(*table)))
		return -EFAULT;
	for (from = table + slot_of(p->seen); to < end; to++) {
		unsafe_get_user(word, &from->word, fault);
		flags = word_flags(word);
		if ((flags ^ marks) & judged) {
			p->drained = true;
			break;
		}
		/* Pairs with the driver's. Litmus test: packed-avail. */
		smp_rmb();
		unsafe_get_user(to->addr, &from->addr, fault);
		to->word = word;
		judged = DESC_MARKS;
		if (unlikely(flags & VRING_DESC_F_NEXT)) {
			judged = 0;
			/* This descriptor has not ended a chain. */
			end += end < full;
		}
		if (from++ == last) {
			from = table;
			marks ^= DESC_MARKS;
		}
	}
	err = 0;
fault:
	user_read_access_end();
	s->count = to - s->desc;
	return err;
}

/* read_section() for a ring that may lie in several regions. */
static int read_scattered(struct vha_ring *ring, unsigned int max,
			  unsigned int chains, bool inside)
{
	struct vha_ring_packed_scratch *s = &ring->batch->packed;
	struct vha_ring_packed *p = &ring->packed;
	struct vha_ring_packed_desc *to;
	u16 pos = p->seen;
	int n;

	while (s->count < max) {
		n = inside ? 1 : is_available(ring, pos);
		if (n < 0)
			return -EFAULT;
		p->drained = !n;
		if (!n)
			return 0;
		/* As in read_section(). Litmus test: packed-avail. */
		smp_rmb();
		to = &s->desc[s->count];
		if (vha_ring_read_scattered(ring, to,
					    &p->desc[slot_of(pos)],
					    sizeof(*to)))
			return -EFAULT;
		s->count++;
		inside = word_flags(to->word) & VRING_DESC_F_NEXT;
		if (!inside && !--chains)
			return 0;
		pos = forward(ring, pos, 1);
	}
	return 0;
}

/*
 * Fill the scratch space from @seen on, and move @seen past it. See
 * read_section().
 *
 * Return: 0, or -EFAULT if not even one descriptor could be read.
 */
static int read_descs(struct vha_ring *ring, unsigned int chains, bool inside)
{
	struct vha_ring_packed_scratch *s = &ring->batch->packed;
	struct vha_ring_packed *p = &ring->packed;
	unsigned int max = min_t(u32, room(ring, p->seen), VHA_RING_SPAN);
	int err;

	s->next = 0;
	s->count = 0;
	p->drained = !max;
	if (unlikely(ring->scattered))
		err = read_scattered(ring, max, chains, inside);
	else
		err = read_section(ring, max, chains, inside);
	p->seen = forward(ring, p->seen, s->count);
	return s->count ? 0 : err;
}

static int packed_available(struct vha_ring *ring)
{
	return is_available(ring, ring->packed.avail);
}

/* ---- fetch: check and translate the chains ---- */

/*
 * Fast path of add_entries() for @max entries: add them from the first on, as
 * long as all are readable, or all writable, and each lies in one region.
 *
 * Return: how many have been added; add_entries() must handle the rest.
 */
static unsigned int add_uniform(struct vha_ring *ring,
				struct vha_ring_chain *chain, unsigned int max)
{
	struct vha_ring_batch *b = ring->batch;
	const struct vha_ring_packed_desc *entry = b->packed.table;
	u16 in = word_flags(entry->word) & VRING_DESC_F_WRITE;
	struct iovec *iov = b->iov + b->niov;
	unsigned int n;
	u64 size = 0;
	u32 len;

	if (unlikely(!in && chain->in))
		return 0;
	max = min_t(u32, max, VHA_RING_MAX_HELD - b->niov);
	for (n = 0; n < max; n++, entry++) {
		len = word_len(entry->word);
		if ((word_flags(entry->word) & (VRING_DESC_F_WRITE |
						VRING_DESC_F_INDIRECT)) != in)
			break;
		if (!vha_ring_translate_whole(ring, le64_to_cpu(entry->addr),
					      len, iov + n))
			break;
		size += len;
	}
	vha_ring_add_translated(ring, chain, n, size, in);
	return n;
}

/* Add the @n entries of a table that have been read. Return: a drop reason. */
static int add_entries(struct vha_ring *ring, struct vha_ring_chain *chain,
		       unsigned int n)
{
	const struct vha_ring_packed_desc *entry;
	unsigned int i;
	u16 flags;
	int bad;

	for (i = add_uniform(ring, chain, n); i < n; i++) {
		entry = &ring->batch->packed.table[i];
		flags = word_flags(entry->word);
		if (unlikely(flags & VRING_DESC_F_INDIRECT))
			return VHOST_ALT_DROP_CHAIN_INDIRECT;
		bad = vha_ring_add_buffer(ring, chain, le64_to_cpu(entry->addr),
					  word_len(entry->word),
					  flags & VRING_DESC_F_WRITE);
		if (unlikely(bad != VHA_DROP_NONE))
			return bad;
	}
	return VHA_DROP_NONE;
}

/*
 * Virtio 1.2, 2.8.7: a chain may be a table of its own in guest memory, whose
 * entries are used one after the other. Inline, it would take the registers of
 * the loop over direct descriptors.
 */
static noinline int add_table(struct vha_ring *ring,
			      struct vha_ring_chain *chain, u64 addr, u32 len,
			      u16 flags)
{
	struct vha_ring_packed_desc *table = ring->batch->packed.table;
	u32 count = len / sizeof(*table), i, n;
	int bad;

	/* The limit is checked where a part of the table begins. */
	BUILD_BUG_ON(VHA_RING_MAX_HELD % VHA_RING_BATCH);

	if (unlikely(!count || len % sizeof(*table) ||
		     (flags & VRING_DESC_F_NEXT)))
		return VHOST_ALT_DROP_CHAIN_INDIRECT;
	for (i = 0; i < count; i += n) {
		if (unlikely(i >= VHA_RING_MAX_HELD))
			return VHOST_ALT_DROP_CHAIN_LONG;
		n = min_t(u32, count - i, VHA_RING_BATCH);
		bad = vha_ring_read_table(ring, addr + i * sizeof(*table),
					  table, n * sizeof(*table));
		if (likely(bad == VHA_DROP_NONE))
			bad = add_entries(ring, chain, n);
		if (unlikely(bad != VHA_DROP_NONE))
			return bad;
	}
	return VHA_DROP_NONE;
}

/* Add the descriptor to the chain; @first: it begins the chain. */
static int add_desc(struct vha_ring *ring, struct vha_ring_chain *chain,
		    const struct vha_ring_packed_desc *desc, bool first)
{
	u64 addr = le64_to_cpu(desc->addr);
	u16 flags = word_flags(desc->word);
	u32 len = word_len(desc->word);

	if (flags & VRING_DESC_F_INDIRECT) {
		/* Unlike in the split layout, nothing may precede a table. */
		if (unlikely(!first))
			return VHOST_ALT_DROP_CHAIN_INDIRECT;
		return add_table(ring, chain, addr, len, flags);
	}
	return vha_ring_add_buffer(ring, chain, addr, len,
				   flags & VRING_DESC_F_WRITE);
}

/*
 * Read the next descriptor of a chain that continues past the last one read.
 *
 * Return: 0, -EFAULT, or -EPROTO if the chain continues where the driver has
 * already made other descriptors available.
 */
static noinline int read_on(struct vha_ring *ring)
{
	int err;

	lockdep_assert_held(ring->lock);
	cond_resched();
	err = read_descs(ring, 1, true);
	if (err)
		return err;
	return ring->batch->packed.count ? 0 : -EPROTO;
}

/*
 * Walk the chain that begins with the next descriptor, in full even if it is
 * bad: its last descriptor holds the buffer id, and the next chain follows it.
 *
 * Return: a drop reason; -EFAULT, -EPROTO as read_on().
 */
static int walk_chain(struct vha_ring *ring, struct vha_ring_chain *chain,
		      struct vha_ring_packed_held *held)
{
	struct vha_ring_packed_scratch *s = &ring->batch->packed;
	const struct vha_ring_packed_desc *next = s->desc + s->next, *desc;
	const struct vha_ring_packed_desc *end = s->desc + s->count;
	int bad = VHA_DROP_NONE, err;
	unsigned int n = 0;

	lockdep_assert_held(ring->lock);
	held->head = next->word;
	do {
		if (unlikely(next == end)) {
			err = read_on(ring);
			if (err)
				return err;
			next = s->desc;
			end = next + s->count;
		}
		desc = next++;
		n++;
		if (likely(bad == VHA_DROP_NONE && n <= VHA_RING_MAX_HELD)) {
			bad = add_desc(ring, chain, desc, n == 1);
			if (unlikely(bad < 0))
				return bad;
			continue;
		}
		ring->batch->walked++;
		if (bad == VHA_DROP_NONE)
			bad = VHOST_ALT_DROP_CHAIN_LONG;
	} while (word_flags(desc->word) & VRING_DESC_F_NEXT);
	s->next = next - s->desc;
	chain->id = word_id(desc->word);
	held->slots = n;
	return bad;
}

/*
 * Append the chain that begins with the next descriptor.
 *
 * Return: 0; -ENOSPC if it does not fit beside those that are held; an error of
 * walk_chain().
 */
static noinline int hold_chain(struct vha_ring *ring)
{
	struct vha_ring_batch *b = ring->batch;
	struct vha_ring_chain *chain = &b->chains[b->count];
	struct vha_ring_packed_held *held = &b->packed.held[b->count];
	int bad;

	chain->first = b->niov;
	chain->out = 0;
	chain->in = 0;
	chain->size = 0;
	chain->written = 0;

	bad = walk_chain(ring, chain, held);
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

/*
 * Fast path of hold_chain(): append chains, up to @max, as long as they are
 * single descriptors whose buffers lie in one region, as most are. The
 * other checks of hold_chain() do not apply to such chains. Return their
 * number.
 */
static unsigned int hold_singles(struct vha_ring *ring, unsigned int max)
{
	struct vha_ring_batch *b = ring->batch;
	struct vha_ring_packed_scratch *s = &b->packed;
	const struct vha_ring_packed_desc *desc = s->desc + s->next;
	struct vha_ring_packed_held *held = s->held + b->count;
	struct vha_ring_chain *chain = b->chains + b->count;
	struct iovec *iov = b->iov + b->niov;
	unsigned int n;

	max = min3(max, s->count - s->next, VHA_RING_MAX_HELD - b->niov);
	for (n = 0; n < max; n++, desc++, held++, chain++) {
		__le64 word = desc->word;
		bool in = word_flags(word) & VRING_DESC_F_WRITE;
		u32 len = word_len(word);

		if (unlikely(!is_single(word)) ||
		    !vha_ring_translate_whole(ring, le64_to_cpu(desc->addr),
					      len, iov + n))
			break;
		*held = (struct vha_ring_packed_held){
			.head = word,
			.slots = 1,
		};
		*chain = (struct vha_ring_chain){
			.id = word_id(word),
			.bad = VHA_DROP_NONE,
			.out = !in,
			.in = in,
			.first = b->niov + n,
			.size = len,
		};
	}
	s->next += n;
	b->count += n;
	b->niov += n;
	b->walked += n;
	return n;
}

/*
 * Append up to @max of the chains whose descriptors have been read. Set @slots
 * to the descriptors that they take.
 *
 * Return: their number; an error of hold_chain() if there are none.
 */
static int hold_chains(struct vha_ring *ring, unsigned int max,
		       unsigned int *slots)
{
	struct vha_ring_batch *b = ring->batch;
	const struct vha_ring_packed_scratch *s = &b->packed;
	unsigned int walked = b->walked, n = 0, singles;
	int err;

	*slots = 0;
	while (n < max && s->next < s->count) {
		singles = is_single(s->desc[s->next].word) ?
			  hold_singles(ring, max - n) : 0;
		if (likely(singles)) {
			n += singles;
			*slots += singles;
			continue;
		}
		err = hold_chain(ring);
		/* Hand out the chains before an error. */
		if (unlikely(err))
			return n ? n : err;
		*slots += s->held[b->count - 1].slots;
		n++;
		/* Empty descriptors fill no batch: limit the walk as well. */
		if (unlikely(b->walked - walked > VHA_RING_MAX_HELD)) {
			cond_resched();
			break;
		}
	}
	return n;
}

static int packed_fetch(struct vha_ring *ring, unsigned int max)
{
	struct vha_ring_packed *p = &ring->packed;
	struct vha_ring_batch *b = ring->batch;
	unsigned int slots;
	int n, err;

	max = min3(max, (unsigned int)VHA_RING_BATCH,
		   VHA_RING_MAX_HELD - b->count);
	if (unlikely(!max)) {
		err = packed_available(ring);
		return err > 0 ? -ENOSPC : err;
	}
	p->seen = p->avail;
	err = read_descs(ring, max, false);
	if (err)
		return err;
	n = hold_chains(ring, max, &slots);
	p->avail = forward(ring, p->avail, slots);
	return n;
}

static void packed_put_back(struct vha_ring *ring, unsigned int n)
{
	struct vha_ring_packed *p = &ring->packed;
	struct vha_ring_batch *b = ring->batch;
	unsigned int i;

	for (i = b->count - n; i < b->count; i++)
		p->avail = backward(ring, p->avail, b->packed.held[i].slots);
}

/* ---- complete ---- */

/**
 * struct used_desc - the used descriptors of a batch, one at a time
 * @word: its word
 * @slot: its place in the ring
 * @held: of the chain whose place it takes
 * @next: the first chain that it does not stand for, and of that chain:
 * @next_held: what the layout knows of it
 * @next_slot: its place in the ring
 * @next_marks: the marks of a used descriptor there
 * @end: past the last chain that is to be used
 * @num: the ring's size
 * @in_order: one used descriptor may stand for several chains
 *
 * All that a loop needs is here: in a section of user access, the compiler
 * would read the fields of the ring again and again.
 */
struct used_desc {
	__le64 word;
	unsigned int slot;
	const struct vha_ring_packed_held *held;
	const struct vha_ring_chain *next;
	const struct vha_ring_packed_held *next_held;
	unsigned int next_slot;
	u16 next_marks;
	const struct vha_ring_chain *end;
	unsigned int num;
	bool in_order;
};

/* Step over the next chain. */
static __always_inline void skip_chain(struct used_desc *used)
{
	used->next_slot += used->next_held->slots;
	if (used->next_slot >= used->num) {
		used->next_slot -= used->num;
		used->next_marks ^= DESC_MARKS;
	}
	used->next++;
	used->next_held++;
}

/*
 * Go on to the used descriptor for the next chain, which is before the end.
 *
 * Virtio 1.2, 2.8.8: if chains are used in order, one used descriptor may stand
 * for several. It takes the place of the first chain, and names the last one.
 * The driver assumes that all but the last were used completely.
 */
static __always_inline void next_used(struct used_desc *used)
{
	u16 marks = used->next_marks;

	used->slot = used->next_slot;
	used->held = used->next_held;
	skip_chain(used);
	if (used->in_order)
		while (used->next < used->end &&
		       vha_ring_used_completely(used->next - 1))
			skip_chain(used);
	used->word = used_word(used->next - 1, marks);
}

/* The first used descriptor of the chains that are held, which end at @end. */
static __always_inline struct used_desc first_used(const struct vha_ring *ring,
						   unsigned int end)
{
	const struct vha_ring_batch *b = ring->batch;
	struct used_desc used = {
		.next = b->chains + b->done,
		.next_held = b->packed.held + b->done,
		.next_slot = slot_of(ring->packed.used),
		.next_marks = used_marks(ring->packed.used),
		.end = b->chains + end,
		.num = ring->num,
		.in_order = ring->in_order,
	};

	next_used(&used);
	return used;
}

/**
 * struct used_end - how far used descriptors have been written
 * @held: of the chain whose place the last one takes, or may have taken
 * @pos: the position past the chains that they stand for
 */
struct used_end {
	const struct vha_ring_packed_held *held;
	u16 pos;
};

static __always_inline struct used_end used_end(const struct used_desc *used)
{
	return (struct used_end){
		.held = used->held,
		.pos = used->next_slot | (used->next_marks ? WRAP : 0),
	};
}

/*
 * Write the used descriptors for the chains up to @end. The driver reads the
 * first one first, so write it last: it makes the others visible.
 */
static int write_section(struct vha_ring *ring, unsigned int end,
			 struct used_end *last)
{
	struct vha_ring_packed_desc __user *table = ring->packed.desc;
	struct used_desc first = first_used(ring, end), used = first;
	int err = -EFAULT;

	if (!user_write_access_begin(table, ring->num * sizeof(*table)))
		goto out;
	while (used.next < used.end) {
		next_used(&used);
		unsafe_put_user(used.word, &table[used.slot].word, fault);
	}
	/*
	 * Pairs with the driver's barrier after it has seen the first one.
	 * Litmus tests: packed-used, packed-reuse.
	 */
	smp_wmb();
	unsafe_put_user(first.word, &table[first.slot].word, fault);
	err = 0;
fault:
	user_write_access_end();
out:
	*last = used_end(&used);
	return err;
}

/*
 * Check whether all chains that are held take one descriptor each, and are to
 * get a used descriptor each. The two positions are that far apart only then:
 * no chain takes less than one.
 */
static bool all_singles(const struct vha_ring *ring)
{
	return !ring->in_order &&
	       distance(ring, ring->packed.used, ring->packed.avail) ==
	       (int)vha_ring_held(ring);
}

/* write_section() for all_singles(): the places are next to each other. */
static int write_singles(struct vha_ring *ring, unsigned int end,
			 struct used_end *last)
{
	struct vha_ring_packed_desc __user *table = ring->packed.desc;
	struct vha_ring_packed_desc __user *past = table + ring->num, *to;
	const struct vha_ring_batch *b = ring->batch;
	const struct vha_ring_chain *first = b->chains + b->done;
	const struct vha_ring_chain *chain = first, *stop = b->chains + end;
	u16 start = ring->packed.used, marks = used_marks(start);
	int err = -EFAULT;

	to = table + slot_of(start);
	if (!user_write_access_begin(table, ring->num * sizeof(*table)))
		goto out;
	while (++chain < stop) {
		if (++to == past) {
			to = table;
			marks ^= DESC_MARKS;
		}
		unsafe_put_user(used_word(chain, marks), &to->word, fault);
	}
	/* As in write_section(). Litmus tests: packed-used, packed-reuse. */
	smp_wmb();
	to = table + slot_of(start);
	unsafe_put_user(used_word(first, used_marks(start)), &to->word, fault);
	err = 0;
fault:
	user_write_access_end();
out:
	chain = min(chain, stop - 1);
	last->held = b->packed.held + (chain - b->chains);
	last->pos = forward(ring, start, end - b->done);
	return err;
}

static int write_word(struct vha_ring *ring, unsigned int slot, __le64 word,
		      size_t len)
{
	return vha_ring_write_scattered(ring, &ring->packed.desc[slot].word,
					&word, len) ? -EFAULT : 0;
}

/* write_section() for a ring that may lie in several regions. */
static noinline int write_scattered(struct vha_ring *ring, unsigned int end,
				    struct used_end *last)
{
	struct used_desc first = first_used(ring, end), used = first;

	*last = used_end(&used);
	while (used.next < used.end) {
		next_used(&used);
		*last = used_end(&used);
		if (write_word(ring, used.slot, used.word, sizeof(used.word)))
			return -EFAULT;
	}
	if (write_word(ring, first.slot, first.word,
		       sizeof(first.word) - sizeof(u16)))
		return -EFAULT;
	/*
	 * As in write_section(). Litmus tests: packed-used-scattered,
	 * packed-reuse.
	 */
	smp_wmb();
	return vha_ring_write16(ring, desc_flags(ring, first.slot),
				word_flags(first.word)) ? -EFAULT : 0;
}

/*
 * Undo the used descriptors up to @last after a failed write, so that the
 * chains can be put back and fetched again. Each used descriptor overwrote the
 * head of a held chain, unless an earlier device left chains in flight. The
 * descriptors of those are unknown here, so leave the ring as it is.
 */
static noinline void undo_used(struct vha_ring *ring, unsigned int end,
			       const struct used_end *last)
{
	const struct vha_ring_packed_held *held = ring->batch->packed.held;
	struct used_desc used = first_used(ring, end);
	u16 pos = ring->packed.used;
	unsigned int i;
	__le64 head;

	for (i = ring->batch->done; i < ring->batch->count; i++)
		pos = forward(ring, pos, held[i].slots);
	if (pos != ring->packed.avail)
		return;
	/* Scattered, the first one may have been written in part. */
	if (ring->scattered)
		write_word(ring, used.slot, used.held->head, sizeof(head));
	while (used.held < last->held) {
		next_used(&used);
		head = used.held->head;
		if (ring->scattered)
			write_word(ring, used.slot, head, sizeof(head));
		else if (put_user(head, &ring->packed.desc[used.slot].word))
			return;
	}
}

static int log_slots(struct vha_ring *ring, unsigned int first,
		     unsigned int last)
{
	struct vha_ring_packed_desc __user *table = ring->packed.desc;

	return vha_ring_log_user(ring, table + first,
				 (last - first + 1) * sizeof(*table));
}

/*
 * Log the used descriptors for the chains up to @end. Gaps of up to a page of
 * the log between them are logged too: no page lies within a gap. The ring's
 * position is still that of the first one.
 */
static int log_used_descs(struct vha_ring *ring, unsigned int end)
{
	struct used_desc used = first_used(ring, end);
	unsigned int first = used.slot, last = first;
	int err;

	while (used.next < used.end) {
		next_used(&used);
		if (used.slot - last >
		    VHA_LOG_PAGE_SIZE / sizeof(struct vha_ring_packed_desc)) {
			err = log_slots(ring, first, last);
			if (err)
				return err;
			first = used.slot;
		}
		last = used.slot;
	}
	return log_slots(ring, first, last);
}

/* Log everything from the first used descriptor that was not logged on. */
static int packed_log_rest(struct vha_ring *ring)
{
	struct vha_ring_packed *p = &ring->packed;
	unsigned int first = slot_of(p->unlogged_from);
	unsigned int end = slot_of(p->used);
	int err = 0;

	if (!p->unlogged || !ring->log.used)
		return 0;
	/* The size may have changed since. */
	if (first >= ring->num)
		first = 0;
	if (end <= first) {
		err = log_slots(ring, first, ring->num - 1);
		first = 0;
	}
	if (!err && first < end)
		err = log_slots(ring, first, end - 1);
	p->unlogged = err;
	return err;
}

/*
 * Check whether the driver wants an interrupt at a position that the device has
 * passed with its last @moved descriptors. An offset beyond the ring names no
 * position, and counts as passed.
 */
static bool has_passed(const struct vha_ring *ring, u16 off_wrap, u16 moved)
{
	u16 now = slot_of(ring->packed.used);
	u16 event = slot_of(off_wrap);

	if (unlikely(event >= ring->num))
		return true;
	if ((off_wrap ^ ring->packed.used) & WRAP)
		event -= ring->num;
	return vring_need_event(event, now, now - moved);
}

/*
 * Check whether the guest wants an interrupt, now that @moved more descriptors
 * are used. If the ring does not tell, interrupt: one too many does less harm
 * than one too few.
 */
static bool want_call(struct vha_ring *ring, u16 moved)
{
	struct vha_ring_packed *p = &ring->packed;
	bool valid = p->called_valid;
	u16 off_wrap, flags;

	/*
	 * Make the used descriptors visible before reading what the driver
	 * wants. Pairs with the driver's barrier between asking for an
	 * interrupt and checking for used descriptors once more. Litmus test:
	 * packed-call.
	 */
	smp_mb();

	if (ring->notify_on_empty && p->drained && p->seen == p->avail)
		return true;
	if (read_event(ring, &off_wrap, &flags))
		return true;
	if (flags != VRING_PACKED_EVENT_FLAG_DESC || !ring->event_idx)
		return flags != VRING_PACKED_EVENT_FLAG_DISABLE;
	p->called_valid = true;
	return unlikely(!valid) || has_passed(ring, off_wrap, moved);
}

static int packed_complete(struct vha_ring *ring, unsigned int end, bool *call)
{
	struct vha_ring_packed *p = &ring->packed;
	u16 old = p->used;
	struct used_end last;
	int err;

	if (unlikely(ring->scattered))
		err = write_scattered(ring, end, &last);
	else if (all_singles(ring))
		err = write_singles(ring, end, &last);
	else
		err = write_section(ring, end, &last);
	if (unlikely(err)) {
		undo_used(ring, end, &last);
		/* What was undone may have been copied to another host. */
		if (ring->log.used)
			log_used_descs(ring, end);
		return err;
	}
	if (unlikely(ring->log.used)) {
		err = log_used_descs(ring, end);
		p->unlogged = err;
		p->unlogged_from = old;
	}
	p->used = last.pos;
	ring->batch->done = end;
	*call = unlikely(err) || want_call(ring, distance(ring, old, last.pos));
	return err;
}

/* ---- kicks ---- */

/* Find the end of the available descriptors, unless it is known already. */
static int find_end(struct vha_ring *ring)
{
	struct vha_ring_packed *p = &ring->packed;
	int n;

	while (!p->drained) {
		n = is_available(ring, p->seen);
		if (n < 0)
			return n;
		p->drained = !n;
		p->seen = forward(ring, p->seen, n);
		cond_resched();
	}
	return 0;
}

static int packed_enable_kick(struct vha_ring *ring)
{
	struct vha_ring_packed *p = &ring->packed;
	int err, n;

	/* Chains that were put back are not new: the next new one counts. */
	err = find_end(ring);
	if (err)
		return err;
	if (ring->event_idx)
		err = write_event(ring, p->seen, VRING_PACKED_EVENT_FLAG_DESC);
	else
		err = write_event(ring, 0, VRING_PACKED_EVENT_FLAG_ENABLE);
	if (err)
		return err;
	ring->notify_off = false;
	p->at_event = ring->event_idx;

	/*
	 * Make the request visible before reading the descriptor again. Pairs
	 * with the driver's barrier between making it available and reading
	 * whether the device wants a kick. Litmus test: packed-kick.
	 */
	smp_mb();
	n = is_available(ring, p->seen);
	p->drained = !n;
	return n;
}

static int packed_disable_kick(struct vha_ring *ring)
{
	int err;

	/* An event position that has been passed asks for nothing. */
	if (ring->notify_off || ring->packed.at_event)
		return 0;
	err = write_event(ring, 0, VRING_PACKED_EVENT_FLAG_DISABLE);
	if (likely(!err))
		ring->notify_off = true;
	return err;
}

/* ---- snapshot ---- */

static int peek_desc(const struct vha_ring *ring, struct mm_struct *mm,
		     struct vha_ring_snapshot_entry *entry, u16 pos)
{
	struct vha_ring_snapshot_desc *to = entry->descs;
	unsigned int slot = slot_of(pos);
	struct vha_ring_packed_desc desc;
	int err;

	err = vha_ring_peek(ring, mm, &desc, ring->addr[VHA_RING_DESC] +
			    slot * sizeof(desc), sizeof(desc));
	if (err)
		return err;
	entry->index = slot;
	entry->id = word_id(desc.word);
	entry->len = word_len(desc.word);
	entry->ndescs = 1;
	to->index = slot;
	to->addr = le64_to_cpu(desc.addr);
	to->len = word_len(desc.word);
	to->flags = word_flags(desc.word);
	to->has_next = false;
	return 0;
}

static int peek_event(const struct vha_ring *ring, struct mm_struct *mm,
		      enum vha_ring_area area, u16 *off_wrap, u16 *flags)
{
	struct vring_packed_desc_event event;
	int err;

	err = vha_ring_peek(ring, mm, &event, ring->addr[area], sizeof(event));
	if (err)
		return err;
	*off_wrap = le16_to_cpu(event.off_wrap);
	*flags = le16_to_cpu(event.flags);
	return 0;
}

static int packed_snapshot(const struct vha_ring *ring, struct mm_struct *mm,
			   struct vha_ring_snapshot *snap)
{
	u16 avail = READ_ONCE(ring->packed.avail);
	u16 used = READ_ONCE(ring->packed.used);
	unsigned int n = min(snap->count, ring->num), i;
	int err;

	/* The base of a ring that has not started is not checked yet. */
	if (slot_of(avail) >= ring->num || slot_of(used) >= ring->num)
		return -EINVAL;
	snap->event_idx = ring->event_idx;
	err = peek_event(ring, mm, VHA_RING_AVAIL, &snap->used_event,
			 &snap->avail_flags) ?:
	      peek_event(ring, mm, VHA_RING_USED, &snap->avail_event,
			 &snap->used_flags);
	if (err)
		return err;
	/* Leave out descriptors in pages that are not present. */
	used = backward(ring, used, n);
	for (i = 0; i < n; i++) {
		if (!peek_desc(ring, mm, &snap->avail[snap->navail],
			       forward(ring, avail, i)))
			snap->navail++;
		if (!peek_desc(ring, mm, &snap->used[snap->nused],
			       forward(ring, used, i)))
			snap->nused++;
	}
	return 0;
}

const struct vha_ring_ops vha_ring_packed_ops = {
	.name		= "packed",
	.size_ok	= packed_size_ok,
	.area_size	= packed_area_size,
	.area_perm	= {
		[VHA_RING_DESC]		= VHOST_ACCESS_RW,
		[VHA_RING_AVAIL]	= VHOST_ACCESS_RO,
		[VHA_RING_USED]		= VHOST_ACCESS_WO,
	},
	.point		= packed_point,
	.reset		= packed_reset,
	.set_base	= packed_set_base,
	.base		= packed_base,
	.indices	= packed_indices,
	.start		= packed_start,
	.fetch		= packed_fetch,
	.complete	= packed_complete,
	.log_rest	= packed_log_rest,
	.put_back	= packed_put_back,
	.enable_kick	= packed_enable_kick,
	.disable_kick	= packed_disable_kick,
	.available	= packed_available,
	.snapshot	= packed_snapshot,
};
