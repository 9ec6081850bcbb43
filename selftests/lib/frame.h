/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames whose every byte follows from their number and their length. */
#ifndef VHOST_TEST_FRAME_H
#define VHOST_TEST_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include "uapi.h"

/* Local experimental ethertype: nobody in the kernel answers it. */
#define FRAME_TYPE	0x88b5

#define FRAME_MIN	14
/* Frames this long carry their number, which frame_seq() reads. */
#define FRAME_SEQ_MIN	18
#define FRAME_MAX	(65536 + FRAME_MIN)

/* What the frame's header in the ring asks of the device. */
enum frame_kind {
	FRAME_PLAIN,
	FRAME_CSUM,		/* UDP, checksum left to the device */
	FRAME_TSO4,
	FRAME_TSO6,
	FRAME_USO4,
	FRAME_KINDS
};

/* L3 frames for a tun: the same without the Ethernet header. */
void frame_make(unsigned char *buf, size_t len, __u32 seq);
void frame_make_l3(unsigned char *buf, size_t len, __u32 seq);
bool frame_is(const unsigned char *buf, size_t len, __u32 seq);
__u32 frame_seq(const unsigned char *buf);

/* A TCP or UDP packet in a frame, and the header that goes with it. */
void frame_make_kind(unsigned char *buf, size_t len, __u32 seq,
		     enum frame_kind kind, struct virtio_net_hdr *hdr);
const char *frame_kind_name(enum frame_kind kind);

/* Same request to the device; hdr_len is a hint that may differ. */
bool frame_same_hdr(const struct virtio_net_hdr *a,
		    const struct virtio_net_hdr *b);

/* Numbers for tests that need many: the same from the same seed. */
__u64 rnd_next(__u64 *state);
__u32 rnd_below(__u64 *state, __u32 limit);

#endif
