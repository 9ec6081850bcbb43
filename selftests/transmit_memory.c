// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory that frames are sent from is used again once the host has freed
 * them, and not before. It is charged to the owner, and given back.
 */
#include <linux/if_link.h>
#include <net/if.h>
#include <sys/socket.h>

#include "cgroup.h"
#include "test.h"
#include "xdp.h"

/* The parameters of the module, and their defaults. */
#define TX_MEMORY	2048
#define TX_LINEAR	65535

FIXTURE(memory)
{
	struct guest g;
};

FIXTURE_VARIANT(memory)
{
	__u64 features;
	unsigned int tx_memory;
	unsigned int tx_linear;
	bool indirect;
};

FIXTURE_VARIANT_ADD(memory, usual)
{
	.features = F_MODERN,
	.tx_memory = TX_MEMORY,
	.tx_linear = TX_LINEAR,
};

FIXTURE_VARIANT_ADD(memory, indirect)
{
	.features = F_MODERN,
	.tx_memory = TX_MEMORY,
	.tx_linear = TX_LINEAR,
	.indirect = true,
};

FIXTURE_VARIANT_ADD(memory, packed)
{
	.features = F_PACKED,
	.tx_memory = TX_MEMORY,
	.tx_linear = TX_LINEAR,
};

/* Two blocks, or one of the larger kind. */
FIXTURE_VARIANT_ADD(memory, little)
{
	.features = F_MODERN,
	.tx_memory = 128,
	.tx_linear = TX_LINEAR,
};

FIXTURE_VARIANT_ADD(memory, none)
{
	.features = F_MODERN,
	.tx_memory = 0,
	.tx_linear = TX_LINEAR,
};

FIXTURE_VARIANT_ADD(memory, pages)
{
	.features = F_MODERN,
	.tx_memory = TX_MEMORY,
	.tx_linear = 0,
};

/* What the packet socket may hold: more than any test sends. */
#define HELD_MAX	(64 << 20)

FIXTURE_SETUP(memory)
{
	struct guest_cfg cfg = {
		.features = variant->features,
		.tap_flags = IFF_VNET_HDR,
		.num = 1024,
		.ind_max = variant->indirect ? 64 : 0,
		.slot_size = HDR_LEN_MAX + FRAME_MAX,
		.slots = 64,
	};
	int held = HELD_MAX;

	SETUP_NEEDS(variant->features);
	if (env_is_ours()) {
		ASSERT_OK(env_set_parameter("tx_memory", variant->tx_memory));
		ASSERT_OK(env_set_parameter("tx_linear", variant->tx_linear));
	}
	ASSERT_OK(guest_start(&self->g, &cfg));
	ASSERT_EQ(0, setsockopt(self->g.pkt, SOL_SOCKET, SO_RCVBUFFORCE, &held,
				sizeof(held)));
}

FIXTURE_TEARDOWN(memory)
{
	guest_stop(&self->g);
	if (env_is_ours()) {
		EXPECT_OK(env_set_parameter("tx_memory", TX_MEMORY));
		EXPECT_OK(env_set_parameter("tx_linear", TX_LINEAR));
	}
}

/* Lengths of all kinds, among them the largest. */
static size_t length(__u64 *rnd)
{
	static const size_t max[] = { 100, 1600, 9100, FRAME_MAX };

	if (!rnd_below(rnd, 20))
		return FRAME_MAX;
	return FRAME_SEQ_MIN +
	       rnd_below(rnd, max[rnd_below(rnd, 4)] - FRAME_SEQ_MIN);
}

/* Send frames @seq to @end - 1; the host takes them off the ring. */
static int send_frames(struct guest *g, __u32 seq, __u32 end, __u64 *rnd,
		       bool indirect)
{
	static unsigned char frame[FRAME_MAX];
	unsigned int nseg;
	size_t len;
	int err;

	for (; seq < end; seq++) {
		len = length(rnd);
		nseg = 1 + seq % 3;
		err = guest_wait_room(g, nseg);
		if (err)
			return err;
		frame_make(frame, len, seq);
		err = guest_send(g, NULL, frame, len, nseg, indirect);
		if (err)
			return err;
		if (!(seq % 5))
			vq_submit(&g->vq[TXQ]);
	}
	vq_submit(&g->vq[TXQ]);
	return guest_reap_all(g);
}

static int take_frames(struct guest *g, __u32 seq, __u32 end, __u64 *rnd)
{
	int err = 0;

	for (; !err && seq < end; seq++)
		err = guest_capture(g, length(rnd), seq);
	return err;
}

/*
 * Frames that a socket holds stay as they are, whatever is sent after them. In
 * each round it holds more than the queue keeps memory for.
 */
TEST_F(memory, frames_are_held)
{
	unsigned int n = env_scaled(300, 300), round;
	__u64 sent = 1, taken = 1;

	for (round = 0; round < 3; round++) {
		ASSERT_OK(send_frames(&self->g, round * n, (round + 1) * n,
				      &sent, variant->indirect));
		ASSERT_OK_AT(take_frames(&self->g, round * n, (round + 1) * n,
					 &taken), "round %u", round);
	}
}

/* The same while some are taken, so the memory of others is used again. */
TEST_F(memory, frames_come_and_go)
{
	unsigned int total = env_scaled(1500, 300), seq = 0, got = 0, n;
	__u64 sent = 1, taken = 1, rnd = 2;

	while (got < total) {
		n = 1 + rnd_below(&rnd, 40);
		ASSERT_OK(send_frames(&self->g, seq, seq + n, &sent,
				      variant->indirect));
		seq += n;
		n = 1 + rnd_below(&rnd, seq - got);
		ASSERT_OK_AT(take_frames(&self->g, got, got + n, &taken),
			     "frames %u to %u", got, got + n);
		got += n;
	}
}

/* Memory is charged to the owner's cgroup, and not kept by an idle queue. */
TEST_F(memory, owner_is_charged)
{
	__u64 rnd = 1, taken = 1;
	long long before;
	char dir[100];
	int err;

	OURS_ALONE("charges nothing");
	if (variant->tx_memory < TX_MEMORY || variant->tx_linear < TX_LINEAR)
		SKIP(return, "no memory to charge");
	err = cgroup_enter(dir, sizeof(dir));
	if (err)
		SKIP(return, "no cgroup2 here: %s", strerror(-err));
	err = cgroup_write(CGROUP_ROOT, "cgroup.subtree_control", "+memory");
	before = cgroup_memory(dir, "kernel");
	if (!err && before >= 0) {
		EXPECT_OK(send_frames(&self->g, 0, 200, &rnd,
				      variant->indirect));
		EXPECT_TRUE(wait_until(cgroup_memory(dir, "kernel") >
				       before + (1 << 20)));
		EXPECT_OK(take_frames(&self->g, 0, 200, &taken));
		EXPECT_TRUE(wait_until(cgroup_memory(dir, "kernel") <
				       before + (1 << 18)));
	}
	EXPECT_TRUE(cgroup_leave(dir));
	if (err || before < 0)
		SKIP(return, "no memory controller here: %s",
		     strerror(err ? -err : -before));
}

/* An XDP program comes and goes; it has all frames passed. */
static int send_past_xdp(struct guest *g, unsigned int flags, __u32 *seq)
{
	__u64 sent = *seq, taken = *seq;
	int prog = -1, link = -1, err;
	unsigned int i;

	for (i = 0, err = 0; !err && i < 10; i++, *seq += 20) {
		if (i % 2) {
			prog = xdp_load_pass();
			link = xdp_attach(prog, if_nametoindex(g->ifname),
					  flags);
			if (link < 0)
				return link;
		}
		err = send_frames(g, *seq, *seq + 20, &sent, false);
		if (!err)
			err = take_frames(g, *seq, *seq + 20, &taken);
		if (i % 2) {
			close(link);
			close(prog);
		}
	}
	return err;
}

TEST_F(memory, xdp_program)
{
	int prog = xdp_load_pass();
	__u32 seq = 0;

	if (prog < 0)
		SKIP(return, "no BPF: %s", strerror(-prog));
	close(prog);
	EXPECT_OK(send_past_xdp(&self->g, XDP_FLAGS_SKB_MODE, &seq));
	EXPECT_OK(send_past_xdp(&self->g, XDP_FLAGS_DRV_MODE, &seq));
}

VHOST_TEST_MAIN
