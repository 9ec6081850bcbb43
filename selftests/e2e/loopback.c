// SPDX-License-Identifier: GPL-2.0-only
/*
 * loopback: send frames into an interface, and check that each comes back from
 * there, whole and in the order of its flow.
 *
 *	loopback INTERFACE FRAMES [FLOWS]
 *
 * A flow is what a UDP port sends. The frames of a single flow are not IP. So
 * few are in flight at a time that they fit into any queue.
 */
#include <arpa/inet.h>
#include <err.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "netif.h"

#define IN_FLIGHT	128
#define FLOWS_MAX	128
#define LEN_MAX		1514

/* What precedes a frame to make it a packet of a flow. */
#define ENVELOPE	(sizeof(struct ethhdr) + sizeof(struct iphdr) + \
			 sizeof(struct udphdr))

static unsigned int flows = 1;
static __u32 expected[FLOWS_MAX];

static size_t envelope_len(void)
{
	return flows > 1 ? ENVELOPE : 0;
}

static size_t length_of(__u32 seq)
{
	return FRAME_SEQ_MIN +
	       seq * 37 % (LEN_MAX - envelope_len() - FRAME_SEQ_MIN + 1);
}

static void address(unsigned char *packet, const unsigned char *frame,
		    size_t len, unsigned int flow)
{
	struct udphdr udp = {
		.source = htons(1024 + flow),
		.dest = htons(9),
		.len = htons(len + sizeof(udp)),
	};
	struct iphdr ip = {
		.version = 4,
		.ihl = sizeof(ip) / 4,
		.tot_len = htons(len + sizeof(udp) + sizeof(ip)),
		.ttl = 1,
		.protocol = IPPROTO_UDP,
		.saddr = htonl(0xc0000201),
		.daddr = htonl(0xc0000202),
	};
	struct ethhdr eth;

	memcpy(&eth, frame, sizeof(eth));
	eth.h_proto = htons(ETH_P_IP);
	memcpy(packet, &eth, sizeof(eth));
	memcpy(packet + sizeof(eth), &ip, sizeof(ip));
	memcpy(packet + sizeof(eth) + sizeof(ip), &udp, sizeof(udp));
}

static void send_frame(int fd, __u32 seq)
{
	unsigned char packet[LEN_MAX], *frame = packet + envelope_len();
	size_t len = length_of(seq);
	int error;

	frame_make(frame, len, seq);
	if (flows > 1)
		address(packet, frame, len, seq % flows);
	error = packet_send(fd, NULL, packet, len + envelope_len());
	if (error)
		errx(1, "cannot send frame %u: %s", seq, strerror(-error));
}

static void receive_frame(int fd)
{
	unsigned char packet[LEN_MAX], *frame = packet + envelope_len();
	int len = packet_recv(fd, NULL, packet, sizeof(packet));
	__u32 seq, *next;

	if (len < 0)
		errx(1, "a frame did not come back: %s", strerror(-len));
	len -= envelope_len();
	if (len < FRAME_SEQ_MIN)
		errx(1, "received %d bytes", len);
	seq = frame_seq(frame);
	next = &expected[seq % flows];
	if (seq != *next || len != length_of(seq) || !frame_is(frame, len, seq))
		errx(1, "expected frame %u, received %d bytes, number %u",
		     *next, len, seq);
	*next += flows;
}

int main(int argc, char **argv)
{
	__u32 sent = 0, received = 0, frames, i;
	int fd;

	if (argc == 4)
		flows = atoi(argv[3]);
	if (argc < 3 || argc > 4 || !flows || flows > FLOWS_MAX)
		errx(2, "usage: loopback INTERFACE FRAMES [FLOWS]");
	for (i = 0; i < flows; i++)
		expected[i] = i;
	frames = atoi(argv[2]);
	fd = packet_open(argv[1], false);
	if (fd < 0)
		errx(1, "%s: %s", argv[1], strerror(-fd));
	while (received < frames) {
		while (sent < frames && sent - received < IN_FLIGHT)
			send_frame(fd, sent++);
		receive_frame(fd);
		received++;
	}
	printf("%u frames came back\n", received);
	return 0;
}
