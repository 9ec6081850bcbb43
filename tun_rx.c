// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive from a backend. A tap's ring mostly holds skbs. To copy one, tun's
 * recvmsg() makes four calls, with an iterator over user memory to set up and
 * to check. Most skbs are linear, and the guest's buffer is in one piece: copy
 * header and data in a single section of user access here. recvmsg() does the
 * rest: XDP frames, VLAN tags, tunnels, other kinds of sockets.
 */
#include <linux/etherdevice.h>
#include <linux/highmem.h>
#include <linux/if_tun.h>
#include <linux/if_vlan.h>
#include <linux/net.h>
#include <linux/netdevice.h>
#include <linux/skb_array.h>
#include <linux/uaccess.h>
#include <linux/virtio_net.h>
#include <net/rtnetlink.h>
#include <net/sock.h>

#include "compat.h"
#include "tun_rx.h"

/* ---- copying an skb ---- */

/* Segmentation that a virtio-net header without a tunnel can express. */
#define GSO_TYPES	(SKB_GSO_TCPV4 | SKB_GSO_TCPV6 | SKB_GSO_UDP_L4 | \
			 SKB_GSO_TCP_ECN | SKB_GSO_TCP_FIXEDID | SKB_GSO_DODGY)

/*
 * Check whether copy_skb() may deliver an skb. An skb that tun changes (it puts
 * a VLAN tag back into the packet), refuses, or describes by a longer header is
 * left to recvmsg().
 */
static bool skb_ok(const struct sk_buff *skb)
{
	if (skb_vlan_tag_present(skb) || skb->encapsulation ||
	    !compat_skb_frags_readable(skb))
		return false;
	return !skb_is_gso(skb) ||
	       !(skb_shinfo(skb)->gso_type & ~GSO_TYPES);
}

/* Write a word that need not be aligned, in a section of user access. */
#define unsafe_put_word(to, from, label)				\
	unsafe_put_user(get_unaligned((const u64 *)(from)),		\
			(u64 __user *)(to), label)

/*
 * Write @len bytes, at least one word, in a section of user access. The last
 * word overlaps the one before it.
 *
 * Return: false on a fault; the caller leaves the section then.
 */
static __always_inline bool unsafe_put_bytes(void __user *to, const void *from,
					     size_t len)
{
	const void *last = from + len - sizeof(u64);
	void __user *to_last = to + len - sizeof(u64);

	/* Four at a time: the loop would cost more than the stores. */
	for (; len >= 32; len -= 32, from += 32, to += 32) {
		unsafe_put_word(to, from, fault);
		unsafe_put_word(to + 8, from + 8, fault);
		unsafe_put_word(to + 16, from + 16, fault);
		unsafe_put_word(to + 24, from + 24, fault);
	}
	for (; len >= 8; len -= 8, from += 8, to += 8)
		unsafe_put_word(to, from, fault);
	if (len)
		unsafe_put_word(to_last, last, fault);
	return true;

fault:
	return false;
}

/*
 * Copy an skb without fragments, after its header, to a place that has room for
 * both.
 */
static bool copy_whole(void __user *to, const struct sk_buff *skb,
		       const struct virtio_net_hdr_mrg_rxbuf *hdr,
		       size_t header)
{
	void __user *data = to + header;
	size_t len = skb->len;
	bool small = len <= COMPAT_SMALL_COPY && len >= sizeof(u64), ok;

	if (!COMPAT_SMALL_COPY)
		return !compat_copy_to_user(to, hdr, header) &&
		       !compat_copy_to_user(data, skb->data, len);

	if (!user_write_access_begin(to, header + len))
		return false;
	ok = unsafe_put_bytes(to, hdr, header);
	if (ok && small)
		ok = unsafe_put_bytes(data, skb->data, len);
	user_write_access_end();
	if (small || !ok)
		return ok;
	return !compat_copy_to_user(data, skb->data, len);
}

/* A position in the pieces of a buffer. */
struct position {
	const struct iovec *iov;
	size_t offset;
};

static bool put_bytes(struct position *to, const void *from, size_t len)
{
	size_t n;

	for (; len; len -= n, from += n) {
		if (to->offset == to->iov->iov_len) {
			to->iov++;
			to->offset = 0;
		}
		n = min(len, to->iov->iov_len - to->offset);
		if (compat_copy_to_user(to->iov->iov_base + to->offset, from,
					n))
			return false;
		to->offset += n;
	}
	return true;
}

static bool put_frag(struct position *to, const skb_frag_t *frag)
{
	u32 offset, len, copied;
	struct page *page;
	bool ok = true;
	void *kaddr;

	skb_frag_foreach_page(frag, skb_frag_off(frag), skb_frag_size(frag),
			      page, offset, len, copied) {
		kaddr = kmap_local_page(page);
		ok = put_bytes(to, kaddr + offset, len);
		kunmap_local(kaddr);
		if (!ok)
			break;
	}
	return ok;
}

/* Copy an skb that has a list of fragments. */
static bool copy_list(const struct sk_buff *skb,
		      const struct virtio_net_hdr_mrg_rxbuf *hdr,
		      const struct vha_tun_buffer *to)
{
	struct iov_iter iter;

	iov_iter_init(&iter, ITER_DEST, to->iov, to->niov, to->size);
	return copy_to_iter(hdr, to->header, &iter) == to->header &&
	       !skb_copy_datagram_iter(skb, 0, &iter, skb->len);
}

/* Copy an skb with fragments, or into a buffer of several pieces. */
static noinline bool copy_pieces(const struct sk_buff *skb,
				 const struct virtio_net_hdr_mrg_rxbuf *hdr,
				 const struct vha_tun_buffer *to)
{
	struct position at = { .iov = to->iov };
	unsigned int i;

	if (unlikely(skb_has_frag_list(skb)))
		return copy_list(skb, hdr, to);
	if (!put_bytes(&at, hdr, to->header) ||
	    !put_bytes(&at, skb->data, skb_headlen(skb)))
		return false;
	for (i = 0; i < skb_shinfo(skb)->nr_frags; i++) {
		if (!put_frag(&at, &skb_shinfo(skb)->frags[i]))
			return false;
	}
	return true;
}

/*
 * Copy a packet for which skb_ok() is true, after its header, which is
 * little-endian (virtio 1.2, 5.1.6).
 *
 * Return: 0; -EOPNOTSUPP if there is no header for this skb; -EFAULT if the
 * buffer cannot be written.
 */
static int copy_skb(const struct sk_buff *skb, const struct vha_tun_buffer *to)
{
	struct virtio_net_hdr_mrg_rxbuf hdr;
	bool ok;

	if (unlikely(virtio_net_hdr_from_skb(skb, &hdr.hdr, true, true, 0)))
		return -EOPNOTSUPP;
	hdr.num_buffers = to->num_buffers;
	if (likely(to->iov->iov_len >= to->size && !skb_is_nonlinear(skb)))
		ok = copy_whole(to->iov->iov_base, skb, &hdr, to->header);
	else
		ok = copy_pieces(skb, &hdr, to);
	return likely(ok) ? 0 : -EFAULT;
}

/*
 * Check whether an skb is linear, and its virtio-net header zero except for
 * VIRTIO_NET_HDR_F_DATA_VALID and the number of buffers.
 */
static bool skb_is_plain(const struct sk_buff *skb)
{
	return !skb_is_nonlinear(skb) && !skb_vlan_tag_present(skb) &&
	       !skb->encapsulation && !skb_is_gso(skb) &&
	       skb->ip_summed != CHECKSUM_PARTIAL;
}

/* Copy a plain skb, after its header, to a place that has room for both. */
static bool copy_plain(void __user *to, const struct sk_buff *skb,
		       size_t header)
{
	static const struct virtio_net_hdr_mrg_rxbuf hdr[] = {
		{ .num_buffers = (__force __virtio16)cpu_to_le16(1) },
		{ .num_buffers = (__force __virtio16)cpu_to_le16(1),
		  .hdr.flags = VIRTIO_NET_HDR_F_DATA_VALID },
	};
	bool valid = skb->ip_summed == CHECKSUM_UNNECESSARY;

	return copy_whole(to, skb, &hdr[valid], header);
}

/* ---- packets of the socket ---- */

static size_t entry_len(void *entry)
{
	if (tun_is_xdp_frame(entry))
		return tun_ptr_to_xdp(entry)->len;
	return __skb_array_len_with_tag(entry);
}

static bool queue_peek(struct sock *sk, size_t *len)
{
	struct sk_buff_head *queue = &sk->sk_receive_queue;
	struct sk_buff *skb;
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	skb = skb_peek(queue);
	if (skb)
		*len = __skb_array_len_with_tag(skb);
	spin_unlock_irqrestore(&queue->lock, flags);
	return skb;
}

/*
 * Check whether a device is tun's: an index, and even an address, may be those
 * of another one now. The socket's file keeps tun loaded, so the operations are
 * compared by name only once for each backend.
 */
static bool is_tun(struct vha_tun_rx *rx, const struct net_device *dev)
{
	const struct rtnl_link_ops *ops = dev->rtnl_link_ops;

	if (unlikely(!ops))
		return false;
	if (likely(ops == rx->tun_ops))
		return true;
	if (strcmp(ops->kind, "tun"))
		return false;
	rx->tun_ops = ops;
	return true;
}

/*
 * Look up tun's device, whose counters are updated. An skb from the ring points
 * to it, but holds no reference. The caller is in an RCU read-side critical
 * section.
 *
 * Return: the device; NULL if it is gone, or in another network namespace.
 */
static struct net_device *tun_device(struct vha_tun_rx *rx,
				     const struct vha_tun_socket *ts)
{
	struct net_device *dev;

	if (!ts->ifindex)
		return NULL;
	dev = dev_get_by_index_rcu(sock_net(ts->sock->sk), ts->ifindex);
	return likely(dev && is_tun(rx, dev)) ? dev : NULL;
}

static void find_device(struct vha_tun_rx *rx, const struct vha_tun_socket *ts)
{
	rx->dev = NULL;
	if (ts->kind != VHA_TUN_TUN)
		return;
	rcu_read_lock();
	rx->dev = tun_device(rx, ts);
	rcu_read_unlock();
}

/*
 * Take a batch of packets off the tap's ring, and report the previous batch,
 * which has been delivered. Do not report the new batch yet: it may be put
 * back, and a sender woken for it would have filled its place. Take before
 * reporting, so that a sender that is woken finds room.
 */
static void consume_batch(struct vha_tun_rx *rx,
			  const struct vha_tun_socket *ts)
{
	unsigned int delivered = rx->tail;

	spin_lock(&ts->ring->consumer_lock);
	rx->head = 0;
	rx->tail = __ptr_ring_consume_batched(ts->ring, rx->packets,
					      VHA_TUN_BATCH);
	if (delivered)
		compat_tun_wake_queue(ts->sock->file, ts->ring, delivered);
	spin_unlock(&ts->ring->consumer_lock);
}

/**
 * vha_tun_rx_fill() - take packets off the socket, unless some are left here
 * @rx: the packets
 * @ts: the backend
 *
 * Return: the number of packets here. Without a ring none is taken off: 1 if
 * the socket has a packet, else 0.
 */
unsigned int vha_tun_rx_fill(struct vha_tun_rx *rx,
			     const struct vha_tun_socket *ts)
{
	const struct sk_buff_head *queue = &ts->sock->sk->sk_receive_queue;

	if (!ts->ring)
		return !skb_queue_empty_lockless(queue);
	if (rx->head == rx->tail) {
		consume_batch(rx, ts);
		if (rx->tail)
			find_device(rx, ts);
	}
	return rx->tail - rx->head;
}

/**
 * vha_tun_rx_room() - find how many packets may wait in a backend
 * @ts: the backend
 *
 * Return: the size of the tap's ring, which may change; 0 without a ring.
 */
unsigned int vha_tun_rx_room(const struct vha_tun_socket *ts)
{
	return ts->ring ? READ_ONCE(ts->ring->size) : 0;
}

/**
 * vha_tun_rx_peek() - find the size of the next packet
 * @rx: the packets
 * @ts: the backend
 * @len: set to its bytes, without a virtio-net header; may be 0
 *
 * Return: true if there is a packet.
 */
bool vha_tun_rx_peek(const struct vha_tun_rx *rx,
		     const struct vha_tun_socket *ts, size_t *len)
{
	if (!ts->ring)
		return queue_peek(ts->sock->sk, len);
	if (rx->head == rx->tail)
		return false;
	*len = entry_len(rx->packets[rx->head]);
	return true;
}

/**
 * vha_tun_rx_recv() - deliver the next packet into the guest's memory
 * @rx: the packets
 * @ts: the backend
 * @to: the buffer
 * @has_header: the socket writes the header; otherwise its place is left free
 *
 * Return: 0, or the reason why the packet is lost: -EFAULT if @to cannot be
 * written, -EMSGSIZE if the packet had another size, or the socket's error.
 */
int vha_tun_rx_recv(struct vha_tun_rx *rx, const struct vha_tun_socket *ts,
		    const struct vha_tun_buffer *to, bool has_header)
{
	size_t skip = has_header ? 0 : to->header, size = to->size - skip;
	struct msghdr *msg = &rx->msg;
	int len;

	msg->msg_control = ts->ring ? rx->packets[rx->head++] : NULL;
	iov_iter_init(&msg->msg_iter, ITER_DEST, to->iov, to->niov, to->size);
	if (skip)
		iov_iter_advance(&msg->msg_iter, skip);
	len = ts->sock->ops->recvmsg(ts->sock, msg, size,
				     MSG_DONTWAIT | MSG_TRUNC);
	if (unlikely(len < 0))
		return len;
	rx->trust = 0;
	if (unlikely(len != size))
		return -EMSGSIZE;
	if (ts->ring && !skip) {
		rx->trust = VHA_TUN_TRUST;
		rx->header = to->header;
	}
	/* tun reports a header that it could not copy, but not a packet. */
	return unlikely(iov_iter_count(&msg->msg_iter)) ? -EFAULT : 0;
}

/**
 * vha_tun_rx_may_copy() - count the packets that may be copied
 * @rx: the packets
 * @ts: the backend
 * @header: size of the virtio-net header
 *
 * Return: the number of packets here that may bypass the socket. Whether each
 * of them can is checked when it is copied.
 */
unsigned int vha_tun_rx_may_copy(const struct vha_tun_rx *rx,
				 const struct vha_tun_socket *ts, size_t header)
{
	if (rx->header != header)
		return 0;
	/* Without its device, tun refuses all packets. */
	if (ts->kind == VHA_TUN_TUN && !rx->dev)
		return 0;
	return min3(rx->tail - rx->head, rx->trust,
		    VHA_TUN_BATCH - rx->ncopied);
}

/* Return: the next packet if it is an skb of the present device, else NULL. */
static struct sk_buff *next_skb(const struct vha_tun_rx *rx)
{
	struct sk_buff *skb = rx->packets[rx->head];

	if (unlikely(tun_is_xdp_frame(skb)))
		return NULL;
	return likely(!rx->dev || skb->dev == rx->dev) ? skb : NULL;
}

static void note_copied(struct vha_tun_rx *rx, struct sk_buff *skb)
{
	rx->head++;
	rx->trust--;
	rx->copied[rx->ncopied++] = skb;
	rx->copied_bytes += skb->len;
}

/**
 * vha_tun_rx_copy() - deliver the next packet without the socket, if possible
 * @rx: the packets
 * @ts: the backend
 * @to: the buffer; its header is little-endian
 *
 * The packet is freed, and counted by its device, by vha_tun_rx_free().
 *
 * Return: 0; -EFAULT if @to cannot be written: the packet is lost; -EOPNOTSUPP
 * if vha_tun_rx_recv() must deliver it.
 */
int vha_tun_rx_copy(struct vha_tun_rx *rx, const struct vha_tun_socket *ts,
		    const struct vha_tun_buffer *to)
{
	struct sk_buff *skb;
	int err;

	if (unlikely(!vha_tun_rx_may_copy(rx, ts, to->header)))
		return -EOPNOTSUPP;
	skb = next_skb(rx);
	if (unlikely(!skb || !skb_ok(skb)))
		return -EOPNOTSUPP;
	err = copy_skb(skb, to);
	if (unlikely(err == -EOPNOTSUPP))
		return err;
	if (likely(!err)) {
		note_copied(rx, skb);
		return 0;
	}
	rx->head++;
	kfree_skb(skb);
	return err;
}

/**
 * vha_tun_rx_copy_plain() - fast path of vha_tun_rx_copy() for plain packets
 * @rx: the packets, of which vha_tun_rx_may_copy() has counted this one
 * @iov: the buffer, in one piece
 * @header: size of the virtio-net header, which is little-endian
 *
 * Most packets are plain: linear, with no offload to describe.
 *
 * Return: bytes of the packet without the header. A negative value: nothing has
 * happened, except that the buffer may have been written.
 */
int vha_tun_rx_copy_plain(struct vha_tun_rx *rx, const struct iovec *iov,
			  size_t header)
{
	struct sk_buff *skb = next_skb(rx);

	if (unlikely(!skb || !skb_is_plain(skb) ||
		     iov->iov_len < header + skb->len ||
		     !copy_plain(iov->iov_base, skb, header)))
		return -EOPNOTSUPP;
	note_copied(rx, skb);
	return skb->len;
}

/* Count the packets as sent by the device, as tun does. */
static void count_copied(struct vha_tun_rx *rx, const struct vha_tun_socket *ts)
{
	struct net_device *dev;

	if (ts->kind != VHA_TUN_TUN)
		return;
	rcu_read_lock();
	dev = tun_device(rx, ts);
	if (likely(dev && dev == rx->dev))
		dev_sw_netstats_tx_add(dev, rx->ncopied, rx->copied_bytes);
	rcu_read_unlock();
}

/**
 * vha_tun_rx_free() - free the packets that were copied
 * @rx: the packets
 * @ts: the backend that they come from
 */
void vha_tun_rx_free(struct vha_tun_rx *rx, const struct vha_tun_socket *ts)
{
	unsigned int i;

	if (!rx->ncopied)
		return;
	local_bh_disable();
	count_copied(rx, ts);
	for (i = 0; i < rx->ncopied; i++)
		napi_consume_skb(rx->copied[i], VHA_TUN_BATCH);
	local_bh_enable();
	rx->ncopied = 0;
	rx->copied_bytes = 0;
}

/**
 * vha_tun_rx_drop() - drop the next packet
 * @rx: the packets
 * @ts: the backend
 */
void vha_tun_rx_drop(struct vha_tun_rx *rx, const struct vha_tun_socket *ts)
{
	struct msghdr msg = {};

	if (ts->ring) {
		tun_ptr_free(rx->packets[rx->head++]);
		return;
	}
	/* Nothing fits into an empty buffer, so the socket drops it. */
	iov_iter_init(&msg.msg_iter, ITER_DEST, NULL, 0, 0);
	ts->sock->ops->recvmsg(ts->sock, &msg, 0, MSG_DONTWAIT | MSG_TRUNC);
}

/**
 * vha_tun_rx_put_back() - return the packets to the tap's ring, in their order
 * @rx: the packets; empty afterwards
 * @ts: the backend that they come from
 *
 * If the ring has no room for all, the rest are dropped. Packets that were
 * delivered may not have been reported yet. If none is left to return, wake a
 * stopped sender here: the ring may be empty, and nothing would make its next
 * consumer do so. Otherwise the consumer of the returned packets wakes the
 * sender once it has emptied the ring.
 */
void vha_tun_rx_put_back(struct vha_tun_rx *rx, const struct vha_tun_socket *ts)
{
	if (ts->ring && rx->head != rx->tail) {
		ptr_ring_unconsume(ts->ring, rx->packets + rx->head,
				   rx->tail - rx->head, tun_ptr_free);
	} else if (ts->ring && rx->tail) {
		spin_lock(&ts->ring->consumer_lock);
		compat_tun_wake_queue(ts->sock->file, ts->ring, 0);
		spin_unlock(&ts->ring->consumer_lock);
	}
	rx->head = 0;
	rx->tail = 0;
	rx->trust = 0;
	rx->tun_ops = NULL;
}
