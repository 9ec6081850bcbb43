// SPDX-License-Identifier: GPL-2.0-only
/*
 * What goes wrong, or looks as if it did, on demand:
 *
 *	big		start a guest with buffers of 16 KiB
 *	narrow		start a guest without mergeable buffers
 *	flags		start a guest without event indices
 *	multi		start a guest on a tap of several queues
 *	pair		start another queue pair of it
 *	publish N	N frames to send, without the kick
 *	capture N	the kick, and the N frames that it brings
 *	repost N	N receive buffers, without the kick
 *	leave N		receive N frames, ask for calls, and take none
 *	take N		at least N frames that were received
 *	bad N		chains that are wrong in way N, until the next command
 *	feed N		send frames of N bytes to the guest, until then
 *	tiny		receive into buffers of 128 bytes, until then
 *	storm		kick, whatever the device asks for, until then
 *	flood N		send frames of N bytes, as many as go, until then
 *	singles N	the same, one by one with a kick each
 *	trickle		send a frame each 5 ms, until then
 *	hear N		receive a frame each N microseconds from now on
 *	nopkt		close the packet socket
 *	detach, attach	the tap's queue
 *	carrier N	of the tap: 0 or 1
 *	header N	length of the tap's virtio-net header
 *	sndbuf N	limit of the tap's send buffer
 *	filter		let the tap accept one address only
 *	xdp N		attach a program that drops all (1), passes all (2), or
 *			passes all after N steps
 *	reader		another process reads the tap, before the device does,
 *			and drops what it gets
 *	poll N		have the device poll for N microseconds
 *	vcpu		compute in another thread from now on
 *	memory N	take memory from NUMA nodes, a bitmap, from now on
 *	dirty N		switch the dirty log on (1) or off (0)
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/mempolicy.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "commands.h"
#include "env.h"
#include "guest_log.h"
#include "raw.h"

#ifndef TUNSETCARRIER
#define TUNSETCARRIER	_IOW('T', 226, int)
#endif

/* So many chains that sending them takes longer than being woken. */
#define BIG_RING	1024

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof(*(a)))

#define BASE_FEATURES	(F_VERSION_1 | F_EVENT_IDX)

/* ---- guests ---- */

static int do_big(unsigned int n)
{
	return guest_begin(&(struct guest_cfg){
		.features = BASE_FEATURES | F_MRG_RXBUF,
		.tap_flags = IFF_VNET_HDR,
		.slot_size = 16384,
		.num = BIG_RING,
	});
}

static int do_narrow(unsigned int n)
{
	return guest_begin(&(struct guest_cfg){
		.features = BASE_FEATURES,
		.tap_flags = IFF_VNET_HDR,
	});
}

static int do_flags(unsigned int n)
{
	return guest_begin(&(struct guest_cfg){
		.features = F_VERSION_1 | F_MRG_RXBUF,
		.tap_flags = IFF_VNET_HDR,
	});
}

static const struct guest_cfg multi = {
	.features = BASE_FEATURES | F_MRG_RXBUF,
	.tap_flags = IFF_VNET_HDR | IFF_MULTI_QUEUE,
	.slot_size = 16384,
	.num = BIG_RING,
};

static int do_multi(unsigned int n)
{
	return guest_begin(&multi);
}

static int do_pair(unsigned int n)
{
	static struct guest other;

	return guest_start(&other, &multi);
}

/* ---- rings ---- */

static int add_frames(unsigned int n, size_t len)
{
	static unsigned char frame[FRAME_MAX];
	int err = 0;

	while (!err && n--) {
		frame_make(frame, len, seq++);
		err = guest_send(&guest, NULL, frame, len, 1, false);
	}
	return err;
}

static int do_publish(unsigned int n)
{
	int err;

	err = vdev_rest(guest.dev, &guest.vq[TXQ]);
	if (!err)
		err = add_frames(n, FRAME_LEN);
	vq_publish(&guest.vq[TXQ]);
	return err;
}

/* Kick after all, and see the frames arrive. */
static int do_capture(unsigned int n)
{
	__u32 first = seq - n;
	int err = 0;

	vq_kick(&guest.vq[TXQ]);
	while (!err && n--)
		err = guest_capture(&guest, FRAME_LEN, first++);
	return err ? err : guest_reap_all(&guest);
}

static int do_repost(unsigned int n)
{
	int err = vdev_rest(guest.dev, &guest.vq[RXQ]);

	while (!err && n--)
		err = guest_post(&guest, 2048, 1, false);
	vq_publish(&guest.vq[RXQ]);
	return err;
}

static int do_leave(unsigned int n)
{
	struct vq *vq = &guest.vq[RXQ];
	int err = 0;

	guest_refill(&guest, 2 * n, 2048);
	vq->ops->arm(vq);
	while (!err && n--)
		err = guest_inject(&guest, FRAME_LEN, seq++);
	return err ? err : event_wait(vq->call) ? 0 : -ETIMEDOUT;
}

static const struct raw_desc bad_chains[][2] = {
	{ { .gpa = 1, .len = 60, .flags = F_WRITE } },
	{ { .gpa = 1, .len = 60, .flags = F_NEXT, .next = 1 },
	  { .gpa = 1, .len = 60, .flags = F_NEXT, .next = 0 } },
	{ { .gpa = 1, .len = 60, .flags = F_NEXT | RAW_NEXT, .next = 999 } },
	{ { .gpa = 1, .len = 60, .flags = F_NEXT | F_WRITE, .next = 1 },
	  { .gpa = 1, .len = 60 } },
	{ { .gpa = ~0ULL >> 2, .len = 60 } },
	{ { .gpa = 1, .len = 17, .flags = F_IND } },
};

static int offer_bad(unsigned int n)
{
	struct vq *vq = &guest.vq[TXQ];
	struct raw_desc d[2];
	unsigned int i;

	memcpy(d, bad_chains[n], sizeof(d));
	for (i = 0; i < 2; i++)
		if (d[i].gpa == 1)
			d[i].gpa = guest.pool[TXQ].slot[0].gpa;
	if (!raw_offer(vq, d, d[1].len ? 2 : 1))
		return -ENOSPC;
	vq_submit(vq);
	return wait_until(vq_count_used(vq)) ? raw_take_all(vq) : -ETIMEDOUT;
}

/* What the commands that are repeated were given */
static unsigned int number;

static int bad_some(void)
{
	usleep(5000);
	return offer_bad(number);
}

static int do_bad(unsigned int n)
{
	number = n;
	return until_next(bad_some);
}

static int do_take(unsigned int n)
{
	static struct guest_frame f;
	int err = 0;

	while (!err && n--)
		err = guest_recv(&guest, &f);
	if (!err)
		err = vdev_rest(guest.dev, &guest.vq[RXQ]);
	while (!err && guest_has_frame(&guest))
		err = guest_recv(&guest, &f);
	guest.vq[RXQ].ops->arm(&guest.vq[RXQ]);
	return err;
}

static int feed_some(void)
{
	usleep(5000);
	guest_inject(&guest, number, seq++);
	return 0;
}

static int do_feed(unsigned int n)
{
	number = n;
	guest_refill(&guest, 128, 2048);
	return until_next(feed_some);
}

static int tiny_some(void)
{
	static struct guest_frame f;
	int err;

	guest_refill(&guest, 64, 128);
	err = guest_inject(&guest, 1000, seq++);
	return err ? err : guest_recv(&guest, &f);
}

static int do_tiny(unsigned int n)
{
	return until_next(tiny_some);
}

static int storm_some(void)
{
	unsigned int i;

	for (i = 0; i < 64; i++)
		vq_kick(&guest.vq[TXQ]);
	return 0;
}

static int do_storm(unsigned int n)
{
	return until_next(storm_some);
}

/*
 * Send the same frames over and over, so that it costs the guest next to
 * nothing: a part of them is available again as soon as it is used.
 */
static unsigned int stride;

static int flood_some(void)
{
	struct vring_avail *avail = split_avail(&guest.vq[TXQ]);
	struct vq *vq = &guest.vq[TXQ];

	if (!wait_until((__u16)(avail->idx - split_used_idx(vq)) <=
			vq->num - stride))
		return -ETIMEDOUT;
	__atomic_store_n(&avail->idx, avail->idx + stride, __ATOMIC_RELEASE);
	vq_kick(vq);
	return 0;
}

static int fill_ring(unsigned int len)
{
	struct vq *vq = &guest.vq[TXQ];
	int err;

	vq_refuse(vq);
	err = add_frames(vq->num, len);
	vq_submit(vq);
	stride = vq->num / 4;
	return err;
}

static int do_flood(unsigned int n)
{
	return fill_ring(n) ?: until_next(flood_some);
}

static int singles_some(void)
{
	struct vring_avail *avail = split_avail(&guest.vq[TXQ]);
	struct vq *vq = &guest.vq[TXQ];

	__u64 end = env_deadline();

	/* Do not sleep, since frames are to follow each other closely. */
	while (avail->idx != split_used_idx(vq)) {
		if (!env_left_ms(end))
			return -ETIMEDOUT;
		sched_yield();
	}
	__atomic_store_n(&avail->idx, avail->idx + 1, __ATOMIC_RELEASE);
	vq_kick(vq);
	return 0;
}

static int do_singles(unsigned int n)
{
	return fill_ring(n) ?: until_next(singles_some);
}

static int trickle_some(void)
{
	unsigned char frame[FRAME_LEN];

	guest_reap(&guest);
	frame_make(frame, sizeof(frame), seq++);
	if (guest_send(&guest, NULL, frame, sizeof(frame), 1, false))
		return -ENOSPC;
	vq_submit(&guest.vq[TXQ]);
	usleep(5000);
	return 0;
}

static int do_trickle(unsigned int n)
{
	return until_next(trickle_some);
}

static unsigned int pause_us;

/* Buffers are available again once they are used. */
static void *hear(void *unused)
{
	struct vq *vq = &guest.vq[RXQ];
	struct vring_avail *avail = split_avail(vq);

	for (;;) {
		guest_inject(&guest, FRAME_LEN, 0);
		usleep(pause_us);
		__atomic_store_n(&avail->idx, split_used_idx(vq) + vq->num,
				 __ATOMIC_RELEASE);
	}
	return NULL;
}

static int do_hear(unsigned int n)
{
	pthread_t thread;

	pause_us = n;
	if (guest_refill(&guest, guest.vq[RXQ].num, 2048) != guest.vq[RXQ].num)
		return -ENOSPC;
	return -pthread_create(&thread, NULL, hear, NULL);
}

/* ---- the tap ---- */

static int do_nopkt(unsigned int n)
{
	close(guest.pkt);
	guest.pkt = -1;
	return 0;
}

static int do_detach(unsigned int n)
{
	return tap_set_queue(guest.tap, false);
}

static int do_attach(unsigned int n)
{
	return tap_set_queue(guest.tap, true);
}

static int do_carrier(unsigned int n)
{
	int on = n;

	return ioctl(guest.tap, TUNSETCARRIER, &on) ? -errno : 0;
}

static int do_header(unsigned int n)
{
	return tap_set_hdr_len(guest.tap, n);
}

static int do_sndbuf(unsigned int n)
{
	return tap_set_sndbuf(guest.tap, n);
}

static int do_filter(unsigned int n)
{
	struct {
		struct tun_filter f;
		__u8 addr[6];
	} one = { .f.count = 1, .addr = { 2, 0, 0, 0, 0, 0x77 } };

	return ioctl(guest.tap, TUNSETTXFILTER, &one) < 0 ? -errno : 0;
}

static int bpf(int cmd, union bpf_attr *attr)
{
	int ret = syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return ret < 0 ? -errno : ret;
}

static int do_xdp(unsigned int n)
{
	const struct bpf_insn program[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1,
		  .imm = n > XDP_PASS ? n : 1 },
		{ .code = BPF_ALU64 | BPF_SUB | BPF_K, .dst_reg = BPF_REG_1,
		  .imm = 1 },
		{ .code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = BPF_REG_1,
		  .off = -2 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K,
		  .imm = n > XDP_PASS ? XDP_PASS : n },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_XDP,
		.insns = (uintptr_t)program,
		.insn_cnt = ARRAY_SIZE(program),
		.license = (uintptr_t)"GPL",
	};
	int fd = bpf(BPF_PROG_LOAD, &attr);

	if (fd < 0)
		return fd;
	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = fd;
	attr.link_create.target_ifindex = if_nametoindex(guest.ifname);
	attr.link_create.attach_type = BPF_XDP;
	fd = bpf(BPF_LINK_CREATE, &attr);
	return fd < 0 ? fd : 0;
}

static int do_reader(unsigned int n)
{
	struct pollfd tap = { .fd = guest.tap, .events = POLLIN };
	struct sched_param first = { .sched_priority = 1 };
	static char frame[FRAME_MAX];

	if (child_fork())
		return 0;
	sched_setscheduler(0, SCHED_FIFO, &first);
	for (;;) {
		poll(&tap, 1, -1);
		if (read(guest.tap, frame, sizeof(frame)) < 0)
			continue;
	}
}

/* ---- the device ---- */

static int do_poll(unsigned int n)
{
	int err;

	err = vdev_set_state(guest.dev, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, RXQ,
			     n);
	return err ? err : vdev_set_state(guest.dev,
					  VHOST_SET_VRING_BUSYLOOP_TIMEOUT,
					  TXQ, n);
}

static void *compute(void *unused)
{
	for (;;)
		__asm__ volatile("");
	return NULL;
}

static int do_vcpu(unsigned int n)
{
	pthread_t thread;

	return -pthread_create(&thread, NULL, compute, NULL);
}

static int do_memory(unsigned int n)
{
	unsigned long nodes = n;

	return syscall(SYS_set_mempolicy, MPOL_INTERLEAVE, &nodes,
		       8 * sizeof(nodes)) ? -errno : 0;
}

static int do_dirty(unsigned int n)
{
	static struct dlog log;
	int err = 0;

	if (!n)
		return guest_log_off(&guest);
	if (!log.base)
		err = dlog_init(&log, &guest.mem);
	return err ? err : guest_log_on(&guest, &log);
}

const struct guest_command fault_commands[] = {
	{ "big", do_big },
	{ "narrow", do_narrow },
	{ "flags", do_flags },
	{ "multi", do_multi },
	{ "pair", do_pair },
	{ "publish", do_publish },
	{ "capture", do_capture },
	{ "repost", do_repost },
	{ "leave", do_leave },
	{ "bad", do_bad },
	{ "take", do_take },
	{ "feed", do_feed },
	{ "tiny", do_tiny },
	{ "storm", do_storm },
	{ "flood", do_flood },
	{ "singles", do_singles },
	{ "trickle", do_trickle },
	{ "hear", do_hear },
	{ "nopkt", do_nopkt },
	{ "detach", do_detach },
	{ "attach", do_attach },
	{ "carrier", do_carrier },
	{ "header", do_header },
	{ "sndbuf", do_sndbuf },
	{ "filter", do_filter },
	{ "xdp", do_xdp },
	{ "reader", do_reader },
	{ "poll", do_poll },
	{ "vcpu", do_vcpu },
	{ "memory", do_memory },
	{ "dirty", do_dirty },
	{ 0 }
};

int trace_process(int pid)
{
	char c;

	if (ptrace(PTRACE_ATTACH, pid, NULL, NULL))
		return 1;
	waitpid(pid, NULL, 0);
	puts("ok");
	fflush(stdout);
	return read(STDIN_FILENO, &c, 1) < 0;
}
