// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz.h"

#include <poll.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

union packet {
	struct vhost_msg v1;
	struct vhost_msg_v2 v2;
	unsigned char byte[2 * sizeof(struct vhost_msg_v2)];
};

static void send_packet(struct fuzz *fz, const struct vhost_iotlb_msg *msg,
			bool v2, size_t len)
{
	union packet p;

	memset(&p, 0, sizeof(p));
	if (v2) {
		p.v2.type = fuzz_one_in(fz, 30) ? fuzz_number(fz) :
						  VHOST_IOTLB_MSG_V2;
		p.v2.asid = fuzz_one_in(fz, 30) ? fuzz_number(fz) : 0;
		memcpy(&p.v2.iotlb, msg, sizeof(*msg));
	} else {
		p.v1.type = fuzz_one_in(fz, 30) ? fuzz_number(fz) :
						  VHOST_IOTLB_MSG;
		memcpy(&p.v1.iotlb, msg, sizeof(*msg));
	}
	if (write(fz->g.dev, &p, len) < 0)
		return;
}

static size_t packet_size(struct fuzz *fz, bool v2)
{
	if (fuzz_one_in(fz, 20))
		return fuzz_below(fz, sizeof(union packet) + 1);
	return v2 ? sizeof(struct vhost_msg_v2) : sizeof(struct vhost_msg);
}

/*
 * Mostly maps an address that descriptors or rings use to a page that exists.
 */
void fuzz_any_message(struct fuzz *fz)
{
	struct vhost_iotlb_msg msg = {
		.iova = fuzz_one_in(fz, 2) ? fuzz_gpa(fz) : fuzz_address(fz),
		.size = fuzz_one_in(fz, 3) ? fuzz_number(fz) :
					     4096 * (1 + fuzz_below(fz, 64)),
		.uaddr = fuzz_address(fz),
		.perm = fuzz_one_in(fz, 4) ? fuzz_number(fz) :
					     VHOST_ACCESS_RW,
		.type = fuzz_one_in(fz, 10) ? fuzz_number(fz) :
			2 + fuzz_below(fz, 2),
	};
	bool v2 = fuzz_one_in(fz, 2);

	if (fuzz_one_in(fz, 3)) {
		msg.iova &= ~4095ULL;
		msg.uaddr &= ~4095ULL;
	}
	/* The whole address space. */
	if (fuzz_one_in(fz, 20)) {
		msg.iova = 0;
		msg.size = ~0ULL;
	}
	send_packet(fz, &msg, v2, packet_size(fz, v2));
}

/* Find the memory at an IOVA: guest memory, or a user address, as of rings. */
static void *resolve(struct fuzz *fz, __u64 iova)
{
	const struct gmem *mem = &fz->g.mem;
	unsigned int i;
	void *p = gmem_hva(mem, iova, 1);

	for (i = 0; !p && i < mem->nregions; i++)
		if (iova - (unsigned long)mem->region[i].hva <
		    mem->region[i].size)
			p = (void *)(unsigned long)iova;
	return p;
}

static void answer(struct fuzz *fz, const struct vhost_iotlb_msg *miss, bool v2)
{
	void *there = resolve(fz, miss->iova);
	struct vhost_iotlb_msg msg = {
		.iova = miss->iova & ~4095ULL,
		.size = 4096,
		.uaddr = (unsigned long)there & ~4095ULL,
		.perm = fuzz_one_in(fz, 10) ? VHOST_ACCESS_RO : VHOST_ACCESS_RW,
		.type = VHOST_IOTLB_UPDATE,
	};

	if (there)
		send_packet(fz, &msg, v2, v2 ? sizeof(struct vhost_msg_v2) :
					       sizeof(struct vhost_msg));
}

/* Read misses, in reads of any size, and answer most of them. */
void fuzz_answer(struct fuzz *fz)
{
	struct pollfd pfd = { .fd = fz->g.dev, .events = POLLIN | POLLOUT };
	struct vhost_iotlb_msg miss;
	unsigned int i, n = 1 + fuzz_below(fz, 20);
	union packet p;
	ssize_t len;

	poll(&pfd, 1, 0);
	for (i = 0; i < n; i++) {
		len = read(fz->g.dev, &p, fuzz_one_in(fz, 8) ?
			   fuzz_below(fz, sizeof(p)) : sizeof(p));
		if (len < (ssize_t)sizeof(p.v1))
			break;
		if (fuzz_one_in(fz, 8))
			continue;
		/* Both versions begin with a 32-bit type. */
		if (p.v2.type == VHOST_IOTLB_MSG_V2) {
			memcpy(&miss, &p.v2.iotlb, sizeof(miss));
			answer(fz, &miss, true);
		} else {
			memcpy(&miss, &p.v1.iotlb, sizeof(miss));
			answer(fz, &miss, false);
		}
	}
}
