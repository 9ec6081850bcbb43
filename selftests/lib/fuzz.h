/* SPDX-License-Identifier: GPL-2.0-only */
/* A guest and a VMM that do anything at all, as a row of numbers says. */
#ifndef VHOST_TEST_FUZZ_H
#define VHOST_TEST_FUZZ_H

#include "guest.h"

#define FUZZ_RING	64
#define FUZZ_FILES	8

/* Guest memory for chains that are sound, and a region that is not there. */
#define FUZZ_GPA	0x8000000000ULL

/*
 * One thread's view of it: the device, the rings and all memory are shared with
 * other threads, what it remembers of them is its own.
 */
struct fuzz {
	__u64 rnd;
	struct guest g;
	int tap2;
	char tap2_name[16];
	int files[FUZZ_FILES];	/* what descriptors are drawn from */
	__u32 workers[8];	/* that it has made; 0 for none yet */
	unsigned char *log;	/* as large as all of guest memory needs */
	unsigned char *arg;	/* a page for arguments, and none behind it */
};

static inline __u32 fuzz_below(struct fuzz *fz, __u32 limit)
{
	return rnd_below(&fz->rnd, limit);
}

static inline bool fuzz_one_in(struct fuzz *fz, __u32 n)
{
	return !fuzz_below(fz, n);
}

/* Numbers near the places where something changes, and others. */
__u64 fuzz_number(struct fuzz *fz);
int fuzz_file(struct fuzz *fz);
__u32 fuzz_index(struct fuzz *fz);
/* Mostly inside of guest memory, and mostly near an edge of it. */
__u64 fuzz_gpa(struct fuzz *fz);
/* The same for addresses of this process. */
__u64 fuzz_address(struct fuzz *fz);
/* Where the log can be, or what is no place for it at all. */
__u64 fuzz_log_base(struct fuzz *fz);

/* What is in the rings, and kicks. */
void fuzz_scramble_ring(struct fuzz *fz);
/* Descriptors as a driver makes them, with frames both ways. */
void fuzz_traffic(struct fuzz *fz);

/* Any command with any argument. */
void fuzz_any_command(struct fuzz *fz);
/* Commands as a client sends them, but in any order and at any time. */
void fuzz_likely_command(struct fuzz *fz);
/* All that makes a device run, with features of any kind. */
void fuzz_configure(struct fuzz *fz);

/* Messages of the device IOTLB: any, and answers to what the device asks. */
void fuzz_any_message(struct fuzz *fz);
void fuzz_answer(struct fuzz *fz);

/* What happens outside of the device: memory, taps, processes. */
void fuzz_world(struct fuzz *fz);

#endif
