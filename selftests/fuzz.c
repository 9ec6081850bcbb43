// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random commands and random rings, from a seed that is printed: whatever they
 * are, the kernel must stay well (the runner reads its log), and a fresh file
 * must work afterwards.
 *
 *	fuzz [--seed N] [--rounds N] [--seconds N]
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest.h"
#include "env.h"
#include "guest.h"
#include "vq_split.h"

#define STEPS		60
#define RING		64
#define STRAY_GPA	0x8000000000ULL

struct fuzz {
	__u64 rnd;
	struct guest g;
	int files[6];
};

static __u32 below(struct fuzz *fz, __u32 limit)
{
	return rnd_below(&fz->rnd, limit);
}

static bool one_in(struct fuzz *fz, __u32 n)
{
	return !below(fz, n);
}

/* Numbers near the places where something changes. */
static __u64 odd_number(struct fuzz *fz)
{
	static const __u64 edge[] = {
		0, 1, 2, 3, 14, 15, 16, 17, RING - 1, RING, RING + 1, 255, 256,
		1023, 1024, 1025, 4095, 4096, 4097, 0x7fff, 0x8000, 0xfffe,
		0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff,
		0x100000000ULL, 0x7fffffffffffffffULL, 0x8000000000000000ULL,
		0xfffffffffffff000ULL, 0xffffffffffffffffULL,
	};

	if (one_in(fz, 8))
		return rnd_next(&fz->rnd);
	return edge[below(fz, sizeof(edge) / sizeof(*edge))];
}

static int any_file(struct fuzz *fz)
{
	return one_in(fz, 6) ? (int)odd_number(fz) :
	       fz->files[below(fz, sizeof(fz->files) / sizeof(*fz->files))];
}

static __u32 any_ring(struct fuzz *fz)
{
	return one_in(fz, 10) ? (__u32)odd_number(fz) : below(fz, NR_VQS);
}

/* Mostly inside of guest memory, and mostly near an edge of it. */
static __u64 any_gpa(struct fuzz *fz)
{
	struct gmem *mem = &fz->g.mem;
	struct gmem_region *r = &mem->region[below(fz, mem->nregions)];

	switch (below(fz, 8)) {
	case 0:
		return odd_number(fz);
	case 1:
		return r->gpa + r->size - below(fz, 200);
	case 2:
		return r->gpa - below(fz, 100);
	default:
		return r->gpa + below(fz, r->size);
	}
}

static __u32 any_len(struct fuzz *fz)
{
	switch (below(fz, 6)) {
	case 0:
		return odd_number(fz);
	case 1:
		return below(fz, 32);
	case 2:
		return below(fz, 70000);
	default:
		return below(fz, 2000);
	}
}

static void fill_table(struct fuzz *fz, struct vring_desc *d, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		d[i].addr = any_gpa(fz);
		d[i].len = any_len(fz);
		d[i].flags = one_in(fz, 20) ? odd_number(fz) : below(fz, 8);
		d[i].next = one_in(fz, 10) ? odd_number(fz) : below(fz, n);
	}
}

/* A sound chain among the others, so that there is traffic too. */
static void sound_chain(struct fuzz *fz, struct vq *vq, __u16 id)
{
	split_desc(vq)[id] = (struct vring_desc) {
		.addr = STRAY_GPA + id * 2048, .len = 12 + 14 + below(fz, 1500),
		.flags = vq->index == RXQ ? VRING_DESC_F_WRITE : 0,
	};
}

static void scramble_ring(struct fuzz *fz, struct vq *vq)
{
	struct vring_desc table[16];
	unsigned int i;

	fill_table(fz, split_desc(vq), vq->num);
	for (i = 0; i < vq->num; i++)
		if (one_in(fz, 2))
			sound_chain(fz, vq, i);
	/* Tables for indirect chains, in the rings and among the buffers. */
	fill_table(fz, table, 16);
	gmem_write(vq->mem, STRAY_GPA + below(fz, RING * 2048 - 256), table,
		   sizeof(table));
	gmem_write(vq->mem, GMEM_BASE + below(fz, 4096), table, sizeof(table));
	for (i = 0; i < vq->num; i++)
		split_avail(vq)->ring[i] = one_in(fz, 20) ? odd_number(fz) :
							    below(fz, vq->num);
	*split_used_event(vq) = odd_number(fz);
	split_avail(vq)->flags = below(fz, 2);
	if (one_in(fz, 10))
		split_avail(vq)->idx = odd_number(fz);
	else
		split_avail(vq)->idx += below(fz, vq->num);
	vq_kick(vq);
}

static void any_command(struct fuzz *fz)
{
	static const unsigned long cmds[] = {
		VHOST_GET_FEATURES, VHOST_SET_FEATURES, VHOST_SET_OWNER,
		VHOST_SET_MEM_TABLE, VHOST_SET_VRING_NUM, VHOST_SET_VRING_ADDR,
		VHOST_SET_VRING_BASE, VHOST_GET_VRING_BASE,
		VHOST_SET_VRING_KICK, VHOST_SET_VRING_CALL,
		VHOST_SET_VRING_ERR, VHOST_SET_BACKEND_FEATURES,
		VHOST_NET_SET_BACKEND, VHOST_SET_LOG_BASE, VHOST_SET_LOG_FD,
		VHOST_SET_VRING_BUSYLOOP_TIMEOUT,
		VHOST_GET_VRING_BUSYLOOP_TIMEOUT, VHOST_RESET_OWNER,
	};
	unsigned long cmd = cmds[below(fz, sizeof(cmds) / sizeof(*cmds))];
	__u64 arg[64];
	__u32 *word = (__u32 *)arg;
	unsigned int i;

	for (i = 0; i < 64; i++)
		arg[i] = odd_number(fz);
	/* Busy polling for hours is what was asked for, not a defect. */
	if (cmd == VHOST_SET_VRING_BUSYLOOP_TIMEOUT)
		word[1] = below(fz, 100);
	if (one_in(fz, 4))
		word[0] = any_ring(fz);
	vdev_cmd(fz->g.dev, cmd, one_in(fz, 30) ? (void *)8 : (void *)arg);
}

/* Commands as a client sends them, but in any order and at any time. */
static void likely_command(struct fuzz *fz)
{
	struct vq *vq = &fz->g.vq[below(fz, NR_VQS)];
	struct guest *g = &fz->g;
	__u32 num;

	switch (below(fz, 9)) {
	case 0:
		vdev_set_mem(g->dev, &g->mem);
		break;
	case 1:
		vdev_set_vring(g->dev, vq, below(fz, 0x10000));
		break;
	case 2:
		vdev_set_addr(g->dev, vq);
		break;
	case 3:
		vdev_set_features(g->dev, g->cfg.features ^
				  BIT_ULL(24 + below(fz, 10)));
		break;
	case 4:
		vdev_set_file(g->dev, VHOST_SET_VRING_KICK, any_ring(fz),
			      any_file(fz));
		break;
	case 5:
		vdev_set_file(g->dev, VHOST_SET_VRING_CALL, any_ring(fz),
			      any_file(fz));
		break;
	case 6:
		vdev_get_base(g->dev, any_ring(fz), &num);
		break;
	case 7:
		vdev_set_backend(g->dev, any_ring(fz), any_file(fz));
		break;
	default:
		vdev_set_backend(g->dev, vq->index, g->tap);
	}
}

static void one_step(struct fuzz *fz)
{
	struct guest *g = &fz->g;

	switch (below(fz, 8)) {
	case 0:
		any_command(fz);
		break;
	case 1:
	case 2:
		likely_command(fz);
		break;
	case 3:
		guest_inject(g, 14 + below(fz, 1500), 0);
		break;
	default:
		scramble_ring(fz, &g->vq[below(fz, NR_VQS)]);
	}
}

static int set_up(struct fuzz *fz)
{
	struct guest_cfg cfg = {
		.features = F_VERSION_1 | F_INDIRECT,
		.tap_flags = IFF_VNET_HDR,
		.num = RING,
		.regions = 1 + below(fz, 8),
		.limit_sndbuf = one_in(fz, 3),
	};
	int err;

	if (one_in(fz, 2))
		cfg.features |= F_EVENT_IDX;
	if (!one_in(fz, 4))
		cfg.features |= F_MRG_RXBUF;
	err = guest_start(&fz->g, &cfg);
	if (err)
		return err;
	gmem_add(&fz->g.mem, STRAY_GPA, RING * 2048);
	gmem_add(&fz->g.mem, STRAY_GPA + RING * 2048, 4096);
	/* Its mapping is gone, and the device does not know. */
	munmap(fz->g.mem.region[fz->g.mem.nregions - 1].hva, 4096);
	fz->files[0] = fz->g.tap;
	fz->files[1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fz->files[2] = open("/dev/null", O_RDWR | O_CLOEXEC);
	fz->files[3] = fz->g.pkt;
	fz->files[4] = fz->g.dev;
	fz->files[5] = -1;
	return vdev_set_mem(fz->g.dev, &fz->g.mem);
}

/* In a process of its own: what it leaves behind is part of the test. */
static int fuzz_round(__u64 seed)
{
	struct fuzz fz = { .rnd = seed };
	unsigned int i;

	if (set_up(&fz))
		return 1;
	for (i = 0; i < STEPS; i++)
		one_step(&fz);
	if (one_in(&fz, 2))
		return 0;
	guest_stop(&fz.g);
	return 0;
}

static int works_still(void)
{
	struct guest_cfg cfg = {
		.features = F_VERSION_1 | F_MRG_RXBUF | F_EVENT_IDX,
		.tap_flags = IFF_VNET_HDR,
	};
	struct guest g;
	int err;

	err = guest_start(&g, &cfg);
	if (!err)
		err = guest_check_alive(&g, 0);
	guest_stop(&g);
	return err ? 1 : 0;
}

/* 0 when the process ended well within the deadline. */
static int run_child(int (*fn)(__u64 seed), __u64 seed)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid)
		_exit(fn ? fn(seed) : works_still());
	if (wait_until(waitpid(pid, &status, WNOHANG) == pid))
		return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EPROTO;
	kill(pid, SIGKILL);
	return -ETIMEDOUT;
}

struct options {
	__u64 seed;
	unsigned int rounds;
	unsigned int seconds;
};

static bool parse(int argc, char **argv, struct options *o)
{
	static const struct option names[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "seconds", required_argument, NULL, 't' },
		{ }
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (opt == 's')
			o->seed = strtoull(optarg, NULL, 0);
		else if (opt == 'r')
			o->rounds = strtoul(optarg, NULL, 0);
		else if (opt == 't')
			o->seconds = strtoul(optarg, NULL, 0);
		else
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct options o = {
		.seed = 1, .rounds = env_scaled(60, 5), .seconds = 60,
	};
	unsigned int i;
	__u64 end;
	int err = 0;

	if (!parse(argc, argv, &o)) {
		fprintf(stderr,
			"usage: fuzz [--seed N] [--rounds N] [--seconds N]\n");
		return KSFT_FAIL;
	}
	ksft_print_header();
	if (access(env_device(), R_OK | W_OK))
		ksft_exit_skip("no %s\n", env_device());
	ksft_set_plan(2);
	netns_enter();
	end = env_now_ms() + o.seconds * 1000ULL;
	for (i = 0; !err && i < o.rounds && env_left_ms(end); i++) {
		err = run_child(fuzz_round, o.seed + i);
		if (err)
			ksft_print_msg("--seed %llu --rounds 1: %s\n",
				       o.seed + i, strerror(-err));
	}
	ksft_test_result(!err, "fuzz: seeds %llu to %llu\n", o.seed,
			 o.seed + i - 1);
	ksft_test_result(!run_child(NULL, 0), "fuzz: the device works still\n");
	ksft_exit(!ksft_get_fail_cnt());
}
