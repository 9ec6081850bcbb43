/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest with a network card: memory, two rings, a device under test, a tap
 * behind it and a packet socket on the other side of the tap.
 */
#ifndef VHOST_TEST_GUEST_H
#define VHOST_TEST_GUEST_H

#include "frame.h"
#include "gmem.h"
#include "netif.h"
#include "vdev.h"
#include "vq.h"

struct guest_cfg {
	const struct vq_ops *ops;	/* ring layout; split if NULL */
	__u64 features;
	__u64 features2;	/* the second word of them */
	int tap_flags;		/* beside IFF_TAP | IFF_NO_PI */
	bool tun;		/* a tun (L3) in the tap's place */
	bool no_tap;		/* the test brings its own backend */
	bool limit_sndbuf;	/* keeps the device from batching transmit */
	unsigned int num;	/* entries in each ring; 256 if 0 */
	__u16 base;		/* where both rings begin */
	unsigned int ind_max;	/* entries in an indirect table */
	size_t slot_size;	/* bytes in a buffer; 2048 if 0 */
	unsigned int slots;	/* buffers for each ring; num if 0 */
	unsigned int regions;	/* regions that the buffers spread over */
};

/* The usual guest: these features, and a tap that makes the headers. */
#define GUEST_CFG(feat) {						\
	.features = (feat),						\
	.tap_flags = IFF_VNET_HDR,					\
}

/* A buffer: what it is cut into, from its end to its beginning. */
struct guest_slot {
	__u64 gpa;
	__u32 len;
	unsigned int nseg;
};

struct guest_pool {
	struct guest_slot *slot;
	unsigned int *free;
	unsigned int nfree;
	unsigned int nslots;
};

struct guest {
	struct guest_cfg cfg;
	struct gmem mem;
	struct vq vq[NR_VQS];
	struct guest_pool pool[NR_VQS];
	size_t hdr_len;
	int dev;
	int tap;
	int pkt;	/* packet socket, with virtio headers if the tap has */
	bool pkt_hdr;
	char ifname[16];
};

/* What came out of the receive ring. */
struct guest_frame {
	union {
		struct virtio_net_hdr_mrg_rxbuf hdr;
		unsigned char whole_hdr[HDR_LEN_MAX];
	};
	unsigned int nbufs;	/* chains that it took */
	__u32 len;		/* of the frame */
	unsigned char data[FRAME_MAX];
};

/*
 * Enters a network namespace, makes the tap, and starts both rings on it:
 * each step as QEMU takes it. 0 or a negative errno; the step that failed is
 * on stderr. guest_stop() also cleans up after a failure.
 */
int guest_start(struct guest *g, const struct guest_cfg *cfg);
void guest_stop(struct guest *g);

/* The parts of guest_start(). */
int guest_init(struct guest *g, const struct guest_cfg *cfg);
int guest_open_tap(struct guest *g);
int guest_open_dev(struct guest *g);
int guest_set_backend(struct guest *g, int backend);

/* Takes all buffers of a ring for free again. */
void guest_free_buffers(struct guest *g, unsigned int ring);

/* Empties a ring, so that it begins at @base and all its buffers are free. */
void guest_reset_ring(struct guest *g, unsigned int ring, __u16 base);

/* Stops both rings and starts them again, empty and from 0. */
int guest_restart(struct guest *g);

/*
 * Adds one frame to the transmit ring, cut into @nseg pieces (two: header and
 * frame). Not published. @hdr may be NULL; -ENOSPC when the ring is full.
 */
int guest_send(struct guest *g, const struct virtio_net_hdr *hdr,
	       const void *frame, size_t len, unsigned int nseg, bool indirect);

/* Takes back what is used of transmit; how many, or -EPROTO if it is wrong. */
int guest_reap(struct guest *g);

/* Waits until all that was sent is used; -ETIMEDOUT if it is not. */
int guest_reap_all(struct guest *g);

/* Waits until transmit has a free buffer and @ndesc descriptors. */
int guest_wait_room(struct guest *g, unsigned int ndesc);

/*
 * Takes back what is used of transmit, adds frames from @seq on to @end while there
 * is room, and submits them; the number of the next.
 */
__u32 guest_fill_tx(struct guest *g, size_t len, __u32 seq, __u32 end);

/* Traffic both ways until the process dies; signals @ready at each round. */
void guest_load_forever(struct guest *g, size_t len, int ready);

/* Adds one receive buffer of @len bytes in @nseg pieces. Not published. */
int guest_post(struct guest *g, size_t len, unsigned int nseg, bool indirect);

/* Posts as many as fit, at most @max, publishes and kicks; how many. */
unsigned int guest_refill(struct guest *g, unsigned int max, size_t len);

/* Waits for a frame and takes it; 0 or a negative errno. */
int guest_recv(struct guest *g, struct guest_frame *f);

/* True when the receive ring has something to take. */
bool guest_has_frame(struct guest *g);

/* Frame @seq out and back in whole: 0, or what went wrong. */
int guest_check_tx(struct guest *g, size_t len, __u32 seq, unsigned int nseg,
		   bool indirect);
int guest_check_rx(struct guest *g, size_t len, __u32 seq);

/* Captures a frame and compares: 0, -ETIMEDOUT, or -EBADMSG. */
int guest_capture(struct guest *g, size_t len, __u32 seq);

/* From the host into the tap. */
int guest_inject(struct guest *g, size_t len, __u32 seq);

/*
 * Bursts: frames of many lengths both ways at once, of which each must come once,
 * whole and in order. What happens between the three is for the test to choose.
 */
#define GUEST_BURST		8
#define GUEST_BURST_SLOT	16384	/* the smallest slot_size for them */

int guest_burst_post(struct guest *g);
int guest_burst_send(struct guest *g, __u32 seq);
int guest_burst_take(struct guest *g, __u32 seq);

/* A few frames each way: the device still works. */
int guest_check_alive(struct guest *g, __u32 seq);

#endif
