// SPDX-License-Identifier: GPL-2.0-only
/*
 * loopback: send frames into an interface, and check that each comes back from
 * there, whole and in order.
 *
 *	loopback INTERFACE FRAMES
 *
 * So few are in flight at a time that they fit into any queue.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "netif.h"

#define IN_FLIGHT	128
#define LEN_MAX		1514

static size_t length_of(__u32 seq)
{
	return FRAME_SEQ_MIN + seq * 37 % (LEN_MAX - FRAME_SEQ_MIN + 1);
}

static void send_frame(int fd, __u32 seq)
{
	unsigned char frame[LEN_MAX];
	size_t len = length_of(seq);
	int error;

	frame_make(frame, len, seq);
	error = packet_send(fd, NULL, frame, len);
	if (error)
		errx(1, "cannot send frame %u: %s", seq, strerror(-error));
}

static void receive_frame(int fd, __u32 seq)
{
	unsigned char frame[LEN_MAX];
	int len = packet_recv(fd, NULL, frame, sizeof(frame));

	if (len < 0)
		errx(1, "frame %u did not come back: %s", seq, strerror(-len));
	if (len != length_of(seq) || !frame_is(frame, len, seq))
		errx(1, "expected frame %u, received %d bytes, number %u",
		     seq, len, len < FRAME_SEQ_MIN ? 0 : frame_seq(frame));
}

int main(int argc, char **argv)
{
	__u32 sent = 0, received = 0, frames;
	int fd;

	if (argc != 3)
		errx(2, "usage: loopback INTERFACE FRAMES");
	frames = atoi(argv[2]);
	fd = packet_open(argv[1], false);
	if (fd < 0)
		errx(1, "%s: %s", argv[1], strerror(-fd));
	while (received < frames) {
		while (sent < frames && sent - received < IN_FLIGHT)
			send_frame(fd, sent++);
		receive_frame(fd, received++);
	}
	printf("%u frames came back\n", received);
	return 0;
}
