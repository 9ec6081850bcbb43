/* SPDX-License-Identifier: GPL-2.0-only */
/* A guest and a VMM that do anything, driven by pseudo-random numbers. */
#ifndef VHOST_TEST_FUZZ_H
#define VHOST_TEST_FUZZ_H

#include "guest.h"

#define FUZZ_RING	64
#define FUZZ_FILES	16

/* Files that are special to the tap driver; the others are for the device. */
#define FUZZ_QUEUE	8	/* a second queue of the second tap */
#define FUZZ_TUN	15	/* becomes a queue, or a tap of its own */

/* Guest memory for valid chains; the region after it comes and goes. */
#define FUZZ_GPA	0x8000000000ULL

/*
 * State of one thread. The device, the rings and all memory are shared with the
 * other threads; what a thread remembers of them is its own.
 */
struct fuzz {
	__u64 rnd;
	struct guest g;
	int tap2;
	char tap2_name[16];
	int files[FUZZ_FILES];	/* descriptors to choose from */
	int nl;			/* netlink socket; its family, 0 if none */
	__u16 family;
	__u32 dev_id;		/* of a device that netlink has shown */
	__u32 workers[8];	/* workers made by this thread; 0: none yet */
	unsigned char *log;	/* dirty log for all of guest memory */
	unsigned char *arg;	/* a page for arguments; the next one faults */
};

static inline __u32 fuzz_below(struct fuzz *fz, __u32 limit)
{
	return rnd_below(&fz->rnd, limit);
}

static inline bool fuzz_one_in(struct fuzz *fz, __u32 n)
{
	return !fuzz_below(fz, n);
}

/* Choose a number: mostly a boundary value, sometimes any. */
__u64 fuzz_number(struct fuzz *fz);
int fuzz_file(struct fuzz *fz);
__u32 fuzz_index(struct fuzz *fz);
/* Choose an address mostly inside guest memory, often near an edge of it. */
__u64 fuzz_gpa(struct fuzz *fz);
/* The same for addresses of this process. */
__u64 fuzz_address(struct fuzz *fz);
/* Choose a valid base of the dirty log, or one that is certainly invalid. */
__u64 fuzz_log_base(struct fuzz *fz);

/* Write nonsense into a ring and kick. */
void fuzz_scramble_ring(struct fuzz *fz);
/* Send or receive frames as a driver does. */
void fuzz_traffic(struct fuzz *fz);

/* Send any command with any argument. */
void fuzz_any_command(struct fuzz *fz);
/* Send a command as a client does, but in any order and at any time. */
void fuzz_likely_command(struct fuzz *fz);
/* Set the device up and start it, with any features. */
void fuzz_configure(struct fuzz *fz);

/* Device IOTLB: write any message, or answer the device's misses. */
void fuzz_any_message(struct fuzz *fz);
void fuzz_answer(struct fuzz *fz);

/* Send any command of the tap driver to any of its files. */
void fuzz_tun(struct fuzz *fz);

/* Open a netlink socket; send requests to the module's family. */
void fuzz_open_netlink(struct fuzz *fz);
void fuzz_netlink(struct fuzz *fz);

/* Change something outside of the device: memory, taps, processes. */
void fuzz_world(struct fuzz *fz);

#endif
