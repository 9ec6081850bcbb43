/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest with a network card: memory, two rings, a device under test, its tap,
 * and a packet socket as the host's end of the tap.
 */
#ifndef VHOST_TEST_GUEST_H
#define VHOST_TEST_GUEST_H

#include "frame.h"
#include "gmem.h"
#include "netif.h"
#include "vdev.h"
#include "vq.h"

struct guest_cfg {
	const struct vq_ops *ops;	/* layout; as features say if NULL */
	__u64 features;
	__u64 features2;	/* second word of features */
	const char *ifname;	/* tap0 if NULL */
	int tap_flags;		/* in addition to IFF_TAP | IFF_NO_PI */
	bool tun;		/* a tun (L3) instead of a tap */
	bool no_tap;		/* the test brings its own backend */
	bool limit_sndbuf;	/* keep the device from batching transmit */
	unsigned int num;	/* entries per ring; 256 if 0 */
	__u16 base;		/* first index of both rings */
	unsigned int ind_max;	/* entries per indirect table */
	size_t slot_size;	/* bytes per buffer; 2048 if 0 */
	unsigned int slots;	/* buffers per ring; num if 0 */
	unsigned int regions;	/* memory regions that hold the buffers */
	bool one_region;	/* the buffers are in the region of the rings */
};

/* The usual guest: these features, and a tap that makes the headers. */
#define GUEST_CFG(feat) {						\
	.features = (feat),						\
	.tap_flags = IFF_VNET_HDR,					\
}

/* A buffer of @nseg segments; the first segment lies at its end. */
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
	int pkt;	/* packet socket, with virtio headers if pkt_hdr */
	bool pkt_hdr;
	char ifname[16];
};

/* A frame from the receive ring. */
struct guest_frame {
	union {
		struct virtio_net_hdr_mrg_rxbuf hdr;
		unsigned char whole_hdr[HDR_LEN_MAX];
	};
	unsigned int nbufs;	/* number of chains it filled */
	__u32 len;		/* length without the header */
	unsigned char data[FRAME_MAX];
};

/*
 * Enter a network namespace, create the tap and start both rings on it, in the
 * order in which QEMU does. Return: 0 or a negative errno; the step that failed
 * is printed on stderr. guest_stop() also cleans up after a failure.
 */
int guest_start(struct guest *g, const struct guest_cfg *cfg);
void guest_stop(struct guest *g);

/* The steps of guest_start(). */
int guest_init(struct guest *g, const struct guest_cfg *cfg);
int guest_open_tap(struct guest *g);
int guest_open_dev(struct guest *g);
int guest_set_backend(struct guest *g, int backend);

/*
 * After a guest was copied by assignment: give the copy its own record of the
 * chains and buffers in flight. Memory, rings and files remain shared.
 */
int guest_unshare_records(struct guest *g);

/* Mark all buffers of a ring as free. */
void guest_free_buffers(struct guest *g, unsigned int ring);

/* Empty a ring: it begins at @base, and all its buffers are free. */
void guest_reset_ring(struct guest *g, unsigned int ring, __u16 base);

/* Stop both rings, and start them again empty and from index 0. */
int guest_restart(struct guest *g);

/*
 * Add one frame to the transmit ring, in @nseg segments (two: header and
 * frame), without publishing it. @hdr may be NULL. Return: -ENOSPC if the ring
 * is full.
 */
int guest_send(struct guest *g, const struct virtio_net_hdr *hdr,
	       const void *frame, size_t len, unsigned int nseg, bool indirect);

/*
 * Take back used transmit buffers. Return: how many, or -EPROTO for a bad
 * entry.
 */
int guest_reap(struct guest *g);

/* Wait until all frames that were sent are used. Return: -ETIMEDOUT if not. */
int guest_reap_all(struct guest *g);

/* Wait until transmit has a free buffer and @ndesc descriptors. */
int guest_wait_room(struct guest *g, unsigned int ndesc);

/*
 * Submit frames @seq to @end - 1 as far as there is room; guest_fill_tx() takes
 * back used transmit buffers first. Return: the number of the next frame.
 */
__u32 guest_send_frames(struct guest *g, size_t len, __u32 seq, __u32 end);
__u32 guest_fill_tx(struct guest *g, size_t len, __u32 seq, __u32 end);

/*
 * Run traffic both ways until the process is killed; signal @ready each round.
 */
void guest_load_forever(struct guest *g, size_t len, int ready);

/*
 * Add one receive buffer of @len bytes in @nseg segments, without publishing
 * it.
 */
int guest_post(struct guest *g, size_t len, unsigned int nseg, bool indirect);

/* Post at most @max buffers, publish and kick. Return: how many fitted. */
unsigned int guest_refill(struct guest *g, unsigned int max, size_t len);

/* Wait for a frame and take it. Return: 0 or a negative errno. */
int guest_recv(struct guest *g, struct guest_frame *f);

/* Check whether the receive ring has used buffers. */
bool guest_has_frame(struct guest *g);

/*
 * Send frame @seq from the guest to the host, or from the host to the guest,
 * and compare it. Return: 0 or a negative errno.
 */
int guest_check_tx(struct guest *g, size_t len, __u32 seq, unsigned int nseg,
		   bool indirect);
int guest_check_rx(struct guest *g, size_t len, __u32 seq);

/* Capture a frame and compare it. Return: 0, -ETIMEDOUT, or -EBADMSG. */
int guest_capture(struct guest *g, size_t len, __u32 seq);

/* Send a frame from the host into the tap. */
int guest_inject(struct guest *g, size_t len, __u32 seq);

/*
 * Bursts: frames of many lengths both ways at once, each of which must arrive
 * once, complete and in order. The test chooses what happens between the three
 * steps.
 */
#define GUEST_BURST		8
#define GUEST_BURST_SLOT	16384	/* the smallest slot_size for them */

int guest_burst_post(struct guest *g);
int guest_burst_send(struct guest *g, __u32 seq);
int guest_burst_take(struct guest *g, __u32 seq);

/* Check that the device still works, by a few frames each way. */
int guest_check_alive(struct guest *g, __u32 seq);

#endif
