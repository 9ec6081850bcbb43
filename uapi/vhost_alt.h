/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The interface of /dev/vhost-net-alt: that of /dev/vhost-net.
 *
 * An open file is one device with two rings: 0 receives (the device writes
 * packets into the guest's buffers), 1 transmits. A further pair of queues is
 * a further file. Commands are ioctls of type VHOST_VIRTIO (0xAF), and the
 * structures are those of <linux/vhost.h>.
 *
 * GET/SET_FEATURES, GET/SET_FEATURES_ARRAY and GET/SET_BACKEND_FEATURES work for
 * everybody at any time, and so do reading, writing and polling the file.
 * SET_OWNER and SET/GET_FORK_FROM_OWNER work for everybody too. All other commands
 * fail with EPERM while there is no owner, and for a process whose address space
 * is not the owner's. A command that fails changes nothing.
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
 *	offered; EFAULT for VHOST_F_LOG_ALL if a running ring could not have the
 *	log, and for VIRTIO_F_ACCESS_PLATFORM without memory. Legal while running.
 *	With VIRTIO_F_ACCESS_PLATFORM the device IOTLB is there, and empty, also if
 *	it has been there before; without, it is gone. Where that changes, running
 *	rings wait for new addresses.
 *
 * VHOST_GET_FEATURES_ARRAY (struct vhost_features_array, count in, words out)
 * VHOST_SET_FEATURES_ARRAY (struct vhost_features_array, in)
 *	The same for features beyond 63, as words of 64 from the lowest on. GET
 *	fills as many as there are, and zeroes the rest of count. SET takes words
 *	that are left out for 0, as VHOST_SET_FEATURES does.
 *
 * VHOST_SET_OWNER
 *	The calling process becomes the owner: guest memory is his, and his
 *	cgroups account for the worker thread, which is named vhost-<pid>.
 *	EBUSY if there is an owner, ENOMEM.
 *
 * VHOST_RESET_OWNER
 *	Stops the rings and resets all; the memory table has no regions afterwards.
 *	EPERM for others than the owner; ENOMEM.
 *
 * VHOST_SET_FORK_FROM_OWNER, VHOST_GET_FORK_FROM_OWNER (u8)
 *	1, the default: the owner's workers are threads of his process, where the
 *	kernel has such (6.12), else threads of the kernel; 0: the kernel's on all.
 *	His cgroups account for either. SET: EBUSY once there is an owner, EINVAL
 *	for other values.
 *
 * VHOST_NEW_WORKER (struct vhost_worker_state, out)
 *	One more worker, whose id is returned; ids begin with 0 for the owner's
 *	first. EINVAL without an owner, ENOSPC if there are 64, ENOMEM.
 *
 * VHOST_FREE_WORKER (struct vhost_worker_state, in)
 *	Ends it. EINVAL without an owner, ENODEV if there is none with that id,
 *	EBUSY while it serves a ring.
 *
 * VHOST_ATTACH_VRING_WORKER (struct vhost_vring_worker, in)
 *	Has a ring served by another worker. When it returns, the former one does
 *	nothing for the ring any more. EINVAL without an owner, ENODEV. Legal while
 *	running.
 *
 * VHOST_GET_VRING_WORKER (struct vhost_vring_worker, index in, worker_id out)
 *	The worker that serves a ring. EINVAL without an owner.
 *
 * VHOST_SET_MEM_TABLE (struct vhost_memory, in)
 *	Where guest-physical memory lies in the owner's. Up to 509 regions
 *	(module parameter max_mem_regions), else E2BIG. EOPNOTSUPP if padding is
 *	not 0; EFAULT for a region that is empty, wraps around, or, while a ring
 *	is running, lies outside of what a process can address; ENOMEM. Legal
 *	while running: a packet is moved by either the old table or the new.
 *	EFAULT also if a ring that logs all it writes could not have the log.
 *
 * VHOST_SET_LOG_BASE (u64, in)
 *	Where the dirty log is: a bitmap with a bit for each 4 KiB of
 *	guest-physical memory. EFAULT if a running ring could not have all that it
 *	needs of it. Legal while running.
 *	With VHOST_F_LOG_ALL what is received is logged, with VHOST_VRING_F_LOG
 *	what is written to the used ring. A ring whose log cannot be written stops.
 *
 * VHOST_SET_LOG_FD (int, in)
 *	An eventfd that is signalled when the log has been written; -1 unbinds.
 *	EBADF, or EINVAL for a file that is no eventfd.
 *
 * VHOST_SET_VRING_NUM (struct vhost_vring_state, in)
 *	The size of a ring: a power of two up to 32768, else EINVAL. EBUSY while
 *	it is running.
 *
 * VHOST_SET_VRING_ADDR (struct vhost_vring_addr, in)
 *	Where the ring lies: in the owner's addresses or, with a device IOTLB, in
 *	the guest's. VHOST_VRING_F_LOG: writes to the used ring are logged, as of
 *	log_guest_addr or, with a device IOTLB, of the guest-physical memory that
 *	they go to. EOPNOTSUPP for other flags; EINVAL if avail is not aligned to 2,
 *	used or log to 4, or, while running, if the ring or its log is outside of
 *	what a process can address. Legal while running.
 *
 * VHOST_SET_VRING_BASE (struct vhost_vring_state, in)
 *	The index of the available entry to begin with. EBUSY while running,
 *	EINVAL above 0xffff.
 *
 * VHOST_GET_VRING_BASE (struct vhost_vring_state, in and out)
 *	The index of the available entry that is next. Exact while the ring does
 *	not run: every entry before it is used, none from it on; but after an error
 *	of the ring those that could not be written as used are lost.
 *
 * VHOST_SET_VRING_ENDIAN (struct vhost_vring_state, in)
 * VHOST_GET_VRING_ENDIAN (struct vhost_vring_state, in and out)
 *	The byte order of a ring without VIRTIO_F_VERSION_1, from its next start
 *	on: VHOST_VRING_LITTLE_ENDIAN or VHOST_VRING_BIG_ENDIAN, else EINVAL. SET:
 *	EBUSY while running. ENOTTY if the kernel has no
 *	CONFIG_VHOST_CROSS_ENDIAN_LEGACY.
 *
 * VHOST_SET_VRING_BUSYLOOP_TIMEOUT (struct vhost_vring_state, in)
 * VHOST_GET_VRING_BUSYLOOP_TIMEOUT (struct vhost_vring_state, in and out)
 *	For how many microseconds after the last packet the worker looks for more
 *	before it sleeps, as long as nobody else wants the CPU. Legal while running.
 *
 * VHOST_SET_VRING_KICK, _CALL, _ERR (struct vhost_vring_file, in)
 *	The eventfds by which the guest announces buffers, is interrupted, and by
 *	which the owner learns that a ring stopped because it could not be used.
 *	-1 unbinds. EBADF, or EINVAL for a file that is no eventfd. Nothing runs
 *	on behalf of a replaced kick once the command is done.
 *
 * VHOST_GET_BACKEND_FEATURES, VHOST_SET_BACKEND_FEATURES (u64)
 *	See VHOST_ALT_BACKEND_FEATURES. EOPNOTSUPP for others.
 *
 * VHOST_NET_SET_BACKEND (struct vhost_vring_file, in)
 *	Starts the ring on a file, moves it to another, or stops it: -1, which
 *	always succeeds. The file is a tap or tun, a macvtap, or an AF_PACKET raw
 *	socket, else ENOTSOCK. ENOBUFS for a bad index; EFAULT if there is no
 *	memory table or the ring cannot be accessed; EINVAL for a tap that has no
 *	device.
 *
 * The device IOTLB maps the I/O virtual addresses of a guest behind an IOMMU. It
 * has up to 4096 entries (module parameter max_iotlb_entries), of which the oldest
 * make room. Messages are of struct vhost_msg, or of struct vhost_msg_v2 with
 * VHOST_BACKEND_F_IOTLB_MSG_V2; both are taken at any time.
 *
 * read
 *	A VHOST_IOTLB_MISS: a ring waits for an entry that holds iova and allows
 *	perm. Less room than a message reads 0 bytes. EAGAIN if there is none and
 *	the file is O_NONBLOCK; EBADFD if there is no device IOTLB. Each ring has
 *	at most one miss; what has been read and not answered is asked again when
 *	the guest kicks.
 *
 * write
 *	VHOST_IOTLB_UPDATE: guest addresses [iova, iova + size) are the owner's
 *	from uaddr on, for perm. Replaces entries that it overlaps, and wakes the
 *	rings that wait for it.
 *	VHOST_IOTLB_INVALIDATE: removes the entries that touch the range. When it
 *	returns, none is in use.
 *	EINVAL for less than a message, an unknown form, or an update of size 0;
 *	EFAULT for anything else that is wrong, and without a device IOTLB.
 *
 * poll
 *	POLLIN if there is a miss to read.
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

/*
 * Older headers have no names for these: chains are used in the order in which
 * they are available; one ring may be reset alone.
 */
#ifndef VIRTIO_F_IN_ORDER
#define VIRTIO_F_IN_ORDER	35
#endif
#ifndef VIRTIO_F_RING_RESET
#define VIRTIO_F_RING_RESET	40
#endif

/* Commands that a <linux/vhost.h> older than Linux 6.19 may lack. */
#ifndef VHOST_NEW_WORKER
struct vhost_worker_state {
	unsigned int worker_id;
};

struct vhost_vring_worker {
	unsigned int index;
	unsigned int worker_id;
};

#define VHOST_NEW_WORKER	_IOR(VHOST_VIRTIO, 0x8, struct vhost_worker_state)
#define VHOST_FREE_WORKER	_IOW(VHOST_VIRTIO, 0x9, struct vhost_worker_state)
#define VHOST_ATTACH_VRING_WORKER \
	_IOW(VHOST_VIRTIO, 0x15, struct vhost_vring_worker)
#define VHOST_GET_VRING_WORKER \
	_IOWR(VHOST_VIRTIO, 0x16, struct vhost_vring_worker)
#endif

#ifndef VHOST_GET_FEATURES_ARRAY
struct vhost_features_array {
	__u64 count;
	__u64 features[];
};

#define VHOST_GET_FEATURES_ARRAY \
	_IOR(VHOST_VIRTIO, 0x83, struct vhost_features_array)
#define VHOST_SET_FEATURES_ARRAY \
	_IOW(VHOST_VIRTIO, 0x83, struct vhost_features_array)
#endif

#ifndef VHOST_SET_FORK_FROM_OWNER
#define VHOST_FORK_OWNER_KTHREAD	0
#define VHOST_FORK_OWNER_TASK		1
#define VHOST_SET_FORK_FROM_OWNER	_IOW(VHOST_VIRTIO, 0x84, __u8)
#define VHOST_GET_FORK_FROM_OWNER	_IOR(VHOST_VIRTIO, 0x85, __u8)
#endif

/*
 * What VHOST_GET_FEATURES returns. The bit of VHOST_NET_F_VIRTIO_NET_HDR (the
 * device adds and strips the virtio-net header, the backend has none) is that of
 * VIRTIO_F_ANY_LAYOUT to a driver. VHOST_GET_FEATURES_ARRAY has a second word: where
 * the kernel's tun knows virtio-net headers of tunnelled UDP segments (6.17),
 * VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO and VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO.
 */
#define VHOST_ALT_FEATURES				\
	((1ULL << VIRTIO_F_NOTIFY_ON_EMPTY) |		\
	 (1ULL << VIRTIO_RING_F_INDIRECT_DESC) |	\
	 (1ULL << VIRTIO_RING_F_EVENT_IDX) |		\
	 (1ULL << VHOST_F_LOG_ALL) |			\
	 (1ULL << VHOST_NET_F_VIRTIO_NET_HDR) |		\
	 (1ULL << VIRTIO_NET_F_MRG_RXBUF) |		\
	 (1ULL << VIRTIO_F_VERSION_1) |			\
	 (1ULL << VIRTIO_F_ACCESS_PLATFORM) |		\
	 (1ULL << VIRTIO_F_IN_ORDER) |			\
	 (1ULL << VIRTIO_F_RING_RESET))

/* What VHOST_GET_BACKEND_FEATURES returns. */
#define VHOST_ALT_BACKEND_FEATURES			\
	(1ULL << VHOST_BACKEND_F_IOTLB_MSG_V2)

#endif /* _UAPI_VHOST_ALT_H */
