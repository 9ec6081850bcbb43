// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that takes commands: one per line on stdin, each answered on stdout
 * with "ok" or the failure when it is done. The device is open until stdin
 * ends.
 *
 *	start		the guest with its tap, both rings running
 *	packed		the same, with packed rings
 *	iommu		the same, using the device IOTLB
 *	deaf		flush the IOTLB, answer no misses; wait for one
 *	open, own	open another device, without an owner; become its owner
 *	close		close that device
 *	workers N	make N more workers
 *	tx N, rx N	N frames of 100 bytes, each checked on the other side
 *	send N		N frames of 100 bytes, without taking the calls
 *	chain N		one frame of 100 bytes in N descriptors
 *	short N		N frames that are too short
 *	refill N	N receive buffers
 *	inject N	N frames into the tap, or fewer if it is full
 *	break, mend	let the transmit ring claim too many entries, or make a
 *			packed chain without an end; undo
 *	lose, find	unmap the memory of the guest; undo
 *	stop, run	remove the backends; set them again
 *	nocall, nokick	remove the call, or kick, eventfd of transmit
 *	load		send and receive frames singly, until the next command
 *	churn		open and close devices, until the next command
 *
 * faults.c has more. "guest trace PID" only holds another process.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <linux/if_packet.h>
#include <unistd.h>

#include "commands.h"
#include "env.h"
#include "iotlb.h"
#include "raw.h"

#define QLEN		64	/* of the tap: fills up quickly */

struct guest guest;
__u32 seq;
static bool answered;		/* the command in progress */
static struct iotlb iotlb;
static int spare = -1;

int guest_begin(const struct guest_cfg *cfg)
{
	int bypass = 1, err;

	err = guest_start(&guest, cfg);
	if (err)
		return err;
	/* Frames reach the tap's queue at once or are dropped. */
	if (setsockopt(guest.pkt, SOL_PACKET, PACKET_QDISC_BYPASS, &bypass,
		       sizeof(bypass)))
		return -errno;
	return link_set_qlen(guest.ifname, QLEN);
}

static int start(__u64 features)
{
	return guest_begin(&(struct guest_cfg){
		.features = F_VERSION_1 | F_MRG_RXBUF | F_EVENT_IDX | features,
		.tap_flags = IFF_VNET_HDR,
	});
}

static int do_start(unsigned int n)
{
	return start(0);
}

static int do_packed(unsigned int n)
{
	return start(F_RING_PACKED);
}

static int do_iommu(unsigned int n)
{
	struct guest_cfg cfg = {
		.features = F_VERSION_1 | F_MRG_RXBUF | F_ACCESS_PLATFORM,
		.tap_flags = IFF_VNET_HDR,
	};

	return iotlb_guest_start(&iotlb, &guest,
				 &(struct iotlb_cfg){ .v2 = true }, &cfg);
}

static int do_deaf(unsigned int n)
{
	struct pollfd miss = { .fd = guest.dev, .events = POLLIN };
	unsigned char frame[FRAME_LEN];
	int err;

	err = iotlb_unserve(&iotlb);
	if (!err)
		err = iotlb_flush(&iotlb);
	if (err)
		return err;
	frame_make(frame, sizeof(frame), seq);
	err = guest_send(&guest, NULL, frame, sizeof(frame), 1, false);
	vq_submit(&guest.vq[TXQ]);
	if (err)
		return err;
	if (poll(&miss, 1, env_left_ms(env_deadline())) != 1)
		return -ETIMEDOUT;
	return 0;
}

static int do_own(unsigned int n)
{
	return vdev_set_owner(spare);
}

static int do_open(unsigned int n)
{
	spare = vdev_open();
	return spare < 0 ? spare : 0;
}

static int do_close(unsigned int n)
{
	return close(spare) ? -errno : 0;
}

static int do_workers(unsigned int n)
{
	unsigned int id;
	int err = 0;

	while (!err && n--)
		err = vdev_new_worker(guest.dev, &id);
	return err;
}

static int do_tx(unsigned int n)
{
	int err = 0;

	while (!err && n--)
		err = guest_check_tx(&guest, FRAME_LEN, seq++, 1, false);
	return err;
}

static int do_rx(unsigned int n)
{
	int err = 0;

	while (!err && n--) {
		guest_refill(&guest, 1, 2048);
		err = guest_check_rx(&guest, FRAME_LEN, seq++);
	}
	/* A driver that has taken all asks for the next call. */
	guest.vq[RXQ].ops->arm(&guest.vq[RXQ]);
	return err;
}

static int do_send(unsigned int n)
{
	unsigned char frame[FRAME_LEN];
	struct vq *vq = &guest.vq[TXQ];
	int err = 0;

	vq->ops->arm(vq);
	while (!err && n--) {
		frame_make(frame, sizeof(frame), seq);
		err = guest_send(&guest, NULL, frame, sizeof(frame), 1, false);
		vq_submit(vq);
		if (!err)
			err = guest_capture(&guest, sizeof(frame), seq++);
	}
	return err;
}

static int do_chain(unsigned int n)
{
	return guest_check_tx(&guest, FRAME_LEN, seq++, n, false);
}

static int do_short(unsigned int n)
{
	unsigned char frame[4] = { 0 };
	int err = 0;

	while (!err && n--)
		err = guest_send(&guest, NULL, frame, sizeof(frame), 1, false);
	vq_submit(&guest.vq[TXQ]);
	return err ? err : guest_reap_all(&guest);
}

static int do_refill(unsigned int n)
{
	return guest_refill(&guest, n, 2048) == n ? 0 : -ENOSPC;
}

static int do_inject(unsigned int n)
{
	/* Some tests need a full tap. */
	while (n--)
		guest_inject(&guest, FRAME_LEN, seq++);
	return 0;
}

static int do_break(unsigned int n)
{
	struct vq *vq = &guest.vq[TXQ];

	raw_break_ring(vq);
	vq_kick(vq);
	return event_wait(vq->err) ? 0 : -ETIMEDOUT;
}

static int do_mend(unsigned int n)
{
	raw_mend_ring(&guest.vq[TXQ]);
	return 0;
}

/* Where the memory of the rings is while it is lost. */
static void *elsewhere;

static int do_lose(unsigned int n)
{
	struct gmem_region *r = &guest.mem.region[0];
	struct vq *vq = &guest.vq[TXQ];
	int err;

	elsewhere = mmap(NULL, r->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	if (elsewhere == MAP_FAILED)
		return -errno;
	err = gmem_move(r->hva, elsewhere, r->size);
	if (err)
		return err;
	vq_kick(vq);
	return event_wait(vq->err) ? 0 : -ETIMEDOUT;
}

static int do_find(unsigned int n)
{
	struct gmem_region *r = &guest.mem.region[0];

	return gmem_move(elsewhere, r->hva, r->size);
}

static int do_stop(unsigned int n)
{
	return guest_set_backend(&guest, -1);
}

static int do_run(unsigned int n)
{
	return guest_set_backend(&guest, guest.tap);
}

static int do_nocall(unsigned int n)
{
	return vdev_set_file(guest.dev, VHOST_SET_VRING_CALL, TXQ, -1);
}

/* Answer first, so that the caller continues meanwhile. */
int until_next(int (*again)(void))
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	int err = 0;

	answered = true;
	puts("ok");
	fflush(stdout);
	while (!err && !poll(&in, 1, 0))
		err = again();
	return err;
}

static int load_some(void)
{
	return do_tx(16) ?: do_rx(16);
}

static int do_nokick(unsigned int n)
{
	return vdev_set_file(guest.dev, VHOST_SET_VRING_KICK, TXQ, -1);
}

static int do_load(unsigned int n)
{
	return until_next(load_some);
}

/* Each stays open for 16 rounds, so that lists are long. */
static int churned[16];

static int churn_some(void)
{
	static unsigned int next;
	int *one = &churned[next++ % 16];

	if (*one)
		close(*one);
	*one = vdev_open();
	return *one < 0 ? *one : 0;
}

static int do_churn(unsigned int n)
{
	unsigned int i;
	int err;

	err = until_next(churn_some);
	for (i = 0; i < sizeof(churned) / sizeof(*churned); i++) {
		if (churned[i])
			close(churned[i]);
		churned[i] = 0;
	}
	return err;
}

static const struct guest_command commands[] = {
	{ "start", do_start },
	{ "packed", do_packed },
	{ "iommu", do_iommu },
	{ "deaf", do_deaf },
	{ "open", do_open },
	{ "own", do_own },
	{ "close", do_close },
	{ "workers", do_workers },
	{ "tx", do_tx },
	{ "rx", do_rx },
	{ "send", do_send },
	{ "chain", do_chain },
	{ "short", do_short },
	{ "refill", do_refill },
	{ "inject", do_inject },
	{ "break", do_break },
	{ "mend", do_mend },
	{ "lose", do_lose },
	{ "find", do_find },
	{ "stop", do_stop },
	{ "run", do_run },
	{ "nocall", do_nocall },
	{ "nokick", do_nokick },
	{ "load", do_load },
	{ "churn", do_churn },
	{ 0 }
};

static const struct guest_command *find_command(const char *name)
{
	const struct guest_command *const tables[] = {
		commands, fault_commands,
	};
	const struct guest_command *c;
	unsigned int i;

	for (i = 0; i < 2; i++)
		for (c = tables[i]; c->name; c++)
			if (!strcmp(c->name, name))
				return c;
	return NULL;
}

static int obey(const char *line)
{
	const struct guest_command *c;
	unsigned int n = 0;
	char name[16];

	answered = false;
	if (sscanf(line, "%15s %u", name, &n) < 1)
		return -EINVAL;
	c = find_command(name);
	return c ? c->run(n) : -EINVAL;
}

int main(int argc, char **argv)
{
	char line[64];
	int err;

	if (argc == 3 && !strcmp(argv[1], "trace"))
		return trace_process(atoi(argv[2]));
	/* Do not read ahead: load polls the descriptor. */
	setvbuf(stdin, NULL, _IONBF, 0);
	while (fgets(line, sizeof(line), stdin)) {
		err = obey(line);
		if (err)
			printf("failed: %s", line);
		if (err)
			fprintf(stderr, "# guest: %s: %s\n", line,
				strerror(-err));
		else if (!answered)
			puts("ok");
		fflush(stdout);
	}
	return 0;
}
