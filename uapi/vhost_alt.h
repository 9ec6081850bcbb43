/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The interface of /dev/vhost-net-alt: that of /dev/vhost-net, and a netlink
 * family.
 *
 * An open file is a device with two rings: ring 0 receives (the device writes
 * packets into the guest's buffers), ring 1 transmits. Each further pair of
 * queues is a further open file. Commands are ioctls of type VHOST_VIRTIO
 * (0xAF), and the structures are those of <linux/vhost.h>.
 *
 * GET/SET_FEATURES, GET/SET_FEATURES_ARRAY and GET/SET_BACKEND_FEATURES are
 * open to every process at any time, as are reading, writing and polling the
 * file. SET_OWNER and GET/SET_FORK_FROM_OWNER are open to every process too.
 * All other commands fail with EPERM if there is no owner, or if the address
 * space of the caller is not the owner's. A command that fails changes nothing.
 *
 * Every command fails with EFAULT if its argument cannot be read or written. A
 * command for a ring first reads the ring's index, the first u32 of its
 * argument: EFAULT if that fails, then ENOBUFS if the index is 2 or more. An
 * unknown command therefore fails with ENOTTY only if its argument begins with
 * a valid index.
 *
 * VHOST_GET_FEATURES (u64, out)
 *	Get the features offered; see VHOST_ALT_FEATURES.
 *
 * VHOST_SET_FEATURES (u64, in)
 *	Set the features that the driver accepted. Allowed while running.
 *	EOPNOTSUPP for a feature that is not offered, and for
 *	VIRTIO_F_RING_PACKED without VIRTIO_F_VERSION_1; EBUSY if the layout of
 *	a running ring would change; EFAULT for VHOST_F_LOG_ALL if a running
 *	ring could not access its part of the log, and for
 *	VIRTIO_F_ACCESS_PLATFORM if memory is short.
 *	Sizes, bases and addresses that are set already are kept when the layout
 *	changes, and checked at the start.
 *	With VIRTIO_F_ACCESS_PLATFORM the device has an IOTLB, which is empty
 *	after each such command, even if there was one before; without, it has
 *	none. If a command adds or removes the IOTLB, running rings wait for new
 *	addresses.
 *
 * VHOST_GET_FEATURES_ARRAY (struct vhost_features_array, count in, words out)
 * VHOST_SET_FEATURES_ARRAY (struct vhost_features_array, in)
 *	The same for features beyond bit 63, as an array of 64-bit words, the
 *	lowest first. GET fills in as many words as the device has and sets the
 *	rest of count to 0. SET takes missing words as 0, as VHOST_SET_FEATURES
 *	does.
 *
 * VHOST_SET_OWNER
 *	Make the calling process the owner. Guest addresses are resolved in its
 *	address space, and the worker thread, named vhost-<pid>, is charged to
 *	its cgroups and counts as a process of its user. EBUSY if there is an
 *	owner; ENOMEM, also at the limit of processes (RLIMIT_NPROC, and the
 *	cgroup's pids.max for threads of the owner's process).
 *
 * VHOST_RESET_OWNER
 *	Stop the rings and reset the device. The memory table has no regions
 *	afterwards. EPERM for a process other than the owner; ENOMEM.
 *
 * VHOST_SET_FORK_FROM_OWNER, VHOST_GET_FORK_FROM_OWNER (u8)
 *	1, the default: workers are threads of the owner's process where the
 *	kernel supports that (6.12), else kernel threads. 0: workers are kernel
 *	threads everywhere. Both kinds are charged to the owner's cgroups and
 *	user. SET: EBUSY if there is an owner, EINVAL for any other value.
 *
 * VHOST_NEW_WORKER (struct vhost_worker_state, out)
 *	Create a worker and return its id. Ids start at 0, which is the owner's
 *	first worker. There may be one for each ring and one more, so that each
 *	ring can be given a new one. EINVAL without an owner; ENOSPC at that
 *	limit; ENOMEM as for VHOST_SET_OWNER.
 *
 * VHOST_FREE_WORKER (struct vhost_worker_state, in)
 *	Free a worker. EINVAL without an owner; ENODEV if no worker has that id;
 *	EBUSY while it serves a ring.
 *
 * VHOST_ATTACH_VRING_WORKER (struct vhost_vring_worker, in)
 *	Assign a ring to another worker. When the command returns, the previous
 *	worker no longer does anything for the ring. Allowed while running.
 *	EINVAL without an owner; ENODEV if no worker has that id.
 *
 * VHOST_GET_VRING_WORKER (struct vhost_vring_worker, index in, worker_id out)
 *	Get the worker that serves a ring. EINVAL without an owner.
 *
 * VHOST_SET_MEM_TABLE (struct vhost_memory, in)
 *	Map guest-physical memory to the owner's addresses. Allowed while
 *	running: a packet is moved by either the old or the new table. E2BIG for
 *	more than 509 regions (module parameter max_mem_regions); EOPNOTSUPP if
 *	padding is not 0; EFAULT for a region that is empty, wraps around or,
 *	while a ring is running, lies outside of user address space, and if a
 *	ring that logs all its writes could not access its part of the log;
 *	ENOMEM.
 *
 * VHOST_SET_LOG_BASE (u64, in)
 *	Set the address of the dirty log: a bitmap with one bit for each 4 KiB
 *	of guest-physical memory. Allowed while running. EFAULT if a running
 *	ring could not access its part of the log.
 *	With VHOST_F_LOG_ALL writes to receive buffers are logged, with
 *	VHOST_VRING_F_LOG writes to the ring. A ring whose log cannot be written
 *	waits until it can.
 *
 * VHOST_SET_LOG_FD (int, in)
 *	Set the eventfd that is signalled after the log was written; -1 removes
 *	it. EBADF; EINVAL for a file that is not an eventfd.
 *
 * VHOST_SET_VRING_NUM (struct vhost_vring_state, in)
 *	Set the size of a ring: at most 32768 and, in the split layout, a power
 *	of two, else EINVAL. EBUSY while running.
 *
 * VHOST_SET_VRING_ADDR (struct vhost_vring_addr, in)
 *	Set the addresses of a ring: in the owner's address space or, with a
 *	device IOTLB, in the guest's. In the packed layout desc is the
 *	descriptor ring, avail the driver event suppression area, and used the
 *	device's. Allowed while running. VHOST_VRING_F_LOG has writes to the
 *	used area logged, at log_guest_addr or, with a device IOTLB, at the
 *	guest-physical addresses that they go to. Writes to the descriptor ring
 *	of the packed layout are then always logged at the latter. EOPNOTSUPP
 *	for other flags; EINVAL if avail is not aligned to 2, if used or log is
 *	not aligned to 4 or, while running, if the ring or its log lies outside
 *	of user address space.
 *
 * VHOST_SET_VRING_BASE (struct vhost_vring_state, in)
 *	Set the index of the first available entry to take. EBUSY while running;
 *	in the split layout EINVAL above 0xffff. In the packed layout bits 0 to
 *	14 are the index of the first available descriptor to take, and bit 15
 *	is its wrap counter; bits 16 to 30 are the index of the first used
 *	descriptor to write, and bit 31 is its wrap counter. If the lower half
 *	is 0x8000 and the upper half 0, which some owners set for a fresh ring,
 *	the upper half is taken to be 0x8000 as well. The start of the ring
 *	fails with EINVAL for positions beyond its size, and if they contradict
 *	each other.
 *
 * VHOST_GET_VRING_BASE (struct vhost_vring_state, in and out)
 *	Get the index of the next available entry to take; in the packed layout
 *	both positions as above. Exact while the ring is stopped: every entry
 *	before it is used, and none from it on.
 *
 * VHOST_SET_VRING_ENDIAN (struct vhost_vring_state, in)
 * VHOST_GET_VRING_ENDIAN (struct vhost_vring_state, in and out)
 *	The byte order of a ring without VIRTIO_F_VERSION_1, from its next start
 *	on: VHOST_VRING_LITTLE_ENDIAN or VHOST_VRING_BIG_ENDIAN, else EINVAL.
 *	SET: EBUSY while running. ENOTTY if the kernel is built without
 *	CONFIG_VHOST_CROSS_ENDIAN_LEGACY.
 *
 * VHOST_SET_VRING_BUSYLOOP_TIMEOUT (struct vhost_vring_state, in)
 * VHOST_GET_VRING_BUSYLOOP_TIMEOUT (struct vhost_vring_state, in and out)
 *	The time in microseconds for which the worker keeps polling after the
 *	last packet before it sleeps, as long as no other task wants the CPU.
 *	Allowed while running. 0 at first. VHOST_ALT_CMD_QUEUE_SET of the
 *	netlink family writes the same number: the last write counts.
 *
 * VHOST_SET_VRING_KICK, _CALL, _ERR (struct vhost_vring_file, in)
 *	Set the eventfds by which the guest announces buffers (kick), by which
 *	the guest is interrupted (call), and by which the owner learns that a
 *	ring became unusable, for good or for a while (err); -1 removes it.
 *	EBADF; EINVAL for a file that is not an eventfd. When the command
 *	returns, nothing started by a replaced kick is still running. If an
 *	interrupt of a running ring fell due while it had no call, a new one is
 *	signalled at once; stopping the ring cancels that.
 *
 * VHOST_GET_BACKEND_FEATURES, VHOST_SET_BACKEND_FEATURES (u64)
 *	Get the backend features offered, or set those accepted; see
 *	VHOST_ALT_BACKEND_FEATURES. EOPNOTSUPP for others.
 *
 * VHOST_NET_SET_BACKEND (struct vhost_vring_file, in)
 *	Start a ring on a file, move it to another file or, with -1, stop it.
 *	Stopping always succeeds. The file is a tap or tun, a macvtap, or an
 *	AF_PACKET raw socket, else ENOTSOCK. ENOBUFS for an invalid index;
 *	EFAULT if there is no memory table or the ring cannot be accessed;
 *	EINVAL for a tap without a device, and if the ring's layout does not
 *	allow the size or the base, which may have been set before the layout.
 *
 * The device IOTLB maps I/O virtual addresses of a guest with an IOMMU. It
 * holds up to 4096 entries (module parameter max_iotlb_entries); the oldest one
 * makes room for a new one. A message is a struct vhost_msg or, with
 * VHOST_BACKEND_F_IOTLB_MSG_V2, a struct vhost_msg_v2; written messages may be
 * of either kind at any time.
 *
 * read
 *	Read a VHOST_IOTLB_MISS: a ring waits for an entry that contains iova
 *	and allows perm. A buffer smaller than a message reads 0 bytes. EAGAIN
 *	if there is no miss and the file is O_NONBLOCK; EBADFD if there is no
 *	device IOTLB. Each ring has at most one miss. A miss that was read and
 *	not answered is reported again when the guest kicks.
 *
 * write
 *	VHOST_IOTLB_UPDATE: map guest addresses [iova, iova + size) to the
 *	owner's addresses from uaddr on, for perm. Entries that overlap are
 *	replaced, and rings that wait for the range are woken.
 *	VHOST_IOTLB_INVALIDATE: remove the entries that overlap the range, which
 *	ends at the last address if it would wrap around. When the call returns,
 *	none of them is in use. Removing all 2^64 addresses takes two messages.
 *	EINVAL for less than a message, an unknown type of message, or an update
 *	of size 0; EFAULT for an invalidation of size 0, for any other invalid
 *	message, and without a device IOTLB.
 *
 * poll
 *	POLLIN if there is a miss to read.
 *
 * The counters of a queue are in /proc/<pid>/fdinfo/<fd> of the open file, one
 * per line: "queue0.packets:\t42". The generic netlink family "vhost_alt" has
 * the counters and much more:
 *
 * VHOST_ALT_CMD_DEV_GET
 *	Get the device VHOST_ALT_A_DEV_ID, or dump all devices. In the initial
 *	network namespace all devices are visible, in any other one those that
 *	were opened there. An open device does not keep its namespace alive;
 *	once that is gone, only the initial one sees the device. ENODEV for a
 *	device that is not visible.
 *
 * VHOST_ALT_CMD_QUEUE_GET
 *	Get the queue VHOST_ALT_A_QUEUE of the device VHOST_ALT_A_DEV_ID, or
 *	dump all queues, of all devices or of one. ENOBUFS for a queue that the
 *	device does not have. Addresses are absent for a caller without
 *	CAP_NET_ADMIN in the user namespace of the device's network namespace.
 *
 * VHOST_ALT_CMD_STATS_RESET
 *	Restart the counters of a device, or of one of its queues, at 0. The
 *	current values become a baseline, which is subtracted whenever
 *	counters are shown, in fdinfo too; the worker is not involved. EPERM
 *	without CAP_NET_ADMIN as above.
 *
 * VHOST_ALT_CMD_RING_GET
 *	Get the contents of a queue's ring: the last VHOST_ALT_A_RING_COUNT
 *	available entries taken, with their descriptors, and used entries
 *	written, the oldest first. The count is 16 if absent, and at most 64.
 *	The ring is read without its worker and runs on meanwhile, so entries
 *	may be newer than the indices. An entry that was never written, or that
 *	was skipped (in-order use), shows what is in memory at its place. In the
 *	packed layout used entries overwrite available ones, so the available
 *	entries are the next ones to take, each with its own descriptor. EPERM
 *	without CAP_NET_ADMIN as above; EINVAL without an owner, or if the ring
 *	is not set up; EBUSY if a command is in progress on the device, or the
 *	owner is changing its address space: try again; EFAULT if the ring's
 *	indices are not in the owner's page tables at the moment, or not in the
 *	device IOTLB. Entries and descriptors in such memory are left out.
 *
 * VHOST_ALT_CMD_QUEUE_SET
 *	Set how the queue VHOST_ALT_A_QUEUE of a device waits for more to do, or
 *	all queues of the device if that is absent. VHOST_ALT_A_BUSYLOOP is the
 *	time of busy polling, as VHOST_SET_VRING_BUSYLOOP_TIMEOUT sets it, at
 *	most VHOST_ALT_BUSYLOOP_MAX: the last write of either counts.
 *	VHOST_ALT_A_MODERATION is the time for which packets may gather in a
 *	receive queue, at most VHOST_ALT_MODERATION_MAX; 0: not at all.
 *	VHOST_ALT_A_MODERATION_DEFAULT: as the module parameter rx_moderation
 *	says, which is so at first. VHOST_ALT_A_ADAPTIVE_POLL is the time for
 *	which the queue may poll if that raises its packet rate, unless a time
 *	of busy polling is set, at most VHOST_ALT_ADAPTIVE_POLL_MAX; 0: not at
 *	all.
 *	VHOST_ALT_A_ADAPTIVE_POLL_DEFAULT: as the module parameter adaptive_poll
 *	says, which is so at first. What is absent does not change. Of a device,
 *	only the receive queue is moderated. The queue goes on and is not waited
 *	for; it applies a time from its next packet on, and 0 at once. The times
 *	stay as they are when the ring stops and starts, and are forgotten with
 *	the owner (VHOST_RESET_OWNER) or the file. EPERM without CAP_NET_ADMIN
 *	as above; ERANGE for a time beyond its limit; ENOBUFS for a queue that
 *	the device does not have; EINVAL if nothing is to be set, and for a time
 *	together with its default; EOPNOTSUPP for the moderation of a transmit
 *	queue. The extended ACK has the attribute. A command that fails changes
 *	nothing. Each queue that changes is reported by
 *	VHOST_ALT_CMD_QUEUE_CHANGED_NTF.
 *
 * VHOST_ALT_CMD_WORKERS_SET
 *	Have the queues of a device served by VHOST_ALT_A_WORKERS worker
 *	threads: 1, which they share, or one for each of VHOST_ALT_A_QUEUES.
 *	The request is not waited for. The workers carry it out between two
 *	runs, while traffic goes on. The device has VHOST_ALT_A_WORKERS_PENDING
 *	until then. VHOST_ALT_CMD_WORKERS_CHANGED_NTF reports a change that a
 *	request has made, or with VHOST_ALT_A_ERROR that a thread could not be
 *	created: ENOMEM as for VHOST_SET_OWNER, with the owner's credentials of
 *	that time. The limit of processes is that of then for kernel threads,
 *	and the present one for threads of the owner. A request that changes
 *	nothing, or that a later one or a command of the owner overtakes, is not
 *	reported. The new worker is in the cgroups of the first one; as a thread
 *	of the owner it also begins with its CPU mask and scheduling policy. It
 *	does not count towards the limit of VHOST_NEW_WORKER; its id is one more
 *	than that allows. It ends when the queues share a worker again. All is
 *	forgotten with the owner. EPERM without CAP_NET_ADMIN as above; EEXIST
 *	if the owner has created, attached or freed a worker: it divides the
 *	queues itself, and a worker made by request ends once the owner has
 *	attached its queues elsewhere; EINVAL without an owner, after it was
 *	killed, and without VHOST_ALT_A_WORKERS; ERANGE for another number.
 *
 * No GET waits for a device: one whose owner or worker is stopped, or waits for
 * memory, is shown like any other. Numbers are read one by one while the device
 * runs, so they may be from slightly different times. EINVAL if an attribute
 * that names the device or the queue is missing.
 *
 * A dump during which the list of devices changed has NLM_F_DUMP_INTR set. The
 * multicast group "events" reports devices that are opened and closed, backends
 * that are set and removed, rings that became unusable, queues that were set to
 * wait in another way, and requests for workers, in messages
 * VHOST_ALT_CMD_*_NTF. They contain the device's id and the owner's comm; for a
 * queue also its number and name, and the interface. They are sent to the
 * device's network namespace and to the initial one.
 */
#ifndef _UAPI_VHOST_ALT_H
#define _UAPI_VHOST_ALT_H

#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>

/*
 * Names that older headers lack: chains are used in the order in which they
 * were made available; a ring can be reset on its own.
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

#define VHOST_NEW_WORKER \
	_IOR(VHOST_VIRTIO, 0x8, struct vhost_worker_state)
#define VHOST_FREE_WORKER \
	_IOW(VHOST_VIRTIO, 0x9, struct vhost_worker_state)
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
 * What VHOST_GET_FEATURES returns. The bit VHOST_NET_F_VIRTIO_NET_HDR (the
 * device adds and strips the virtio-net header, the backend has none) means
 * VIRTIO_F_ANY_LAYOUT to a driver. VHOST_GET_FEATURES_ARRAY returns a second
 * word too. It has VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO and
 * VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO if the kernel's tun supports virtio-net
 * headers of tunnelled UDP segments (6.17).
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
	 (1ULL << VIRTIO_F_RING_PACKED) |		\
	 (1ULL << VIRTIO_F_IN_ORDER) |			\
	 (1ULL << VIRTIO_F_RING_RESET))

/* What VHOST_GET_BACKEND_FEATURES returns. */
#define VHOST_ALT_BACKEND_FEATURES			\
	(1ULL << VHOST_BACKEND_F_IOTLB_MSG_V2)

#define VHOST_ALT_GENL_NAME	"vhost_alt"
#define VHOST_ALT_GENL_VERSION	1
#define VHOST_ALT_GENL_EVENTS	"events"

/*
 * Limits of VHOST_ALT_A_BUSYLOOP, VHOST_ALT_A_MODERATION and
 * VHOST_ALT_A_ADAPTIVE_POLL when set.
 */
#define VHOST_ALT_BUSYLOOP_MAX		1000000U
#define VHOST_ALT_MODERATION_MAX	1000U
#define VHOST_ALT_ADAPTIVE_POLL_MAX	1000U

/**
 * enum vhost_alt_cmd - commands of the netlink family, and its notifications
 * @VHOST_ALT_CMD_UNSPEC: unused
 * @VHOST_ALT_CMD_DEV_GET: get a device, or dump all
 * @VHOST_ALT_CMD_QUEUE_GET: get a queue of a device, or dump all queues, of all
 *	devices or of one
 * @VHOST_ALT_CMD_STATS_RESET: restart the counters of a device, or of one of
 *	its queues, at 0
 * @VHOST_ALT_CMD_RING_GET: get the contents of a queue's ring
 * @VHOST_ALT_CMD_DEV_OPEN_NTF: a device was opened
 * @VHOST_ALT_CMD_DEV_CLOSE_NTF: a device was closed
 * @VHOST_ALT_CMD_BACKEND_SET_NTF: a queue got a backend
 * @VHOST_ALT_CMD_BACKEND_REMOVED_NTF: a queue lost its backend
 * @VHOST_ALT_CMD_RING_ERROR_NTF: a queue's ring became unusable: for good, or
 *	until its memory can be accessed again; see enum vhost_alt_queue_state
 * @VHOST_ALT_CMD_QUEUE_SET: set how a queue of a device waits, or all its
 *	queues
 * @VHOST_ALT_CMD_QUEUE_CHANGED_NTF: a queue was set to wait in another way
 * @VHOST_ALT_CMD_WORKERS_SET: set how many workers serve the queues of a device
 * @VHOST_ALT_CMD_WORKERS_CHANGED_NTF: another number of workers serves the
 *	queues of a device, or the request for it has failed
 * @__VHOST_ALT_CMD_MAX: one more than the last
 * @VHOST_ALT_CMD_MAX: the last one
 */
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
	VHOST_ALT_CMD_QUEUE_SET,
	VHOST_ALT_CMD_QUEUE_CHANGED_NTF,
	VHOST_ALT_CMD_WORKERS_SET,
	VHOST_ALT_CMD_WORKERS_CHANGED_NTF,

	__VHOST_ALT_CMD_MAX,
	VHOST_ALT_CMD_MAX = __VHOST_ALT_CMD_MAX - 1
};

/**
 * enum vhost_alt_attr - attributes of messages
 * @VHOST_ALT_A_UNSPEC: unused
 * @VHOST_ALT_A_PAD: padding
 * @VHOST_ALT_A_DEV_ID: u32, the id of a device, which is an open file; ids are
 *	not reused soon
 * @VHOST_ALT_A_PID: u32, the owner's process id in the reader's pid namespace;
 *	absent without an owner, if the process is not visible there, and in
 *	notifications
 * @VHOST_ALT_A_COMM: string, the owner's command name; absent without an owner
 * @VHOST_ALT_A_FEATURES: u64, the features that the driver accepted
 * @VHOST_ALT_A_FEATURES_HI: u64, the features from bit 64 on
 * @VHOST_ALT_A_BACKEND_FEATURES: u64, the backend features that the owner
 *	accepted
 * @VHOST_ALT_A_REGIONS: u32, the number of regions in the memory table
 * @VHOST_ALT_A_IOTLB_ENTRIES: u32, the number of entries in the device IOTLB;
 *	absent without one
 * @VHOST_ALT_A_WORKER: nest of enum vhost_alt_worker_attr, one per worker
 * @VHOST_ALT_A_QUEUES: u32, the number of queues of the device
 * @VHOST_ALT_A_QUEUE: u32, the number of a queue
 * @VHOST_ALT_A_QUEUE_NAME: string, "rx" or "tx", as seen by the guest
 * @VHOST_ALT_A_SIZE: u32, the number of entries in the ring
 * @VHOST_ALT_A_LAYOUT: string, the layout of the ring: "split" or "packed"
 * @VHOST_ALT_A_STATE: u32, bits of enum vhost_alt_queue_state
 * @VHOST_ALT_A_IFNAME: string, the name that the backend's interface had when
 *	it was set; absent without a backend, and for a backend without an
 *	interface
 * @VHOST_ALT_A_IFINDEX: u32, the index of that interface; a tap's is looked up
 *	by its name in the namespace in which the tap was opened
 * @VHOST_ALT_A_WORKER_ID: u32, the id of the worker that serves the queue
 * @VHOST_ALT_A_BUSYLOOP: u32, the busy polling timeout in microseconds
 * @VHOST_ALT_A_LAST_AVAIL: u32, the index of the next available entry to take
 * @VHOST_ALT_A_AVAIL_IDX: u32, the end of the available entries when last read
 * @VHOST_ALT_A_LAST_USED: u32, the index of the next used entry to write
 * @VHOST_ALT_A_DESC_ADDR: u64, the address of the descriptor table or, packed,
 *	of the descriptor ring, as set by the owner
 * @VHOST_ALT_A_AVAIL_ADDR: u64, the address of the available ring or, packed,
 *	of the driver event suppression area, as set by the owner
 * @VHOST_ALT_A_USED_ADDR: u64, the address of the used ring or, packed, of the
 *	device event suppression area, as set by the owner
 * @VHOST_ALT_A_COUNTERS: nest of u64 by enum vhost_alt_counter, the counters of
 *	the queue
 * @VHOST_ALT_A_DROPS: nest of u64 by enum vhost_alt_drop, the packets dropped
 *	and chains returned unused
 * @VHOST_ALT_A_BATCH_SIZES: nest of u64, attribute i is the number of batches
 *	of more than 2^(i-2) and at most 2^(i-1) chains: 1, 2, 3-4, 5-8, ...,
 *	33-64, more
 * @VHOST_ALT_A_RING_COUNT: u32, the number of ring entries to get
 * @VHOST_ALT_A_RING_AVAIL: nest of enum vhost_alt_entry_attr, one per available
 *	entry
 * @VHOST_ALT_A_RING_USED: nest of enum vhost_alt_entry_attr, one per used entry
 * @VHOST_ALT_A_RING_AVAIL_FLAGS: u32, the driver's flags in the ring or,
 *	packed, in its event suppression area
 * @VHOST_ALT_A_RING_AVAIL_IDX: u32, the driver's index in the ring; split only
 * @VHOST_ALT_A_RING_USED_EVENT: u32, the driver's event index in the ring or,
 *	packed, its event offset with the wrap counter in bit 15; absent without
 *	event indices
 * @VHOST_ALT_A_RING_USED_FLAGS: u32, the device's flags in the ring or, packed,
 *	in its event suppression area
 * @VHOST_ALT_A_RING_USED_IDX: u32, the device's index in the ring; split only
 * @VHOST_ALT_A_RING_AVAIL_EVENT: u32, the device's event index in the ring or,
 *	packed, its event offset with the wrap counter in bit 15; absent without
 *	event indices
 * @VHOST_ALT_A_AVAIL_WRAP: u32, the wrap counter of the next available entry to
 *	take: 0 or 1; packed only
 * @VHOST_ALT_A_USED_WRAP: u32, the wrap counter of the next used entry to
 *	write: 0 or 1; packed only
 * @VHOST_ALT_A_LAST_RUN: u64, the milliseconds since the worker last began to
 *	run the queue, to the precision of a timer tick; absent if it never did
 * @VHOST_ALT_A_MODERATION: u32, the microseconds for which packets may gather,
 *	0 for none; absent for a queue that follows the module parameter
 *	rx_moderation, and for transmit queues
 * @VHOST_ALT_A_MODERATION_DEFAULT: flag, follow the module parameter again
 * @VHOST_ALT_A_ADAPTIVE_POLL: u32, the microseconds for which a queue may poll
 *	if that brings more packets per second, 0 for none; absent for a queue
 *	that follows the module parameter adaptive_poll
 * @VHOST_ALT_A_ADAPTIVE_POLL_DEFAULT: flag, follow the module parameter again
 * @VHOST_ALT_A_WORKERS: u32, the number of workers that serve the queues of the
 *	device: 1 if all share one, otherwise one per queue; absent without an
 *	owner
 * @VHOST_ALT_A_WORKERS_PENDING: u32, the number of workers that was requested,
 *	but does not serve the queues yet; absent if nothing is pending
 * @VHOST_ALT_A_WORKERS_MANAGED: flag, the owner divides the queues by itself,
 *	so VHOST_ALT_CMD_WORKERS_SET is refused
 * @VHOST_ALT_A_ERROR: u32, the errno of a request that failed; in notifications
 *	only
 * @__VHOST_ALT_A_MAX: one more than the last
 * @VHOST_ALT_A_MAX: the last one
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
	VHOST_ALT_A_AVAIL_WRAP,
	VHOST_ALT_A_USED_WRAP,
	VHOST_ALT_A_LAST_RUN,
	VHOST_ALT_A_MODERATION,
	VHOST_ALT_A_MODERATION_DEFAULT,
	VHOST_ALT_A_ADAPTIVE_POLL,
	VHOST_ALT_A_ADAPTIVE_POLL_DEFAULT,
	VHOST_ALT_A_WORKERS,
	VHOST_ALT_A_WORKERS_PENDING,
	VHOST_ALT_A_WORKERS_MANAGED,
	VHOST_ALT_A_ERROR,

	__VHOST_ALT_A_MAX,
	VHOST_ALT_A_MAX = __VHOST_ALT_A_MAX - 1
};

/**
 * enum vhost_alt_queue_state - bits of VHOST_ALT_A_STATE
 * @VHOST_ALT_QUEUE_RUNNING: has a backend
 * @VHOST_ALT_QUEUE_BROKEN: stopped because its ring is invalid, until the owner
 *	starts it again or gives it another address
 * @VHOST_ALT_QUEUE_EVENT_IDX: uses event indices
 * @VHOST_ALT_QUEUE_NOTIFY_OFF: has told the guest not to kick
 * @VHOST_ALT_QUEUE_IOTLB_MISS: waits for an entry of the device IOTLB
 * @VHOST_ALT_QUEUE_KICK: has an eventfd for kicks
 * @VHOST_ALT_QUEUE_CALL: has an eventfd for calls
 * @VHOST_ALT_QUEUE_FAULTED: waits until the memory of its ring, or of its dirty
 *	log, can be accessed; tries by itself, and at each kick
 * @VHOST_ALT_QUEUE_QUEUED: its worker was told to run it, and has not begun
 */
enum vhost_alt_queue_state {
	VHOST_ALT_QUEUE_RUNNING		= 0x01,
	VHOST_ALT_QUEUE_BROKEN		= 0x02,
	VHOST_ALT_QUEUE_EVENT_IDX	= 0x04,
	VHOST_ALT_QUEUE_NOTIFY_OFF	= 0x08,
	VHOST_ALT_QUEUE_IOTLB_MISS	= 0x10,
	VHOST_ALT_QUEUE_KICK		= 0x20,
	VHOST_ALT_QUEUE_CALL		= 0x40,
	VHOST_ALT_QUEUE_FAULTED		= 0x80,
	VHOST_ALT_QUEUE_QUEUED		= 0x100,
};

/**
 * enum vhost_alt_worker_attr - attributes of a worker
 * @VHOST_ALT_WORKER_UNSPEC: unused
 * @VHOST_ALT_WORKER_PAD: padding
 * @VHOST_ALT_WORKER_ID: u32, the worker's id in its device
 * @VHOST_ALT_WORKER_TID: u32, the worker's thread id in the reader's pid
 *	namespace; absent if the thread is not visible there
 * @VHOST_ALT_WORKER_RUNS: u64, times the worker took up all the work queued
 * @VHOST_ALT_WORKER_RUNTIME: u64, the CPU time used, in nanoseconds
 * @VHOST_ALT_WORKER_CPU: u32, the CPU on which the worker ran last
 * @__VHOST_ALT_WORKER_MAX: one more than the last
 * @VHOST_ALT_WORKER_MAX: the last one
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
 * enum vhost_alt_entry_attr - attributes of a ring entry
 * @VHOST_ALT_ENTRY_UNSPEC: unused
 * @VHOST_ALT_ENTRY_PAD: padding
 * @VHOST_ALT_ENTRY_INDEX: u32, the entry's index, which runs on past the end of
 *	the ring; packed: its place in the ring
 * @VHOST_ALT_ENTRY_ID: u32, the head of the chain; packed: the buffer id
 * @VHOST_ALT_ENTRY_LEN: u32, the bytes that the device wrote; used entries only
 * @VHOST_ALT_ENTRY_DESC: nest of enum vhost_alt_desc_attr, one per descriptor
 *	of the chain in the ring's table, at most 8; available entries only
 * @__VHOST_ALT_ENTRY_MAX: one more than the last
 * @VHOST_ALT_ENTRY_MAX: the last one
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
 * enum vhost_alt_desc_attr - attributes of a descriptor
 * @VHOST_ALT_DESC_UNSPEC: unused
 * @VHOST_ALT_DESC_PAD: padding
 * @VHOST_ALT_DESC_INDEX: u32, the descriptor's index in the table
 * @VHOST_ALT_DESC_ADDR: u64, the guest address of the buffer
 * @VHOST_ALT_DESC_LEN: u32, the length of the buffer in bytes
 * @VHOST_ALT_DESC_FLAGS: u32, bits VRING_DESC_F_* and VRING_PACKED_DESC_F_*
 * @VHOST_ALT_DESC_NEXT: u32, the index of the next descriptor of the chain;
 *	left out for the last one, and in packed rings, where the next one
 *	follows
 * @__VHOST_ALT_DESC_MAX: one more than the last
 * @VHOST_ALT_DESC_MAX: the last one
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
 * VHOST_ALT_COUNTERS() - list the counters of a queue
 * @X: macro to expand for each of them: X(NUMBER, name, description)
 *
 * A counter is defined here, once: its number is VHOST_ALT_COUNTER_NUMBER, and
 * its name is that of the module's field, of the line in fdinfo and of the key
 * in vhostctl's output. After a change run netlink/generate.py, and describe a
 * new counter in docs/counters.md. New counters go at the end. @X must use
 * NUMBER with # and ## only: some are macros elsewhere, such as WRITE.
 *
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
	  "Times the ring became unusable, for good or for a while")	\
	X(IOTLB_MISSES, iotlb_misses,					\
	  "Times the owner was asked for an entry of the device IOTLB")	\
	X(LOG_BYTES, log_bytes,						\
	  "Bytes of guest memory that were written and logged")		\
	X(BUSY_POLLS, busy_polls,					\
	  "Times the worker polled for more work instead of sleeping")	\
	X(BUSY_HITS, busy_hits,						\
	  "Busy polls that found work")					\
	X(BUSY_NS, busy_ns,						\
	  "Nanoseconds spent busy polling")				\
	X(RETRIES, retries,						\
	  "Runs that failed for a reason that may pass, and are repeated") \
	X(LOOKS, looks,							\
	  "Receive: times the worker let packets gather") \
	X(LOOK_PACKETS, look_packets,					\
	  "Receive: packets that it found when it looked")			\
	X(TRIALS, trials,						\
	  "Receive: times the worker began to try whether looks pay")	\
	X(TRIALS_FAILED, trials_failed,					\
	  "Receive: trials that showed that looks do not pay")		\
	X(BUSY_YIELDS, busy_yields,					\
	  "Busy polls cut short for other work, and continued in another run") \
	X(POLL_TRIALS, poll_trials,					\
	  "Times the worker began to try whether polling pays")		\
	X(POLL_TRIALS_FAILED, poll_trials_failed,			\
	  "Trials that showed that polling does not pay")

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
 * VHOST_ALT_DROPS() - list the reasons why a packet is dropped
 * @X: macro to expand for each of them: X(NUMBER, name, description)
 *
 * Either a packet was dropped, or a chain was returned to the guest unused. A
 * reason is defined here, once, as a counter is in VHOST_ALT_COUNTERS().
 *
 * A piece of a chain is a part of a buffer that is contiguous in the owner's
 * memory; one message to the backend holds at most 1024. A chain of more than
 * 1024 descriptors is CHAIN_LONG too. The size of an indirect table is bad if
 * it is 0 or not a multiple of 16, and a flag is bad if it nests another
 * indirect table or continues the chain after this one. NO_ROOM is a packet
 * that does not fit into all buffers that one packet may take.
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
