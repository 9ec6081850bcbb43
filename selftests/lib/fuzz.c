// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof(*(a)))

#define ORPHAN_SECONDS	10

__u64 fuzz_number(struct fuzz *fz)
{
	static const __u64 edge[] = {
		0, 1, 2, 3, 14, 15, 16, 17, FUZZ_RING - 1, FUZZ_RING,
		FUZZ_RING + 1, 255, 256, 1023, 1024, 1025, 4095, 4096, 4097,
		0x7fff, 0x8000, 0xfffe, 0xffff, 0x10000, 0x7fffffff,
		0x80000000, 0xffffffff, 0x100000000ULL, 0x7fffffffffffffffULL,
		0x8000000000000000ULL, 0xfffffffffffff000ULL,
		0xffffffffffffffffULL,
	};

	if (fuzz_one_in(fz, 8))
		return rnd_next(&fz->rnd);
	return edge[fuzz_below(fz, ARRAY_SIZE(edge))];
}

int fuzz_file(struct fuzz *fz)
{
	return fuzz_one_in(fz, 6) ? (int)fuzz_number(fz) :
				    fz->files[fuzz_below(fz, FUZZ_FILES)];
}

__u32 fuzz_index(struct fuzz *fz)
{
	return fuzz_one_in(fz, 10) ? (__u32)fuzz_number(fz) :
				     fuzz_below(fz, NR_VQS);
}

static __u64 near(struct fuzz *fz, __u64 start, __u64 size)
{
	switch (fuzz_below(fz, 8)) {
	case 0:
		return fuzz_number(fz);
	case 1:
		return start + size - fuzz_below(fz, 200);
	case 2:
		return start - fuzz_below(fz, 100);
	default:
		return start + fuzz_below(fz, size);
	}
}

static const struct gmem_region *any_region(struct fuzz *fz)
{
	return &fz->g.mem.region[fuzz_below(fz, fz->g.mem.nregions)];
}

__u64 fuzz_gpa(struct fuzz *fz)
{
	const struct gmem_region *r = any_region(fz);

	return near(fz, r->gpa, r->size);
}

__u64 fuzz_address(struct fuzz *fz)
{
	const struct gmem_region *r = any_region(fz);

	return near(fz, (unsigned long)r->hva, r->size);
}

/* Not a small number: a log there would overwrite this program. */
__u64 fuzz_log_base(struct fuzz *fz)
{
	if (fuzz_one_in(fz, 4))
		return ~0ULL << (12 + fuzz_below(fz, 36));
	return (unsigned long)fz->log + fuzz_below(fz, 8);
}

/* Remove or restore memory while the device may be using it. */
static void remap_region(struct fuzz *fz)
{
	struct gmem *mem = &fz->g.mem;
	/* The last region: nothing in this program accesses it. */
	struct gmem_region *r = &mem->region[mem->nregions - 1];

	/* Leave no hole, which another mapping might fill. */
	mmap(r->hva, r->size,
	     fuzz_one_in(fz, 2) ? PROT_NONE : PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void change_tap(struct fuzz *fz)
{
	struct guest *g = &fz->g;

	switch (fuzz_below(fz, 5)) {
	case 0:
		link_up(g->ifname, fuzz_one_in(fz, 2));
		break;
	case 1:
		tap_set_sndbuf(g->tap, fuzz_one_in(fz, 2) ? 0x7fffffff :
			       (int)fuzz_number(fz));
		break;
	case 2:
		tap_set_hdr_len(fz->tap2, 10 + 2 * fuzz_below(fz, 8));
		break;
	case 3:
		link_set_qlen(g->ifname, fuzz_below(fz, 600));
		break;
	default:
		/* Works once: the name is gone then, the file is not. */
		if (fuzz_one_in(fz, 20))
			link_del(fz->tap2_name);
	}
}

/*
 * Use the file from another process, to which nearly everything is forbidden.
 */
static void stranger(struct fuzz *fz)
{
	unsigned int i;
	pid_t pid;

	pid = fork();
	if (pid < 0)
		return;
	if (!pid) {
		for (i = 0; i < 8; i++)
			fuzz_likely_command(fz);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

/* Start a process that uses the file, and may outlive the file's owner. */
static void orphan(struct fuzz *fz)
{
	pid_t pid = fork();
	unsigned int i;

	if (pid)
		return;
	/* Whatever it waits for, it ends. */
	alarm(ORPHAN_SECONDS);
	for (i = 0; i < 8; i++) {
		fuzz_likely_command(fz);
		fuzz_answer(fz);
		fuzz_netlink(fz);
	}
	_exit(0);
}

void fuzz_world(struct fuzz *fz)
{
	switch (fuzz_below(fz, 24)) {
	case 0:
		stranger(fz);
		break;
	case 3:
		orphan(fz);
		break;
	case 1:
	case 2:
	case 4:
		remap_region(fz);
		break;
	default:
		change_tap(fz);
	}
}
