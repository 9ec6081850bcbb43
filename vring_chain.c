// SPDX-License-Identifier: GPL-2.0-only
/* The buffers of a chain: the slow path, and indirect tables. */
#include <linux/lockdep.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "vring_access.h"
#include "vring_chain.h"

/*
 * Turn an error of vha_iotlb_translate() for @addr into a drop reason, or note
 * an IOTLB miss.
 */
static int translation_failed(struct vha_ring *ring, int err, u64 addr, bool in)
{
	if (err == -ENOBUFS)
		return VHOST_ALT_DROP_CHAIN_LONG;
	if (err != -EFAULT || !ring->iotlb)
		return VHOST_ALT_DROP_CHAIN_ADDRESS;
	return vha_ring_missed(ring, addr,
			       in ? VHOST_ACCESS_WO : VHOST_ACCESS_RO);
}

/**
 * vha_ring_add_pieces() - slow path of vha_ring_add_buffer()
 * @ring: the ring, with its lock held
 * @chain: the chain
 * @addr: the guest's address of the buffer
 * @len: its length in bytes
 * @in: the device writes it
 *
 * The buffer is not contained in the cached region and may have to be split. A
 * function of its own keeps the register pressure out of the fast path.
 *
 * Return: a drop reason.
 */
int vha_ring_add_pieces(struct vha_ring *ring, struct vha_ring_chain *chain,
			u64 addr, u32 len, bool in)
{
	struct vha_ring_batch *b = ring->batch;
	int n;

	lockdep_assert_held(ring->lock);
	n = vha_iotlb_translate(vha_ring_translation(ring), &ring->hint, addr,
				len, in ? VHOST_ACCESS_WO : VHOST_ACCESS_RO,
				b->iov + b->niov, VHA_RING_MAX_HELD - b->niov);
	if (n < 0)
		return translation_failed(ring, n, addr, in);
	b->niov += n;
	chain->size += len;
	if (in)
		chain->in += n;
	else
		chain->out += n;
	return VHA_DROP_NONE;
}

/* Slow path of vha_ring_read_table(): the tree is needed, or two pieces. */
static int read_table_pieces(struct vha_ring *ring, u64 addr, void *to,
			     u32 len)
{
	struct iovec iov[2];
	int i, n;

	/* Two pieces: only a hostile owner has regions smaller than a table. */
	n = vha_iotlb_translate(vha_ring_translation(ring), &ring->hint, addr,
				len, VHOST_ACCESS_RO, iov, ARRAY_SIZE(iov));
	if (n == -EFAULT && ring->iotlb)
		return translation_failed(ring, n, addr, false);
	for (i = 0; i < n; i++) {
		if (compat_copy_from_user(to, iov[i].iov_base, iov[i].iov_len))
			return VHOST_ALT_DROP_CHAIN_INDIRECT;
		to += iov[i].iov_len;
	}
	return n < 0 ? VHOST_ALT_DROP_CHAIN_INDIRECT : VHA_DROP_NONE;
}

/**
 * vha_ring_read_table() - read a part of a table in guest memory
 * @ring: the ring, with its lock held
 * @addr: the guest's address of the part
 * @to: a table of the scratch space
 * @len: its length in bytes; no more than there is room for at @to
 *
 * Return: a drop reason.
 */
int vha_ring_read_table(struct vha_ring *ring, u64 addr, void *to, u32 len)
{
	struct iovec iov;

	lockdep_assert_held(ring->lock);
	if (!vha_ring_translate_whole(ring, addr, len, &iov))
		return read_table_pieces(ring, addr, to, len);
	if (compat_copy_from_user(to, iov.iov_base, iov.iov_len))
		return VHOST_ALT_DROP_CHAIN_INDIRECT;
	return VHA_DROP_NONE;
}
