/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ABI as far as the tests use it. Constants have names of our own, as the
 * host's headers may be older than the kernel under test.
 */
#ifndef VHOST_TEST_UAPI_H
#define VHOST_TEST_UAPI_H

#include <linux/types.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>

/* Commands that the host's headers lack. */
#include "../../uapi/vhost_alt.h"

#define BIT_ULL(n)		(1ULL << (n))

#define F_NOTIFY_ON_EMPTY	BIT_ULL(24)
#define F_LOG_ALL		BIT_ULL(26)
/* VIRTIO_F_ANY_LAYOUT to others; to vhost-net: the device adds the header. */
#define F_VHOST_HDR		BIT_ULL(27)
#define F_INDIRECT		BIT_ULL(28)
#define F_EVENT_IDX		BIT_ULL(29)
#define F_MRG_RXBUF		BIT_ULL(15)
#define F_VERSION_1		BIT_ULL(32)
#define F_ACCESS_PLATFORM	BIT_ULL(33)
#define F_RING_PACKED		BIT_ULL(34)
#define F_IN_ORDER		BIT_ULL(35)
#define F_RING_RESET		BIT_ULL(40)

/* Features of the second word. */
#define F2_GUEST_TUNNEL		BIT_ULL(65 - 64)
#define F2_HOST_TUNNEL		BIT_ULL(67 - 64)
#define F2_TUNNEL		(F2_GUEST_TUNNEL | F2_HOST_TUNNEL)

#define BACKEND_F_IOTLB_MSG_V2	BIT_ULL(1)

/* Every vhost-net device offers these, on any kernel. */
#define F_REQUIRED		(F_NOTIFY_ON_EMPTY | F_VHOST_HDR | \
				 F_INDIRECT | F_EVENT_IDX | F_MRG_RXBUF | \
				 F_VERSION_1)

/*
 * What a driver of today negotiates, and the same without what changes how it
 * gives notifications and lays out chains.
 */
#define F_MODERN_BASE		(F_VERSION_1 | F_MRG_RXBUF)
#define F_MODERN		(F_MODERN_BASE | F_EVENT_IDX | F_INDIRECT)

/* The same in the packed layout. */
#define F_PACKED_BASE		(F_MODERN_BASE | F_RING_PACKED)
#define F_PACKED		(F_MODERN | F_RING_PACKED)

/* The flags of a split ring's descriptor, for tables of them. */
#define F_NEXT			VRING_DESC_F_NEXT
#define F_WRITE			VRING_DESC_F_WRITE
#define F_IND			VRING_DESC_F_INDIRECT

/* Chains that the module fetches at a time. */
#define BATCH			64

/* An argument that no command can read or write: it is never mapped. */
#define BAD_PTR			((void *)8)

/* Ring numbers inside one file. */
#define RXQ			0
#define TXQ			1
#define NR_VQS			2

#define HDR_LEN_LEGACY		10
#define HDR_LEN_MRG		12
#define HDR_LEN_TUNNEL		24
#define HDR_LEN_MAX		HDR_LEN_TUNNEL

/* USO is younger than the oldest headers that the tests are built with. */
#define GSO_UDP_L4		5
#ifndef TUN_F_USO4
#define TUN_F_USO4		0x20
#define TUN_F_USO6		0x40
#endif
#ifndef TUN_F_UDP_TUNNEL_GSO
#define TUN_F_UDP_TUNNEL_GSO	0x80
#endif

#endif
