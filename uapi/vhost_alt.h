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
 *	not run: every entry before it is used, none from it on.
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
 * counter a line: "queue0.packets:\t42", and comes, with much more, by the generic
 * netlink family "vhost_alt":
 *
 * VHOST_ALT_CMD_DEV_GET
 *	A device, by VHOST_ALT_A_DEV_ID, or all as a dump: the attributes of
 *	devices. Only devices that were opened in the network namespace of the
 *	caller, or all in the initial one; others are not there (ENODEV).
 *
 * VHOST_ALT_CMD_QUEUE_GET
 *	A queue, by VHOST_ALT_A_DEV_ID and VHOST_ALT_A_QUEUE (ENOBUFS for one that
 *	a device does not have), or as a dump all, or all of one device: the
 *	attributes of queues. Addresses are left out for a caller without
 *	CAP_NET_ADMIN in the namespace of the device.
 *
 * VHOST_ALT_CMD_STATS_RESET
 *	Sets the counters of a device, or of one of its queues, to 0.
 *	CAP_NET_ADMIN, else EPERM.
 *
 * VHOST_ALT_CMD_RING_GET
 *	What is in the ring of a queue: the last VHOST_ALT_A_RING_COUNT (16 if left
 *	out, at most 64) available entries that were taken, with their
 *	descriptors, and used entries that were written, the oldest first. The ring
 *	goes on meanwhile, so its entries may be newer than the indices say.
 *	CAP_NET_ADMIN, else EPERM; EINVAL without an owner or addresses of the
 *	ring; EFAULT if it cannot be read. Entries that were never written, or (in
 *	order) are skipped, show what is in memory there.
 *
 * EBUSY for a device that cannot be looked at within a second, since its owner or
 * worker waits for memory or is stopped; a dump leaves it out.
 *
 * A dump that met a change of the list of devices has NLM_F_DUMP_INTR. The
 * multicast group "events" tells of devices that are opened and closed, of backends
 * that are set and removed, and of rings that stopped for an error: messages with
 * the command VHOST_ALT_CMD_*_NTF, and the device's id, pid and comm; for queues
 * also their number and name, and the interface. They go to the namespace of the
 * device and to the initial one.
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

#define VHOST_ALT_GENL_NAME	"vhost_alt"
#define VHOST_ALT_GENL_VERSION	1
#define VHOST_ALT_GENL_EVENTS	"events"

/* Commands of the netlink family, and notifications. */
enum vhost_alt_cmd {
	VHOST_ALT_CMD_UNSPEC,
	VHOST_ALT_CMD_DEV_GET,
	VHOST_ALT_CMD_QUEUE_GET,
	VHOST_ALT_CMD_STATS_RESET,
	VHOST_ALT_CMD_RING_GET,
	VHOST_ALT_CMD_DEV_OPEN_NTF,
	VHOST_ALT_CMD_DEV_CLOSE_NTF,
	VHOST_ALT_CMD_BACKEND_SET_NTF,
	VHOST_ALT_CMD_BACKEND_REMOVED_NTF,
	VHOST_ALT_CMD_RING_ERROR_NTF,

	__VHOST_ALT_CMD_MAX,
	VHOST_ALT_CMD_MAX = __VHOST_ALT_CMD_MAX - 1
};

/**
 * enum vhost_alt_attr - attributes of messages
 * @VHOST_ALT_A_UNSPEC: none
 * @VHOST_ALT_A_PAD: alignment
 * @VHOST_ALT_A_DEV_ID: u32, of an open file; not used again soon
 * @VHOST_ALT_A_PID: u32, the owner's, in the initial pid namespace; left out
 *	without an owner
 * @VHOST_ALT_A_COMM: string, the owner's
 * @VHOST_ALT_A_FEATURES: u64, as the driver accepted them
 * @VHOST_ALT_A_FEATURES_HI: u64, those from 64 on
 * @VHOST_ALT_A_BACKEND_FEATURES: u64
 * @VHOST_ALT_A_REGIONS: u32, regions of the memory table
 * @VHOST_ALT_A_IOTLB_ENTRIES: u32, entries of the device IOTLB; left out without
 *	one
 * @VHOST_ALT_A_WORKER: nest of enum vhost_alt_worker_attr, one for each worker
 * @VHOST_ALT_A_QUEUES: u32, how many queues it has
 * @VHOST_ALT_A_QUEUE: u32, the number of a queue
 * @VHOST_ALT_A_QUEUE_NAME: string, "rx" or "tx", as the guest sees it
 * @VHOST_ALT_A_SIZE: u32, entries of the ring
 * @VHOST_ALT_A_LAYOUT: string, "split"
 * @VHOST_ALT_A_STATE: u32, of VHOST_ALT_QUEUE_*
 * @VHOST_ALT_A_IFNAME: string, what the interface of the backend was called when
 *	it was set; left out for one that has none, and without a backend
 * @VHOST_ALT_A_IFINDEX: u32, its index. That of a tap is looked up by the name, in the
 *	namespace in which it was opened.
 * @VHOST_ALT_A_WORKER_ID: u32, who serves the queue
 * @VHOST_ALT_A_BUSYLOOP: u32, microseconds
 * @VHOST_ALT_A_LAST_AVAIL: u32, index of the next available entry to take
 * @VHOST_ALT_A_AVAIL_IDX: u32, end of the available entries when last looked at
 * @VHOST_ALT_A_LAST_USED: u32, index of the next used entry to write
 * @VHOST_ALT_A_DESC_ADDR: u64, as the owner gave it, like the next two
 * @VHOST_ALT_A_AVAIL_ADDR: u64
 * @VHOST_ALT_A_USED_ADDR: u64
 * @VHOST_ALT_A_COUNTERS: nest of u64 by enum vhost_alt_counter
 * @VHOST_ALT_A_DROPS: nest of u64 by enum vhost_alt_drop
 * @VHOST_ALT_A_BATCH_SIZES: nest of u64: attribute i is how many batches had more
 *	than 2^(i-2) and up to 2^(i-1) chains: 1, 2, 3-4, 5-8, ..., 33-64, more
 * @VHOST_ALT_A_RING_COUNT: u32, how many entries of a ring
 * @VHOST_ALT_A_RING_AVAIL: nest of enum vhost_alt_entry_attr, one for each entry
 * @VHOST_ALT_A_RING_USED: nest of enum vhost_alt_entry_attr, one for each entry
 * @VHOST_ALT_A_RING_AVAIL_FLAGS: u32, the driver's flags as they are in the ring
 * @VHOST_ALT_A_RING_AVAIL_IDX: u32, its index
 * @VHOST_ALT_A_RING_USED_EVENT: u32, its event index; left out without one
 * @VHOST_ALT_A_RING_USED_FLAGS: u32, the device's flags as they are in the ring
 * @VHOST_ALT_A_RING_USED_IDX: u32, its index
 * @VHOST_ALT_A_RING_AVAIL_EVENT: u32, its event index; left out without one
 * @__VHOST_ALT_A_MAX: behind the last
 * @VHOST_ALT_A_MAX: the last
 */
enum vhost_alt_attr {
	VHOST_ALT_A_UNSPEC,
	VHOST_ALT_A_PAD,
	VHOST_ALT_A_DEV_ID,
	VHOST_ALT_A_PID,
	VHOST_ALT_A_COMM,
	VHOST_ALT_A_FEATURES,
	VHOST_ALT_A_FEATURES_HI,
	VHOST_ALT_A_BACKEND_FEATURES,
	VHOST_ALT_A_REGIONS,
	VHOST_ALT_A_IOTLB_ENTRIES,
	VHOST_ALT_A_WORKER,
	VHOST_ALT_A_QUEUES,
	VHOST_ALT_A_QUEUE,
	VHOST_ALT_A_QUEUE_NAME,
	VHOST_ALT_A_SIZE,
	VHOST_ALT_A_LAYOUT,
	VHOST_ALT_A_STATE,
	VHOST_ALT_A_IFNAME,
	VHOST_ALT_A_IFINDEX,
	VHOST_ALT_A_WORKER_ID,
	VHOST_ALT_A_BUSYLOOP,
	VHOST_ALT_A_LAST_AVAIL,
	VHOST_ALT_A_AVAIL_IDX,
	VHOST_ALT_A_LAST_USED,
	VHOST_ALT_A_DESC_ADDR,
	VHOST_ALT_A_AVAIL_ADDR,
	VHOST_ALT_A_USED_ADDR,
	VHOST_ALT_A_COUNTERS,
	VHOST_ALT_A_DROPS,
	VHOST_ALT_A_BATCH_SIZES,
	VHOST_ALT_A_RING_COUNT,
	VHOST_ALT_A_RING_AVAIL,
	VHOST_ALT_A_RING_USED,
	VHOST_ALT_A_RING_AVAIL_FLAGS,
	VHOST_ALT_A_RING_AVAIL_IDX,
	VHOST_ALT_A_RING_USED_EVENT,
	VHOST_ALT_A_RING_USED_FLAGS,
	VHOST_ALT_A_RING_USED_IDX,
	VHOST_ALT_A_RING_AVAIL_EVENT,

	__VHOST_ALT_A_MAX,
	VHOST_ALT_A_MAX = __VHOST_ALT_A_MAX - 1
};

/**
 * enum vhost_alt_queue_state - bits of VHOST_ALT_A_STATE
 * @VHOST_ALT_QUEUE_RUNNING: has a backend
 * @VHOST_ALT_QUEUE_BROKEN: rests after an error of its ring
 * @VHOST_ALT_QUEUE_EVENT_IDX: uses the event index
 * @VHOST_ALT_QUEUE_NOTIFY_OFF: has told the guest not to kick
 * @VHOST_ALT_QUEUE_IOTLB_MISS: waits for an entry of the device IOTLB
 * @VHOST_ALT_QUEUE_KICK: has an eventfd for kicks
 * @VHOST_ALT_QUEUE_CALL: has one for calls
 */
enum vhost_alt_queue_state {
	VHOST_ALT_QUEUE_RUNNING		= 0x01,
	VHOST_ALT_QUEUE_BROKEN		= 0x02,
	VHOST_ALT_QUEUE_EVENT_IDX	= 0x04,
	VHOST_ALT_QUEUE_NOTIFY_OFF	= 0x08,
	VHOST_ALT_QUEUE_IOTLB_MISS	= 0x10,
	VHOST_ALT_QUEUE_KICK		= 0x20,
	VHOST_ALT_QUEUE_CALL		= 0x40,
};

/**
 * enum vhost_alt_worker_attr - a worker
 * @VHOST_ALT_WORKER_UNSPEC: none
 * @VHOST_ALT_WORKER_PAD: alignment
 * @VHOST_ALT_WORKER_ID: u32, within the device
 * @VHOST_ALT_WORKER_TID: u32, in the initial pid namespace
 * @VHOST_ALT_WORKER_RUNS: u64, times that it took up all the work that was queued
 * @VHOST_ALT_WORKER_RUNTIME: u64, nanoseconds of CPU time
 * @VHOST_ALT_WORKER_CPU: u32, where it ran last
 * @__VHOST_ALT_WORKER_MAX: behind the last
 * @VHOST_ALT_WORKER_MAX: the last
 */
enum vhost_alt_worker_attr {
	VHOST_ALT_WORKER_UNSPEC,
	VHOST_ALT_WORKER_PAD,
	VHOST_ALT_WORKER_ID,
	VHOST_ALT_WORKER_TID,
	VHOST_ALT_WORKER_RUNS,
	VHOST_ALT_WORKER_RUNTIME,
	VHOST_ALT_WORKER_CPU,

	__VHOST_ALT_WORKER_MAX,
	VHOST_ALT_WORKER_MAX = __VHOST_ALT_WORKER_MAX - 1
};

/**
 * enum vhost_alt_entry_attr - an entry of a ring
 * @VHOST_ALT_ENTRY_UNSPEC: none
 * @VHOST_ALT_ENTRY_PAD: alignment
 * @VHOST_ALT_ENTRY_INDEX: u32, its index, which counts on over the ring's end
 * @VHOST_ALT_ENTRY_ID: u32, the head of the chain
 * @VHOST_ALT_ENTRY_LEN: u32, used entries: bytes that the device wrote
 * @VHOST_ALT_ENTRY_DESC: nest of enum vhost_alt_desc_attr: available entries: each
 *	descriptor of the chain in the ring's table, at most 8
 * @__VHOST_ALT_ENTRY_MAX: behind the last
 * @VHOST_ALT_ENTRY_MAX: the last
 */
enum vhost_alt_entry_attr {
	VHOST_ALT_ENTRY_UNSPEC,
	VHOST_ALT_ENTRY_PAD,
	VHOST_ALT_ENTRY_INDEX,
	VHOST_ALT_ENTRY_ID,
	VHOST_ALT_ENTRY_LEN,
	VHOST_ALT_ENTRY_DESC,

	__VHOST_ALT_ENTRY_MAX,
	VHOST_ALT_ENTRY_MAX = __VHOST_ALT_ENTRY_MAX - 1
};

/**
 * enum vhost_alt_desc_attr - a descriptor
 * @VHOST_ALT_DESC_UNSPEC: none
 * @VHOST_ALT_DESC_PAD: alignment
 * @VHOST_ALT_DESC_INDEX: u32, its place in the table
 * @VHOST_ALT_DESC_ADDR: u64, the guest's address of the buffer
 * @VHOST_ALT_DESC_LEN: u32, its bytes
 * @VHOST_ALT_DESC_FLAGS: u32, of VRING_DESC_F_*
 * @VHOST_ALT_DESC_NEXT: u32, where the chain goes on, if the flags say so
 * @__VHOST_ALT_DESC_MAX: behind the last
 * @VHOST_ALT_DESC_MAX: the last
 */
enum vhost_alt_desc_attr {
	VHOST_ALT_DESC_UNSPEC,
	VHOST_ALT_DESC_PAD,
	VHOST_ALT_DESC_INDEX,
	VHOST_ALT_DESC_ADDR,
	VHOST_ALT_DESC_LEN,
	VHOST_ALT_DESC_FLAGS,
	VHOST_ALT_DESC_NEXT,

	__VHOST_ALT_DESC_MAX,
	VHOST_ALT_DESC_MAX = __VHOST_ALT_DESC_MAX - 1
};

/**
 * VHOST_ALT_COUNTERS() - the counters of a queue
 * @X: macro to expand for each of them: X(NUMBER, name, description)
 *
 * A counter is defined here, once: its number is VHOST_ALT_COUNTER_NUMBER, and
 * its name is that of the module's field, of the line in fdinfo and of the key
 * in vhostctl's output. After a change run netlink/generate.py, and describe a
 * new counter in docs/counters.md. New counters go at the end.
 *
 * A batch is completed as a whole; what does not fit into it is put back.
 * KICKS_SUPPRESSED counts rounds of fetching that found chains although the
 * guest had not kicked since the previous round. IOTLB_MISSES counts a miss
 * again if it was read, not answered, and met again.
 */
#define VHOST_ALT_COUNTERS(X)						\
	X(PACKETS, packets,						\
	  "Packets passed on in full and without error")		\
	X(BYTES, bytes,							\
	  "Bytes of the packets passed on, without virtio-net headers")	\
	X(BATCHES, batches,						\
	  "Rounds of fetching, passing on and completing chains")	\
	X(RUNS, runs,							\
	  "Times the worker ran the queue")				\
	X(WEIGHT, weight,						\
	  "Runs cut short so that other queues take their turn")	\
	X(KICKS, kicks,							\
	  "Kicks from the guest")					\
	X(KICKS_SUPPRESSED, kicks_suppressed,				\
	  "Times new chains were found without a kick since the last time") \
	X(WAKEUPS, wakeups,						\
	  "Times the backend woke the queue")				\
	X(CALLS, calls,							\
	  "Interrupts sent to the guest")				\
	X(CALLS_SUPPRESSED, calls_suppressed,				\
	  "Batches after which the guest wanted no interrupt")		\
	X(RING_EMPTY, ring_empty,					\
	  "Transmit: times the guest had nothing more to send")		\
	X(NO_BUFFERS, no_buffers,					\
	  "Receive: times packets waited for buffers from the guest")	\
	X(PUT_BACK, put_back,						\
	  "Chains fetched and put back for later")			\
	X(SOCKET_FULL, socket_full,					\
	  "Transmit: times the backend accepted no more packets")	\
	X(RING_ERRORS, ring_errors,					\
	  "Times the queue stopped because its ring could not be used")	\
	X(IOTLB_MISSES, iotlb_misses,					\
	  "Times the owner was asked for an entry of the device IOTLB")	\
	X(LOG_BYTES, log_bytes,						\
	  "Bytes of guest memory that were written and logged")		\
	X(BUSY_POLLS, busy_polls,					\
	  "Times the worker polled for more work instead of sleeping")	\
	X(BUSY_HITS, busy_hits,						\
	  "Busy polls that found work")					\
	X(BUSY_NS, busy_ns,						\
	  "Nanoseconds spent busy polling")

#define __VHOST_ALT_COUNTER(number, ...)	VHOST_ALT_COUNTER_ ## number,

/* The attributes in VHOST_ALT_A_COUNTERS: a u64 for each counter. */
enum vhost_alt_counter {
	VHOST_ALT_COUNTER_UNSPEC,
	VHOST_ALT_COUNTER_PAD,
	VHOST_ALT_COUNTERS(__VHOST_ALT_COUNTER)

	__VHOST_ALT_COUNTER_MAX,
	VHOST_ALT_COUNTER_MAX = __VHOST_ALT_COUNTER_MAX - 1
};

#undef __VHOST_ALT_COUNTER

/**
 * VHOST_ALT_DROPS() - the reasons why a packet is dropped
 * @X: macro to expand for each of them: X(NUMBER, name, description)
 *
 * Either a packet was dropped, or a chain was returned to the guest unused. A
 * reason is defined here, once, as a counter is in VHOST_ALT_COUNTERS().
 *
 * A piece of a chain is a part of a buffer that is contiguous in the owner's
 * memory; one message to the backend holds at most 1024. A chain of more than
 * 1024 descriptors is CHAIN_LONG too. The size of an indirect table is bad if it
 * is 0 or not a multiple of 16, and a flag is bad if it nests another indirect
 * table or continues the chain after this one. NO_ROOM is a packet that does
 * not fit into all buffers that one packet may take.
 */
#define VHOST_ALT_DROPS(X)						\
	X(CHAIN_HEAD, chain_head,					\
	  "the guest's driver made an invalid descriptor index available") \
	X(CHAIN_NEXT, chain_next,					\
	  "the guest's driver made a chain that leaves its descriptor table") \
	X(CHAIN_LOOP, chain_loop,					\
	  "the guest's driver made a chain longer than its table: a loop") \
	X(CHAIN_LONG, chain_long,					\
	  "the guest's driver made a chain of more than 1024 pieces")	\
	X(CHAIN_ORDER, chain_order,					\
	  "the guest's driver put a readable descriptor after a writable one") \
	X(CHAIN_ADDRESS, chain_address,					\
	  "a buffer lies outside of guest memory, or its access is forbidden") \
	X(CHAIN_INDIRECT, chain_indirect,				\
	  "an indirect table has a bad size or flag, or cannot be read") \
	X(DIRECTION, direction,						\
	  "a buffer to transmit is writable, or one to receive into is not") \
	X(SHORT, short,							\
	  "the guest sent less than a virtio-net and an Ethernet header") \
	X(LONG, long,							\
	  "the guest sent more bytes than a packet can have")		\
	X(HEADER, header,						\
	  "the guest sent a virtio-net header that contradicts its packet") \
	X(COPY, copy,							\
	  "a buffer to transmit could not be read")			\
	X(MEMORY, memory,						\
	  "the host had no memory for a copy of a packet to transmit")	\
	X(SEND, send,							\
	  "the backend refused the packet: is its interface up?")	\
	X(NO_ROOM, no_room,						\
	  "the packet exceeds the guest's buffers: check MTU and mrg_rxbuf") \
	X(RECEIVE, receive,						\
	  "the packet to receive was gone, or its size had changed")	\
	X(WRITE, write,							\
	  "a buffer to receive into could not be written")

#define __VHOST_ALT_DROP(number, ...)	VHOST_ALT_DROP_ ## number,

/* The attributes in VHOST_ALT_A_DROPS: a u64 for each reason. */
enum vhost_alt_drop {
	VHOST_ALT_DROP_UNSPEC,
	VHOST_ALT_DROP_PAD,
	VHOST_ALT_DROPS(__VHOST_ALT_DROP)

	__VHOST_ALT_DROP_MAX,
	VHOST_ALT_DROP_MAX = __VHOST_ALT_DROP_MAX - 1
};

#undef __VHOST_ALT_DROP

#endif /* _UAPI_VHOST_ALT_H */
