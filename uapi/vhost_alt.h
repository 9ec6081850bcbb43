/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The interface of /dev/vhost-net-alt: that of /dev/vhost-net.
 *
 * An open file is one device with two rings: 0 receives (the device writes
 * packets into the guest's buffers), 1 transmits. A further pair of queues is
 * a further file. Commands are ioctls of type VHOST_VIRTIO (0xAF), and the
 * structures are those of <linux/vhost.h>.
 *
 * Before an owner is set, only GET/SET_FEATURES, GET/SET_BACKEND_FEATURES and
 * SET_OWNER work; afterwards, all other commands fail with EPERM for a process
 * whose address space is not the owner's. A command that fails changes nothing.
 * All commands fail with EFAULT if their argument cannot be read or written. A
 * command of a ring reads the ring's index, the first u32 of its argument,
 * before all else: EFAULT, then ENOBUFS for an index of 2 or more. So an
 * unknown command is ENOTTY only if its argument begins with a good index.
 *
 * VHOST_GET_FEATURES (u64, out)
 *	The features that are offered; see VHOST_ALT_FEATURES.
 *
 * VHOST_SET_FEATURES (u64, in)
 *	The features that the driver accepted. EOPNOTSUPP for one that is not
 *	offered. Legal while running.
 *
 * VHOST_SET_OWNER
 *	The calling process becomes the owner: guest memory is his, and his
 *	cgroups account for the worker thread, which is named vhost-<pid>.
 *	EBUSY if there is an owner, ENOMEM.
 *
 * VHOST_RESET_OWNER
 *	Stops the rings and resets all. EPERM for others than the owner.
 *
 * VHOST_SET_MEM_TABLE (struct vhost_memory, in)
 *	Where guest-physical memory lies in the owner's. Up to 509 regions
 *	(module parameter max_mem_regions), else E2BIG. EOPNOTSUPP if padding is
 *	not 0; EFAULT for a region that is empty, wraps around, or, while a ring
 *	is running, lies outside of what a process can address; ENOMEM. Legal
 *	while running: a packet is moved by either the old table or the new.
 *
 * VHOST_SET_VRING_NUM (struct vhost_vring_state, in)
 *	The size of a ring: a power of two up to 32768, else EINVAL. EBUSY while
 *	it is running.
 *
 * VHOST_SET_VRING_ADDR (struct vhost_vring_addr, in)
 *	Where the ring lies, in the owner's addresses. EOPNOTSUPP for flags;
 *	EINVAL if avail is not aligned to 2,
 *	used or log to 4, or, while running, if the ring is outside of what a
 *	process can address. Legal while running.
 *
 * VHOST_SET_VRING_BASE (struct vhost_vring_state, in)
 *	The index of the available entry to begin with. EBUSY while running,
 *	EINVAL above 0xffff.
 *
 * VHOST_GET_VRING_BASE (struct vhost_vring_state, in and out)
 *	The index of the available entry that is next. Exact while the ring does
 *	not run: every entry before it is used, none from it on.
 *
 * VHOST_SET_VRING_KICK, _CALL, _ERR (struct vhost_vring_file, in)
 *	The eventfds by which the guest announces buffers, is interrupted, and by
 *	which the owner learns that a ring stopped because it could not be used.
 *	-1 unbinds. EBADF, or EINVAL for a file that is no eventfd. Nothing runs
 *	on behalf of a replaced kick once the command is done.
 *
 * VHOST_GET_BACKEND_FEATURES, VHOST_SET_BACKEND_FEATURES (u64)
 *	None is offered. EOPNOTSUPP for any that is set.
 *
 * VHOST_NET_SET_BACKEND (struct vhost_vring_file, in)
 *	Starts the ring on a file, moves it to another, or stops it: -1, which
 *	always succeeds. The file is a tap or tun, a macvtap, or an AF_PACKET raw
 *	socket, else ENOTSOCK. ENOBUFS for a bad index; EFAULT if there is no
 *	memory table or the ring cannot be accessed; EINVAL for a tap that has no
 *	device.
 *
 * What a queue has done stands in /proc/<pid>/fdinfo/<fd> of the open file, one
 * counter a line: "queue0.packets:\t42". vhost_stats.h lists the counters and
 * the reasons for which packets are dropped.
 */
#ifndef _UAPI_VHOST_ALT_H
#define _UAPI_VHOST_ALT_H

#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>

/* Headers before Linux 6.0 have no name for it: one ring may be reset alone. */
#ifndef VIRTIO_F_RING_RESET
#define VIRTIO_F_RING_RESET	40
#endif

/*
 * What VHOST_GET_FEATURES returns. The bit of VHOST_NET_F_VIRTIO_NET_HDR (the
 * device adds and strips the virtio-net header, the backend has none) is that of
 * VIRTIO_F_ANY_LAYOUT to a driver.
 */
#define VHOST_ALT_FEATURES				\
	((1ULL << VIRTIO_F_NOTIFY_ON_EMPTY) |		\
	 (1ULL << VIRTIO_RING_F_INDIRECT_DESC) |	\
	 (1ULL << VIRTIO_RING_F_EVENT_IDX) |		\
	 (1ULL << VHOST_NET_F_VIRTIO_NET_HDR) |		\
	 (1ULL << VIRTIO_NET_F_MRG_RXBUF) |		\
	 (1ULL << VIRTIO_F_VERSION_1) |			\
	 (1ULL << VIRTIO_F_RING_RESET))

#endif /* _UAPI_VHOST_ALT_H */
