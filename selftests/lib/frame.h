/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames in which each byte follows from the frame's number and length. */
#ifndef VHOST_TEST_FRAME_H
#define VHOST_TEST_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include "uapi.h"

/* Local experimental ethertype, which nothing in the kernel answers. */
#define FRAME_TYPE	0x88b5

#define FRAME_MIN	14
/* The shortest frame that has room for its number, which frame_seq() reads. */
#define FRAME_SEQ_MIN	18
#define FRAME_MAX	(65536 + FRAME_MIN)

/*
 * Turn a length near 4096 into one as near to a page of the host: up to a page,
 * frames are sent in batches of another kind.
 */
size_t frame_near_page(size_t len);

/* The offload that the virtio-net header of a frame requests. */
enum frame_kind {
	FRAME_PLAIN,
	FRAME_CSUM,		/* UDP whose checksum the device completes */
	FRAME_TSO4,
	FRAME_TSO6,
	FRAME_USO4,
	FRAME_KINDS
};

/* Make frame @seq, or an IP packet for a tun, without an Ethernet header. */
void frame_make(unsigned char *buf, size_t len, __u32 seq);
void frame_make_l3(unsigned char *buf, size_t len, __u32 seq);

/* Check whether @buf is frame @seq; read the number of a frame. */
bool frame_is(const unsigned char *buf, size_t len, __u32 seq);
__u32 frame_seq(const unsigned char *buf);

/* Make a frame with a TCP or UDP packet, and its virtio-net header. */
void frame_make_kind(unsigned char *buf, size_t len, __u32 seq,
		     enum frame_kind kind, struct virtio_net_hdr *hdr);
const char *frame_kind_name(enum frame_kind kind);

/*
 * Check whether two headers request the same; hdr_len is a hint and may differ.
 */
bool frame_same_hdr(const struct virtio_net_hdr *a,
		    const struct virtio_net_hdr *b);

/* Pseudo-random numbers, reproducible by their seed. */
__u64 rnd_next(__u64 *state);
__u32 rnd_below(__u64 *state, __u32 limit);

#endif
