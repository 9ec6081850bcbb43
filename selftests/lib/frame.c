// SPDX-License-Identifier: GPL-2.0-only
#include "frame.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <string.h>
#include <unistd.h>

#define GSO_SIZE	1400

__u64 rnd_next(__u64 *state)
{
	__u64 z = (*state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

__u32 rnd_below(__u64 *state, __u32 limit)
{
	return limit ? rnd_next(state) % limit : 0;
}

/*
 * Write the number, then bytes that depend on the frame and on their position.
 */
static void fill_payload(unsigned char *p, size_t len, __u32 seq)
{
	__u32 word = seq * 2654435761U + len;
	size_t i;

	for (i = 0; i < len; i++) {
		p[i] = word >> 24;
		word = word * 1664525U + 1013904223U;
	}
	if (len >= sizeof(seq))
		memcpy(p, &seq, sizeof(seq));
}

static void make_eth(unsigned char *buf, size_t len, __u16 type)
{
	unsigned char eth[ETH_HLEN];

	memset(eth, 0xff, ETH_ALEN);
	memset(eth + ETH_ALEN, 0x02, ETH_ALEN);
	eth[12] = type >> 8;
	eth[13] = type & 0xff;
	memcpy(buf, eth, len < ETH_HLEN ? len : ETH_HLEN);
}

size_t frame_near_page(size_t len)
{
	if (len < 3584 || len > 4608)
		return len;
	len += sysconf(_SC_PAGESIZE) - 4096;
	return len < 65535 ? len : 65535;
}

void frame_make(unsigned char *buf, size_t len, __u32 seq)
{
	make_eth(buf, len, FRAME_TYPE);
	if (len > ETH_HLEN)
		fill_payload(buf + ETH_HLEN, len - ETH_HLEN, seq);
}

void frame_make_l3(unsigned char *buf, size_t len, __u32 seq)
{
	struct iphdr ip = {
		.version = 4, .ihl = 5, .ttl = 1, .protocol = 253,
		.tot_len = htons(len), .daddr = htonl(INADDR_BROADCAST),
	};
	size_t n = len < sizeof(ip) ? len : sizeof(ip);

	memcpy(buf, &ip, n);
	fill_payload(buf + n, len - n, seq);
}

bool frame_is(const unsigned char *buf, size_t len, __u32 seq)
{
	static unsigned char want[FRAME_MAX];

	if (len > sizeof(want))
		return false;
	frame_make(want, len, seq);
	return !memcmp(buf, want, len);
}

__u32 frame_seq(const unsigned char *buf)
{
	__u32 seq;

	memcpy(&seq, buf + ETH_HLEN, sizeof(seq));
	return seq;
}

static const struct {
	const char *name;
	__u16 ethertype;
	__u8 proto;
	__u8 gso;
} kinds[FRAME_KINDS] = {
	[FRAME_PLAIN] = { "plain", FRAME_TYPE, 0, VIRTIO_NET_HDR_GSO_NONE },
	[FRAME_CSUM] = { "csum", ETH_P_IP, IPPROTO_UDP,
			 VIRTIO_NET_HDR_GSO_NONE },
	[FRAME_TSO4] = { "tso4", ETH_P_IP, IPPROTO_TCP,
			 VIRTIO_NET_HDR_GSO_TCPV4 },
	[FRAME_TSO6] = { "tso6", ETH_P_IPV6, IPPROTO_TCP,
			 VIRTIO_NET_HDR_GSO_TCPV6 },
	[FRAME_USO4] = { "uso4", ETH_P_IP, IPPROTO_UDP, GSO_UDP_L4 },
};

const char *frame_kind_name(enum frame_kind kind)
{
	return kinds[kind].name;
}

static size_t ip_len(enum frame_kind kind)
{
	if (kind == FRAME_PLAIN)
		return 0;
	return kinds[kind].ethertype == ETH_P_IP ? sizeof(struct iphdr) :
						   sizeof(struct ipv6hdr);
}

static size_t l4_len(enum frame_kind kind)
{
	if (kind == FRAME_PLAIN)
		return 0;
	return kinds[kind].proto == IPPROTO_TCP ? sizeof(struct tcphdr) :
						  sizeof(struct udphdr);
}

/* Length of the Ethernet, IP and TCP or UDP headers together. */
static size_t headers_len(enum frame_kind kind)
{
	return ETH_HLEN + ip_len(kind) + l4_len(kind);
}

static __u32 sum16(const void *p, size_t len)
{
	const unsigned char *c = p;
	__u32 sum = 0;
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += c[i] << 8 | c[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void make_ip(unsigned char *p, size_t len, enum frame_kind kind)
{
	struct ipv6hdr ip6 = {
		.version = 6, .hop_limit = 1, .nexthdr = kinds[kind].proto,
	};
	struct iphdr ip = {
		.version = 4, .ihl = 5, .ttl = 1, .protocol = kinds[kind].proto,
		.saddr = htonl(0x0a000001), .daddr = htonl(0x0a000002),
		.tot_len = htons(len),
	};

	if (kinds[kind].ethertype == ETH_P_IP) {
		ip.check = htons(~sum16(&ip, sizeof(ip)));
		memcpy(p, &ip, sizeof(ip));
		return;
	}
	ip6.payload_len = htons(len - sizeof(ip6));
	ip6.saddr.s6_addr[15] = 1;
	ip6.daddr.s6_addr[15] = 2;
	memcpy(p, &ip6, sizeof(ip6));
}

static void make_l4(unsigned char *p, size_t len, enum frame_kind kind)
{
	/* The checksum is left to the device, so any value will do here. */
	struct tcphdr tcp = {
		.source = htons(1), .dest = htons(2), .doff = 5, .ack = 1,
		.check = htons(0x1234),
	};
	struct udphdr udp = {
		.source = htons(1), .dest = htons(2), .len = htons(len),
		.check = htons(0x1234),
	};

	if (kinds[kind].proto == IPPROTO_TCP)
		memcpy(p, &tcp, sizeof(tcp));
	else
		memcpy(p, &udp, sizeof(udp));
}

void frame_make_kind(unsigned char *buf, size_t len, __u32 seq,
		     enum frame_kind kind, struct virtio_net_hdr *hdr)
{
	size_t l4 = ETH_HLEN + ip_len(kind);
	size_t head = headers_len(kind);

	memset(hdr, 0, sizeof(*hdr));
	make_eth(buf, len, kinds[kind].ethertype);
	fill_payload(buf + head, len - head, seq);
	if (kind == FRAME_PLAIN)
		return;
	make_ip(buf + ETH_HLEN, len - ETH_HLEN, kind);
	make_l4(buf + l4, len - l4, kind);
	hdr->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	hdr->csum_start = l4;
	hdr->csum_offset = kinds[kind].proto == IPPROTO_TCP ?
			   offsetof(struct tcphdr, check) :
			   offsetof(struct udphdr, check);
	hdr->gso_type = kinds[kind].gso;
	if (hdr->gso_type == VIRTIO_NET_HDR_GSO_NONE)
		return;
	hdr->hdr_len = head;
	hdr->gso_size = GSO_SIZE;
}

bool frame_same_hdr(const struct virtio_net_hdr *a,
		    const struct virtio_net_hdr *b)
{
	return a->flags == b->flags && a->gso_type == b->gso_type &&
	       a->gso_size == b->gso_size && a->csum_start == b->csum_start &&
	       a->csum_offset == b->csum_offset;
}
