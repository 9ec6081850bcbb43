/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between the kernels that this module supports. No other file
 * tests a kernel version; each wrapper names the release that made the
 * difference. For changes that a distribution may have backported, Kbuild looks
 * into the headers instead and defines COMPAT_HAVE_*.
 */
#ifndef VHOST_ALT_COMPAT_H
#define VHOST_ALT_COMPAT_H

#include <linux/version.h>
#include <linux/eventfd.h>
#include <linux/hrtimer.h>
#include <linux/hugetlb_inline.h>
#include <linux/if_tun.h>
#include <linux/mm.h>
#include <linux/ptr_ring.h>
#include <linux/skbuff.h>
#include <linux/uaccess.h>
#include <linux/virtio_net.h>
#include <net/genetlink.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "vhost_alt needs Linux 6.1 or newer"
#endif

#ifndef CONFIG_64BIT
#error "vhost_alt needs a 64-bit kernel"
#endif

/*
 * Workers are threads of their owner (vhost_task) from 6.12 on. 6.4 to 6.11
 * have vhost_task with other signatures; a kernel thread serves them as well.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#define COMPAT_VHOST_TASK 1
#include <linux/sched/vhost_task.h>
#endif

/* 6.17: tun supports virtio-net headers of tunnelled UDP segments. */
#ifdef TUN_F_UDP_TUNNEL_GSO
#define COMPAT_TUNNEL_FEATURES						\
	(BIT_ULL(VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO - 64) |		\
	 BIT_ULL(VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO - 64))
#define COMPAT_TUNNEL_HDR_LEN	sizeof(struct virtio_net_hdr_v1_hash_tunnel)
#define COMPAT_MAX_HDR_LEN	COMPAT_TUNNEL_HDR_LEN
#else
#define COMPAT_TUNNEL_FEATURES	0ULL
#define COMPAT_TUNNEL_HDR_LEN	0
#define COMPAT_MAX_HDR_LEN	sizeof(struct virtio_net_hdr_mrg_rxbuf)
#endif

/* 6.7: the attributes of a dump's request are in its struct genl_info. */
static inline struct nlattr **
compat_genl_dump_attrs(struct netlink_callback *cb)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	return genl_info_dump(cb)->attrs;
#else
	return genl_dumpit_info(cb)->attrs;
#endif
}

/* 6.8: eventfd_signal() always adds one, and lost its second argument. */
static inline void compat_eventfd_signal(struct eventfd_ctx *ctx)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	eventfd_signal(ctx);
#else
	eventfd_signal(ctx, 1);
#endif
}

/* 6.10: page_frag_cache_drain(). The cache has no page before its first use. */
static inline void compat_page_frag_cache_drain(struct page_frag_cache *cache)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
	page_frag_cache_drain(cache);
#else
	if (!cache->va)
		return;
	__page_frag_cache_drain(virt_to_head_page(cache->va),
				cache->pagecnt_bias);
	cache->va = NULL;
#endif
}

/*
 * copy_from_user() without the check of the kernel buffer's size, for buffers
 * that have just been sized for the copy. 6.11: the inline variant has its own
 * name.
 */
static inline unsigned long compat_copy_from_user(void *to,
						  const void __user *from,
						  unsigned long n)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0) && \
	defined(INLINE_COPY_FROM_USER)
	return _inline_copy_from_user(to, from, n);
#else
	return _copy_from_user(to, from, n);
#endif
}

/* As compat_copy_from_user(), the other way. */
static inline unsigned long compat_copy_to_user(void __user *to,
						const void *from,
						unsigned long n)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0) && \
	defined(INLINE_COPY_TO_USER)
	return _inline_copy_to_user(to, from, n);
#else
	return _copy_to_user(to, from, n);
#endif
}

/*
 * The most bytes that a loop of user accesses in one section copies at less
 * cost than a copy function: 0 where each access is translated or checked by
 * itself.
 */
#if defined(CONFIG_X86_64) && !defined(CONFIG_UML)
#define COMPAT_SMALL_COPY	256
#else
#define COMPAT_SMALL_COPY	0
#endif

/* 6.12: fragments may lie in the memory of a device. */
static inline bool compat_skb_frags_readable(const struct sk_buff *skb)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	return skb_frags_readable(skb);
#else
	return true;
#endif
}

/*
 * Get one page of another process that is present, with its mmap lock held. 6.5
 * dropped the vmas argument. Before 6.6 FOLL_NOFAULT was ignored for hugetlb
 * pages, where FOLL_DUMP does not allocate; and only FOLL_FORCE followed
 * entries that NUMA balancing had made inaccessible.
 */
static inline long compat_get_page_remote(struct mm_struct *mm,
					  unsigned long uaddr,
					  struct page **page)
{
	unsigned int flags = FOLL_NOFAULT | FOLL_NOWAIT;
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
	struct vm_area_struct *vma = vma_lookup(mm, uaddr);

	if (!vma || !(vma->vm_flags & VM_READ))
		return -EFAULT;
	flags |= is_vm_hugetlb_page(vma) ? FOLL_DUMP : FOLL_FORCE;
#endif
	lockdep_assert_held(&mm->mmap_lock);
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
	return get_user_pages_remote(mm, uaddr, 1, flags, page, NULL);
#else
	return get_user_pages_remote(mm, uaddr, 1, flags, page, NULL, NULL);
#endif
}

/* 6.13: the function of a timer is set by hrtimer_setup(). */
static inline void
compat_hrtimer_setup(struct hrtimer *timer,
		     enum hrtimer_restart (*expired)(struct hrtimer *))
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	hrtimer_setup(timer, expired, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
#else
	hrtimer_init(timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	timer->function = expired;
#endif
}

/* Limit of the bytes that tun reads at the start of a buffer, on any kernel. */
#define COMPAT_TUN_BUF_HEAD	32

/**
 * compat_tun_buf_init() - prepare the head of a buffer for TUN_MSG_PTR
 * @buf: start of the buffer, which becomes xdp_buff.data_hard_start
 * @buflen: its length in bytes, including skb_shared_info
 * @header: the virtio-net header
 * @len: its length: 0 for a header that requests no offload, otherwise that of
 *	a struct virtio_net_hdr or more
 *
 * Up to 6.16 tun reads a struct tun_xdp_hdr there: the buffer's length, and the
 * oldest part of the virtio-net header. 6.17 dropped the struct without a new
 * message type: the header moved to the start of the buffer, and the length to
 * xdp_buff.frame_sz (which the caller fills in on every kernel). Only the
 * absence of the struct tells the two apart.
 *
 * Return: the virtio-net header in the buffer.
 */
static inline struct virtio_net_hdr *
compat_tun_buf_init(void *buf, int buflen, const void *header, size_t len)
{
#ifdef COMPAT_HAVE_TUN_XDP_HDR
	static const struct virtio_net_hdr none;
	struct tun_xdp_hdr *hdr = buf;

	hdr->buflen = buflen;
	hdr->gso = len ? *(const struct virtio_net_hdr *)header : none;
	return &hdr->gso;
#else
	/* tun may read more of a header than the guest has negotiated. */
	memcpy(buf, header, len);
	memset(buf + len, 0, COMPAT_TUN_BUF_HEAD - len);
	return buf;
#endif
}

/**
 * compat_tun_wake_queue() - tell a tap that packets were taken off its ring
 * @file: the tap, or a file of another driver, which is left alone
 * @ring: its ring, with the consumer lock held
 * @consumed: packets taken off; 0 if only an empty ring is a reason to wake
 *
 * 7.3: with IFF_BACKPRESSURE tun stops its transmit queue while the ring is
 * full. Only consumers of the ring wake it again: once half the ring has been
 * consumed since, or when the ring is empty.
 */
static inline void compat_tun_wake_queue(struct file *file,
					 struct ptr_ring *ring, int consumed)
{
	lockdep_assert_held(&ring->consumer_lock);
#ifdef COMPAT_HAVE_TUN_WAKE_QUEUE
	tun_wake_queue(file, consumed);
#endif
}

#endif /* VHOST_ALT_COMPAT_H */
