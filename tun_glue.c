// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything specific to tun, tap and packet sockets. Called by the owner's
 * process or by a worker in its address space. The queue's mutex serializes all
 * use of its backend.
 */

#include <linux/file.h>
#include <linux/if_ether.h>
#include <linux/if_tap.h>
#include <linux/if_tun.h>
#include <linux/if_packet.h>
#include <linux/moduleparam.h>
#include <linux/net.h>
#include <linux/netdevice.h>
#include <linux/seq_file.h>
#include <linux/virtio_byteorder.h>
#include <linux/virtio_net.h>
#include <net/sock.h>

#include "compat.h"
#include "tun_glue.h"

/* Receivers are told the size of the contiguous part as a 16-bit number. */
static ushort tx_linear = U16_MAX;
module_param(tx_linear, ushort, 0644);
MODULE_PARM_DESC(tx_linear,
		 "Bytes up to which a frame is contiguous, if larger than a page");

/* Find an AF_PACKET raw socket. Return: the socket or an ERR_PTR(). */
static struct socket *packet_socket(struct file *file)
{
	struct socket *sock = sock_from_file(file);

	/* Other sockets would misinterpret messages made for tun. */
	if (!sock || sock->sk->sk_type != SOCK_RAW ||
	    sock->sk->sk_family != AF_PACKET)
		return ERR_PTR(-ENOTSOCK);
	return sock;
}

static struct ptr_ring *tap_ring(struct file *file)
{
	struct ptr_ring *ring = tun_get_tx_ring(file);

	return IS_ERR(ring) ? tap_get_ptr_ring(file) : ring;
}

/**
 * vha_tun_socket_get() - find the backend of a file descriptor
 * @ts: filled in on success
 * @fd: a descriptor of the calling process
 *
 * The descriptor is looked up once: what is checked is what is used, even if
 * another thread replaces it meanwhile.
 *
 * Return: 0 or -ENOTSOCK.
 */
int vha_tun_socket_get(struct vha_tun_socket *ts, int fd)
{
	struct file *file = fget(fd);
	struct ptr_ring *ring = NULL;
	struct socket *sock;

	if (!file)
		return -ENOTSOCK;

	ts->kind = VHA_TUN_TUN;
	sock = tun_get_socket(file);
	if (IS_ERR(sock)) {
		ts->kind = VHA_TUN_TAP;
		sock = tap_get_socket(file);
	}
	if (!IS_ERR(sock)) {
		ring = tap_ring(file);
	} else {
		ts->kind = VHA_TUN_PACKET;
		sock = packet_socket(file);
	}
	if (IS_ERR(sock) || IS_ERR(ring)) {
		fput(file);
		return -ENOTSOCK;
	}

	ts->sock = sock;
	ts->ring = ring;
	return 0;
}

/**
 * vha_tun_socket_put() - release a backend
 * @ts: the backend, which is no longer in use; an empty one is left alone
 */
void vha_tun_socket_put(struct vha_tun_socket *ts)
{
	if (ts->sock)
		fput(ts->sock->file);
	ts->sock = NULL;
	ts->ring = NULL;
}

/* Room for all that tun prints in its file's fdinfo. */
#define TUN_FDINFO_SIZE		32

static void note_interface(struct vha_tun_interface *iface,
			   const struct net_device *dev)
{
	strscpy(iface->name, dev->name, sizeof(iface->name));
	iface->index = dev->ifindex;
}

/* tun gives the name of its interface only in the fdinfo of its file. */
static void tun_interface(struct socket *sock,
			  struct vha_tun_interface *iface)
{
	static const char key[] = "iff:\t";
	char text[TUN_FDINFO_SIZE + 1] = {};
	struct seq_file m = {
		.buf = text,
		.size = TUN_FDINFO_SIZE,
		.file = sock->file,
	};
	struct net_device *dev;
	char *name;

	if (!sock->file->f_op->show_fdinfo)
		return;
	sock->file->f_op->show_fdinfo(&m, sock->file);
	name = strstr(text, key);
	if (!name)
		return;
	name += strlen(key);
	name[strcspn(name, "\n")] = '\0';
	strscpy(iface->name, name, sizeof(iface->name));
	/*
	 * An interface in another namespace has no index that means anything
	 * here.
	 */
	dev = dev_get_by_name(sock_net(sock->sk), name);
	if (!dev)
		return;
	iface->index = dev->ifindex;
	dev_put(dev);
}

static void tap_interface(struct socket *sock, struct vha_tun_interface *iface)
{
	struct tap_queue *q = container_of(sock, struct tap_queue, sock);
	struct tap_dev *tap;

	rcu_read_lock();
	tap = rcu_dereference(q->tap);
	if (tap && tap->dev)
		note_interface(iface, tap->dev);
	rcu_read_unlock();
}

static void packet_interface(struct socket *sock,
			     struct vha_tun_interface *iface)
{
	/* The hardware address may be longer than sockaddr_ll provides for. */
	struct sockaddr_storage addr = {};
	const struct sockaddr_ll *sll = (void *)&addr;
	struct net_device *dev;

	if (sock->ops->getname(sock, (struct sockaddr *)&addr, 0) < 0)
		return;
	dev = dev_get_by_index(sock_net(sock->sk), sll->sll_ifindex);
	if (!dev)
		return;
	note_interface(iface, dev);
	dev_put(dev);
}

/**
 * vha_tun_socket_interface() - find the interface of a backend
 * @ts: the backend, which remembers it
 * @iface: set to its current name; empty if there is none
 *
 * May sleep, and takes the rtnl lock.
 */
void vha_tun_socket_interface(struct vha_tun_socket *ts,
			      struct vha_tun_interface *iface)
{
	memset(iface, 0, sizeof(*iface));
	switch (ts->kind) {
	case VHA_TUN_TUN:
		tun_interface(ts->sock, iface);
		ts->ifindex = iface->index;
		break;
	case VHA_TUN_TAP:
		tap_interface(ts->sock, iface);
		break;
	case VHA_TUN_PACKET:
		packet_interface(ts->sock, iface);
		break;
	}
}

/**
 * vha_tun_socket_batches() - check whether vha_tun_tx_add() may be used
 * @ts: the backend
 *
 * tun respects a limited send buffer for single messages only. Check for each
 * batch: TUNSETSNDBUF may come at any time.
 *
 * Return: true if frames may be sent in batches.
 */
bool vha_tun_socket_batches(const struct vha_tun_socket *ts)
{
	return ts->ring && READ_ONCE(ts->sock->sk->sk_sndbuf) == INT_MAX;
}

/* Read a word that need not be aligned, in a section of user access. */
#define unsafe_get_word(to, from, label)				\
	unsafe_get_user(*(u64 *)(to), (const u64 __user *)(from), label)

/*
 * Read @len bytes, at least one word, in a section of user access. The last
 * word overlaps the one before it.
 *
 * Return: false on a fault; the caller leaves the section then.
 */
static __always_inline bool unsafe_get_bytes(void *to, const void __user *from,
					     size_t len)
{
	const void __user *last = from + len - sizeof(u64);
	void *to_last = to + len - sizeof(u64);

	/* Four at a time: the loop would cost more than the loads. */
	for (; len >= 32; len -= 32, from += 32, to += 32) {
		unsafe_get_word(to, from, fault);
		unsafe_get_word(to + 8, from + 8, fault);
		unsafe_get_word(to + 16, from + 16, fault);
		unsafe_get_word(to + 24, from + 24, fault);
	}
	for (; len >= 8; len -= 8, from += 8, to += 8)
		unsafe_get_word(to, from, fault);
	if (len)
		unsafe_get_word(to_last, last, fault);
	return true;

fault:
	return false;
}

static bool copy_small(void *to, const void __user *from, size_t len)
{
	bool ok;

	if (!user_read_access_begin(from, len))
		return false;
	ok = unsafe_get_bytes(to, from, len);
	user_read_access_end();
	return ok;
}

/* Copy all of a packet, which is as large as its pieces together. */
static bool copy_packet(void *to, const struct vha_tun_packet *packet)
{
	unsigned int i;

	/* A packet has at least an Ethernet header: more than a word. */
	if (packet->niov == 1 && packet->size <= COMPAT_SMALL_COPY)
		return copy_small(to, packet->iov->iov_base, packet->size);
	for (i = 0; i < packet->niov; i++) {
		if (compat_copy_from_user(to, packet->iov[i].iov_base,
					  packet->iov[i].iov_len))
			return false;
		to += packet->iov[i].iov_len;
	}
	return true;
}

/*
 * Extend the part that the virtio-net header calls "headers" to include the
 * checksum field, as tun does for single messages but not for batches.
 *
 * Return: false if the header is invalid.
 */
static bool fix_header(struct virtio_net_hdr *hdr,
		       const struct vha_tun_packet *packet)
{
	bool le = packet->is_le;
	u32 end;

	if (!(hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return true;
	end = __virtio16_to_cpu(le, hdr->csum_start) +
	      __virtio16_to_cpu(le, hdr->csum_offset) + sizeof(__sum16);
	if (end <= __virtio16_to_cpu(le, hdr->hdr_len))
		return true;
	/* The field has 16 bits, and tun would pull as many bytes. */
	if (end > U16_MAX || end > packet->size - packet->header)
		return false;
	hdr->hdr_len = __cpu_to_virtio16(le, end);
	return true;
}

/*
 * Bytes before the frame: the headroom of an skb from a driver, room for XDP if
 * a program is loaded, and the virtio-net header, which is read there together
 * with the frame.
 */
static unsigned int frame_pad(const struct vha_tun_socket *ts,
			      const struct vha_tun_packet *packet)
{
	unsigned int headroom = NET_IP_ALIGN + NET_SKB_PAD;

	if (sock_flag(ts->sock->sk, SOCK_XDP))
		headroom += XDP_PACKET_HEADROOM;
	headroom = SKB_DATA_ALIGN(headroom + packet->header);
	/* What is copied in bulk goes to the start of a cache line. */
	return packet->size > COMPAT_SMALL_COPY ? headroom + packet->header :
						  headroom;
}

/*
 * Check whether a frame of @len bytes may be contiguous though it is larger
 * than a page. An XDP program takes only an skb then, which tun has to make.
 */
static bool may_exceed_page(const struct vha_tun_socket *ts, size_t len)
{
	return len <= READ_ONCE(tx_linear) &&
	       !sock_flag(ts->sock->sk, SOCK_XDP);
}

/**
 * vha_tun_tx_init() - prepare to send packets
 * @tx: the packets, filled with zeroes
 * @mutex: the mutex that will be held for each use of @tx
 */
void vha_tun_tx_init(struct vha_tun_tx *tx, struct mutex *mutex)
{
	vha_tun_pool_init(&tx->pool, mutex);
}

/**
 * vha_tun_tx_add() - add a packet to those that are to be sent
 * @tx: the packets; flushed every VHA_TUN_BATCH packets, so there is room
 * @ts: the backend, which takes batches
 * @packet: the packet; larger than its header
 *
 * The packet is copied in one go to the place of the frame, preceded by the
 * header; the header is then copied to where tun reads it.
 *
 * Return: 0; -EMSGSIZE if the packet is too large, and is to be sent by itself;
 * -EFAULT if it cannot be read; -EINVAL if its header is invalid;
 * -ENOMEM. On failure the packet has not been added.
 */
int vha_tun_tx_add(struct vha_tun_tx *tx, const struct vha_tun_socket *ts,
		   const struct vha_tun_packet *packet)
{
	unsigned int pad = frame_pad(ts, packet);
	struct xdp_buff *xdp = &tx->xdp[tx->count];
	struct virtio_net_hdr *hdr;
	size_t len = packet->size - packet->header;
	size_t room = SKB_DATA_ALIGN(len + pad) +
		      SKB_DATA_ALIGN(sizeof(struct skb_shared_info));
	void *buf;

	BUILD_BUG_ON(NET_IP_ALIGN + NET_SKB_PAD < COMPAT_TUN_BUF_HEAD);

	if (room > PAGE_SIZE && !may_exceed_page(ts, len))
		return -EMSGSIZE;
	/* Sizes are multiples of a cache line, so frames are aligned to one. */
	buf = vha_tun_pool_take(&tx->pool, room);
	if (unlikely(!buf))
		return room > PAGE_SIZE ? -EMSGSIZE : -ENOMEM;
	if (unlikely(!copy_packet(buf + pad - packet->header, packet))) {
		page_frag_free(buf);
		return -EFAULT;
	}

	hdr = compat_tun_buf_init(buf, room, buf + pad - packet->header,
				  packet->has_header ? packet->header : 0);
	if (unlikely(!fix_header(hdr, packet))) {
		page_frag_free(buf);
		return -EINVAL;
	}

	xdp_init_buff(xdp, room, NULL);
	xdp_prepare_buff(xdp, buf, pad, len, true);
	tx->count++;
	return 0;
}

/**
 * vha_tun_tx_flush() - send the packets that have been added
 * @tx: the packets; empty afterwards in any case
 * @ts: the backend
 *
 * Return: 0, or an error; none of them was sent then.
 */
int vha_tun_tx_flush(struct vha_tun_tx *tx, const struct vha_tun_socket *ts)
{
	struct tun_msg_ctl ctl = {
		.type = TUN_MSG_PTR,
		.num = tx->count,
		.ptr = tx->xdp,
	};
	struct msghdr msg = {
		.msg_control = &ctl,
		.msg_controllen = sizeof(ctl),
		.msg_flags = MSG_DONTWAIT,
	};
	unsigned int i;
	int err;

	if (!tx->count)
		return 0;

	err = ts->sock->ops->sendmsg(ts->sock, &msg, 0);
	/* On success tun owns them. Without a device, it has taken none. */
	if (unlikely(err < 0)) {
		for (i = 0; i < tx->count; i++)
			page_frag_free(tx->xdp[i].data_hard_start);
	}
	tx->count = 0;
	tx->pool.sent = true;
	return err < 0 ? err : 0;
}

/**
 * vha_tun_tx_single() - send one packet by itself
 * @ts: the backend
 * @packet: the packet; larger than its header
 *
 * Packets that were added before have been flushed, so the order is kept.
 * MSG_MORE is never used: what tun holds back for it stays charged to the
 * socket, whose buffer may then stay full indefinitely.
 *
 * Return: 0; -EAGAIN, -ENOBUFS or -ENOMEM if the packet may be tried again
 * later; another error if it is lost.
 */
int vha_tun_tx_single(const struct vha_tun_socket *ts,
		      const struct vha_tun_packet *packet)
{
	struct msghdr msg = {
		.msg_flags = MSG_DONTWAIT,
	};
	size_t skip = packet->has_header ? 0 : packet->header;
	int err;

	iov_iter_init(&msg.msg_iter, ITER_SOURCE, packet->iov, packet->niov,
		      packet->size);
	iov_iter_advance(&msg.msg_iter, skip);
	err = ts->sock->ops->sendmsg(ts->sock, &msg, packet->size - skip);
	return err < 0 ? err : 0;
}

/**
 * vha_tun_tx_stop() - free the memory for frames
 * @tx: the packets, which have been flushed
 */
void vha_tun_tx_stop(struct vha_tun_tx *tx)
{
	vha_tun_pool_drain(&tx->pool);
}
