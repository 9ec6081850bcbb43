// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof(*(a)))

/* Commands that older headers lack, with plain words as arguments. */
#define NEW_WORKER		_IOR(VHOST_VIRTIO, 0x08, __u32)
#define FREE_WORKER		_IOW(VHOST_VIRTIO, 0x09, __u32)
#define ATTACH_WORKER		_IOW(VHOST_VIRTIO, 0x15, __u32[2])
#define GET_WORKER		_IOWR(VHOST_VIRTIO, 0x16, __u32[2])
#define GET_FEATURES_ARRAY	_IOR(VHOST_VIRTIO, 0x83, __u64)
#define SET_FEATURES_ARRAY	_IOW(VHOST_VIRTIO, 0x83, __u64)
#define SET_FORK		_IOW(VHOST_VIRTIO, 0x84, __u8)
#define GET_FORK		_IOR(VHOST_VIRTIO, 0x85, __u8)

#define ARG_PAGE		4096

/*
 * Place an argument, sometimes so close to the page's end that part is missing.
 */
static void *place_arg(struct fuzz *fz, const void *arg, size_t len)
{
	unsigned char *at = fz->arg + ARG_PAGE - len - fuzz_below(fz, 64);

	if (fuzz_one_in(fz, 30)) {
		at = fz->arg + ARG_PAGE - fuzz_below(fz, len);
		len = fz->arg + ARG_PAGE - at;
	}
	memcpy(at, arg, len);
	return fuzz_one_in(fz, 60) ? (void *)8 : at;
}

union argument {
	__u64 words[16];
	__u32 half[32];
};

/* Replace arguments that would only slow the test down or break it. */
static void tame(struct fuzz *fz, unsigned long cmd, union argument *arg)
{
	/* Busy polling for hours would be correct. */
	if (cmd == VHOST_SET_VRING_BUSYLOOP_TIMEOUT)
		arg->half[1] = fuzz_below(fz, 100);
	if (cmd == VHOST_SET_LOG_BASE)
		arg->words[0] = fuzz_log_base(fz);
}

void fuzz_any_command(struct fuzz *fz)
{
	static const unsigned long cmds[] = {
		VHOST_GET_FEATURES, VHOST_SET_FEATURES, VHOST_SET_OWNER,
		VHOST_SET_MEM_TABLE, VHOST_SET_LOG_BASE, VHOST_SET_LOG_FD,
		VHOST_SET_VRING_NUM, VHOST_SET_VRING_ADDR,
		VHOST_SET_VRING_BASE, VHOST_GET_VRING_BASE,
		VHOST_SET_VRING_KICK, VHOST_SET_VRING_CALL,
		VHOST_SET_VRING_ERR, VHOST_SET_VRING_ENDIAN,
		VHOST_GET_VRING_ENDIAN, VHOST_SET_VRING_BUSYLOOP_TIMEOUT,
		VHOST_GET_VRING_BUSYLOOP_TIMEOUT, VHOST_SET_BACKEND_FEATURES,
		VHOST_GET_BACKEND_FEATURES, VHOST_NET_SET_BACKEND,
		VHOST_RESET_OWNER, NEW_WORKER, FREE_WORKER, ATTACH_WORKER,
		GET_WORKER, GET_FEATURES_ARRAY, SET_FEATURES_ARRAY, SET_FORK,
		GET_FORK,
	};
	unsigned long cmd = cmds[fuzz_below(fz, ARRAY_SIZE(cmds))];
	union argument arg;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(arg.words); i++)
		arg.words[i] = fuzz_number(fz);
	if (fuzz_one_in(fz, 3))
		arg.half[0] = fuzz_index(fz);
	tame(fz, cmd, &arg);
	if (fuzz_one_in(fz, 40))
		cmd = _IOC(fuzz_below(fz, 4), VHOST_VIRTIO, fuzz_below(fz, 256),
			   fuzz_below(fz, 64));
	vdev_cmd(fz->g.dev, cmd, place_arg(fz, &arg, sizeof(arg)));
}

/*
 * Set a memory table that is mostly right; regions may overlap or be missing.
 */
static void set_mem(struct fuzz *fz)
{
	const struct gmem *mem = &fz->g.mem;
	struct {
		struct vhost_memory head;
		struct vhost_memory_region region[16];
	} t = { .head.nregions = fuzz_below(fz, 16) };
	struct vhost_memory_region *r;
	unsigned int i;

	if (fuzz_one_in(fz, 2)) {
		vdev_set_mem(fz->g.dev, mem);
		return;
	}
	for (i = 0; i < t.head.nregions; i++) {
		r = &t.region[i];
		r->guest_phys_addr = fuzz_gpa(fz);
		r->memory_size = 1 + fuzz_below(fz, 70000);
		r->userspace_addr = fuzz_address(fz);
		if (i >= mem->nregions || fuzz_one_in(fz, 4))
			continue;
		r->guest_phys_addr = mem->region[i].gpa;
		r->memory_size = mem->region[i].size;
		r->userspace_addr = (unsigned long)mem->region[i].hva;
	}
	vdev_cmd(fz->g.dev, VHOST_SET_MEM_TABLE, &t);
}

static void set_addr(struct fuzz *fz, const struct vq *vq)
{
	struct vhost_vring_addr a = {
		.index = vq->index,
		.flags = fuzz_below(fz, 2),
		.desc_user_addr = (unsigned long)vq->area[VQ_DESC],
		.avail_user_addr = (unsigned long)vq->area[VQ_AVAIL],
		.used_user_addr = (unsigned long)vq->area[VQ_USED],
		.log_guest_addr = vq->gpa[VQ_USED],
	};

	if (fuzz_one_in(fz, 8))
		a.desc_user_addr = fuzz_address(fz);
	if (fuzz_one_in(fz, 8))
		a.avail_user_addr = fuzz_address(fz) & ~1ULL;
	if (fuzz_one_in(fz, 8))
		a.used_user_addr = fuzz_address(fz) & ~3ULL;
	if (fuzz_one_in(fz, 8))
		a.log_guest_addr = fuzz_gpa(fz) & ~3ULL;
	vdev_cmd(fz->g.dev, VHOST_SET_VRING_ADDR, &a);
}

static __u64 any_features(struct fuzz *fz)
{
	static const __u64 known[] = {
		F_NOTIFY_ON_EMPTY, F_LOG_ALL, F_VHOST_HDR, F_INDIRECT,
		F_EVENT_IDX, F_MRG_RXBUF, F_VERSION_1, F_ACCESS_PLATFORM,
		F_IN_ORDER, F_RING_RESET,
	};
	__u64 offered = 0, features = 0;
	unsigned int i;

	vdev_get_features(fz->g.dev, &offered);
	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (fuzz_one_in(fz, known[i] == F_VERSION_1 ? 1 : 2))
			features |= known[i];
	/* Mostly the layout that the driver's side has. */
	features |= fz->g.cfg.features & F_RING_PACKED;
	if (fuzz_one_in(fz, 10))
		features ^= F_RING_PACKED;
	return fuzz_one_in(fz, 20) ? fuzz_number(fz) : features & offered;
}

static void set_features(struct fuzz *fz)
{
	struct {
		__u64 count, word[3];
	} array = { .count = fuzz_below(fz, 4), .word[0] = any_features(fz) };

	if (fuzz_one_in(fz, 4)) {
		if (fuzz_one_in(fz, 4))
			array.word[fuzz_below(fz, 3)] = fuzz_number(fz);
		vdev_cmd(fz->g.dev, SET_FEATURES_ARRAY,
			 place_arg(fz, &array, sizeof(array)));
		return;
	}
	vdev_set_features(fz->g.dev, array.word[0]);
}

static __u32 any_worker(struct fuzz *fz)
{
	return fuzz_one_in(fz, 6) ? (__u32)fuzz_number(fz) :
				    fz->workers[fuzz_below(fz, 8)];
}

static void use_workers(struct fuzz *fz)
{
	__u32 word[2] = { 0, 0 };

	switch (fuzz_below(fz, 6)) {
	case 0:
		if (!vdev_cmd(fz->g.dev, NEW_WORKER, word))
			fz->workers[fuzz_below(fz, 8)] = word[0];
		break;
	case 1:
		word[0] = any_worker(fz);
		vdev_cmd(fz->g.dev, FREE_WORKER, word);
		break;
	case 2:
		word[0] = fuzz_index(fz);
		if (!vdev_cmd(fz->g.dev, GET_WORKER, word))
			fz->workers[fuzz_below(fz, 8)] = word[1];
		break;
	default:
		word[0] = fuzz_index(fz);
		word[1] = any_worker(fz);
		vdev_cmd(fz->g.dev, ATTACH_WORKER, word);
	}
}

static void use_log(struct fuzz *fz)
{
	__u64 base = fuzz_log_base(fz);
	int fd = fuzz_file(fz);

	if (fuzz_one_in(fz, 3))
		vdev_cmd(fz->g.dev, VHOST_SET_LOG_FD, &fd);
	else
		vdev_cmd(fz->g.dev, VHOST_SET_LOG_BASE, &base);
}

/* Reset the owner and become it again, with a worker of either kind. */
static void change_owner(struct fuzz *fz)
{
	__u8 fork = fuzz_below(fz, 2);

	if (!fuzz_one_in(fz, 4))
		return;
	vdev_cmd(fz->g.dev, VHOST_RESET_OWNER, NULL);
	if (fuzz_one_in(fz, 2))
		vdev_cmd(fz->g.dev, SET_FORK, &fork);
	vdev_set_owner(fz->g.dev);
}

static void set_file(struct fuzz *fz)
{
	static const unsigned long cmds[] = {
		VHOST_SET_VRING_KICK, VHOST_SET_VRING_CALL,
		VHOST_SET_VRING_ERR,
	};

	vdev_set_file(fz->g.dev, cmds[fuzz_below(fz, 3)], fuzz_index(fz),
		      fuzz_file(fz));
}

static void set_backend(struct fuzz *fz)
{
	struct guest *g = &fz->g;
	__u32 index = fuzz_below(fz, NR_VQS);

	switch (fuzz_below(fz, 4)) {
	case 0:
		vdev_set_backend(g->dev, fuzz_index(fz), fuzz_file(fz));
		break;
	case 1:
		vdev_set_backend(g->dev, index, fz->tap2);
		break;
	default:
		vdev_set_backend(g->dev, index, g->tap);
	}
}

static void set_state(struct fuzz *fz)
{
	static const unsigned long cmds[] = {
		VHOST_SET_VRING_NUM, VHOST_SET_VRING_BASE,
		VHOST_SET_VRING_ENDIAN,
	};
	struct guest *g = &fz->g;
	__u32 num;

	switch (fuzz_below(fz, 3)) {
	case 0:
		vdev_get_base(g->dev, fuzz_index(fz), &num);
		break;
	case 1:
		vdev_set_state(g->dev, VHOST_SET_VRING_BUSYLOOP_TIMEOUT,
			       fuzz_index(fz), fuzz_below(fz, 200));
		break;
	default:
		vdev_set_state(g->dev, cmds[fuzz_below(fz, 3)], fuzz_index(fz),
			       fuzz_number(fz));
	}
}

/* Start both rings from scratch, on the driver's side too. */
static void start_rings(struct fuzz *fz)
{
	struct guest *g = &fz->g;
	unsigned int i;

	for (i = 0; i < NR_VQS; i++) {
		vdev_set_backend(g->dev, i, -1);
		guest_reset_ring(g, i, fuzz_below(fz, 0x10000));
		vdev_set_vring(g->dev, &g->vq[i], vq_base(&g->vq[i]));
		set_addr(fz, &g->vq[i]);
	}
	guest_set_backend(g, g->tap);
}

void fuzz_configure(struct fuzz *fz)
{
	__u64 base = (unsigned long)fz->log;

	vdev_set_owner(fz->g.dev);
	vdev_set_mem(fz->g.dev, &fz->g.mem);
	if (fuzz_one_in(fz, 2))
		vdev_cmd(fz->g.dev, VHOST_SET_LOG_BASE, &base);
	set_features(fz);
	while (fuzz_one_in(fz, 2))
		use_workers(fz);
	start_rings(fz);
}

void fuzz_likely_command(struct fuzz *fz)
{
	static void (* const all[])(struct fuzz *fz) = {
		set_mem, set_features, use_workers, use_workers, use_log,
		change_owner, set_file, set_backend, set_backend, set_state,
	};

	if (fuzz_one_in(fz, 10))
		set_addr(fz, &fz->g.vq[fuzz_below(fz, NR_VQS)]);
	else
		all[fuzz_below(fz, ARRAY_SIZE(all))](fz);
}
