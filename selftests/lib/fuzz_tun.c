// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof(*(a)))

/* Flags that the oldest headers lack. */
#define NO_CARRIER	0x0040
#define NAPI		0x0010
#define NAPI_FRAGS	0x0020

static int any_tun(struct fuzz *fz)
{
	int tuns[] = {
		fz->g.tap, fz->tap2, fz->files[FUZZ_QUEUE],
		fz->files[FUZZ_TUN],
	};

	return fuzz_one_in(fz, 10) ? fuzz_file(fz) :
				     tuns[fuzz_below(fz, ARRAY_SIZE(tuns))];
}

static short any_flags(struct fuzz *fz)
{
	static const short known[] = {
		IFF_NO_PI, IFF_VNET_HDR, IFF_MULTI_QUEUE, IFF_ONE_QUEUE,
		(short)IFF_TUN_EXCL, IFF_PERSIST, NAPI, NAPI_FRAGS, NO_CARRIER,
	};
	short flags = fuzz_one_in(fz, 4) ? IFF_TUN : IFF_TAP;
	unsigned int i;

	if (fuzz_one_in(fz, 20))
		return fuzz_number(fz);
	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (fuzz_one_in(fz, 3))
			flags |= known[i];
	return flags;
}

/*
 * Attach a file to an interface: one that is there, or one of its own, whose
 * name is given by the kernel.
 */
static void set_iff(struct fuzz *fz)
{
	struct ifreq ifr = { .ifr_flags = any_flags(fz) };

	switch (fuzz_below(fz, 4)) {
	case 0:
		strcpy(ifr.ifr_name, fz->g.ifname);
		break;
	case 1:
	case 2:
		strcpy(ifr.ifr_name, fz->tap2_name);
		break;
	default:
		break;
	}
	ioctl(any_tun(fz), TUNSETIFF, &ifr);
	/* No interface may outlive the round. */
	ioctl(fz->files[FUZZ_TUN], TUNSETPERSIST, 0);
}

/* Put a new file in the place of one that is in use, as a backend maybe. */
static void reopen(struct fuzz *fz)
{
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return;
	dup2(fd, fz->files[FUZZ_TUN]);
	close(fd);
}

/* Accept all packets, none, or a few bytes of each. */
static void set_filter(struct fuzz *fz)
{
	struct sock_filter code = {
		.code = BPF_RET | BPF_K,
		.k = fuzz_number(fz),
	};
	struct sock_fprog prog = { .len = 1, .filter = &code };

	if (fuzz_one_in(fz, 2))
		ioctl(any_tun(fz), TUNATTACHFILTER, &prog);
	else
		ioctl(any_tun(fz), TUNDETACHFILTER, &prog);
}

static void set_number(struct fuzz *fz)
{
	static const unsigned long cmds[] = {
		TUNSETVNETHDRSZ, TUNSETVNETHDRSZ, TUNSETSNDBUF, TUNSETSNDBUF,
		TUNSETVNETLE, TUNSETVNETBE, TUNSETCARRIER, TUNSETIFINDEX,
		TUNSETSTEERINGEBPF, TUNSETFILTEREBPF,
	};
	int number = fuzz_one_in(fz, 3) ? (int)fuzz_number(fz) :
					  (int)fuzz_below(fz, 64);

	ioctl(any_tun(fz), cmds[fuzz_below(fz, ARRAY_SIZE(cmds))], &number);
}

static void set_queue(struct fuzz *fz)
{
	tap_set_queue(any_tun(fz), fuzz_one_in(fz, 2));
}

static void set_offload(struct fuzz *fz)
{
	tap_set_offload(any_tun(fz), fuzz_one_in(fz, 10) ? fuzz_number(fz) :
							   fuzz_below(fz, 256));
}

static void get_something(struct fuzz *fz)
{
	static const unsigned long cmds[] = {
		TUNGETFEATURES, TUNGETIFF, TUNGETSNDBUF, TUNGETVNETHDRSZ,
		TUNGETFILTER, TUNGETVNETLE, TUNGETVNETBE, TUNGETDEVNETNS,
		SIOCGIFHWADDR,
	};
	unsigned long cmd = cmds[fuzz_below(fz, ARRAY_SIZE(cmds))];
	int n = ioctl(any_tun(fz), cmd, fz->arg);

	/* The only one that returns a file. */
	if (cmd == TUNGETDEVNETNS && n >= 0)
		close(n);
}

/* Read and write packets beside the device, which has the same file. */
static void pass_packets(struct fuzz *fz)
{
	unsigned char frame[2000];
	int tap = any_tun(fz);
	unsigned int i;

	/* Some of the files block. */
	if (tap != fz->g.tap && tap != fz->tap2)
		return;
	memset(frame, 0, sizeof(frame));
	frame_make(frame + fz->g.hdr_len, 100 + fuzz_below(fz, 1500), 0);
	for (i = 0; i < 8; i++) {
		if (write(tap, frame, fuzz_below(fz, sizeof(frame))) < 0)
			break;
		if (read(tap, frame, fuzz_below(fz, sizeof(frame))) < 0)
			break;
	}
}

void fuzz_tun(struct fuzz *fz)
{
	static void (* const all[])(struct fuzz *fz) = {
		set_iff, set_iff, reopen, set_filter, set_number, set_number,
		set_queue, set_queue, set_queue, set_offload, get_something,
		pass_packets,
	};

	all[fuzz_below(fz, ARRAY_SIZE(all))](fz);
}
