// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random commands, rings, messages and files, from several threads at once. The
 * seed is printed. Afterwards the kernel log must be clean (the runner checks),
 * the file must work again once its owner is reset, and so must a new file.
 *
 *	fuzz [--seed N] [--rounds N] [--seconds N]
 *
 * Each round is a process with its own seed, and reproducible if it has only
 * one thread. $VHOST_ALT_SEED and $VHOST_ALT_FUZZ_SECONDS set the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "kselftest.h"
#include "child.h"
#include "env.h"
#include "fuzz.h"
#include "fuzz_seeds.h"

/* Starting a process costs as much as hundreds of steps on some machines. */
#define STEPS		300
#define THREADS_MAX	3

/* More than a bit for each page up to the highest guest-physical address. */
#define LOG_SIZE	(32 << 20)

static void one_step(struct fuzz *fz)
{
	switch (fuzz_below(fz, 30)) {
	case 0 ... 2:
		fuzz_any_command(fz);
		break;
	case 3 ... 7:
		fuzz_likely_command(fz);
		break;
	case 8 ... 9:
		fuzz_any_message(fz);
		break;
	case 10 ... 12:
		fuzz_answer(fz);
		break;
	case 13 ... 16:
		fuzz_traffic(fz);
		break;
	case 17:
		fuzz_configure(fz);
		break;
	case 18:
		fuzz_world(fz);
		break;
	case 19 ... 21:
		fuzz_tun(fz);
		break;
	case 22 ... 23:
		fuzz_netlink(fz);
		break;
	default:
		fuzz_scramble_ring(fz);
	}
}

static void *many_steps(void *arg)
{
	struct fuzz *fz = arg;
	unsigned int i;

	for (i = 0; i < STEPS; i++)
		one_step(fz);
	return NULL;
}

static void *map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		       MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* Map a page that is followed by an inaccessible one. */
static void *map_guarded(void)
{
	size_t page = sysconf(_SC_PAGESIZE);
	unsigned char *p = map(2 * page);

	if (p && mprotect(p + page, page, PROT_NONE))
		return NULL;
	return p;
}

/* Open a second tap, which may have several queues or work in another way. */
static int open_second_tap(struct fuzz *fz)
{
	int flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;

	if (fuzz_one_in(fz, 2))
		flags |= IFF_MULTI_QUEUE;
	if (fuzz_one_in(fz, 3))
		flags |= IFF_NAPI;
	if (flags & IFF_NAPI && fuzz_one_in(fz, 3))
		flags |= IFF_NAPI_FRAGS;
	fz->tap2 = tap_open(fz->tap2_name, flags);
	if (fz->tap2 < 0)
		return fz->tap2;
	tap_set_hdr_len(fz->tap2, fz->g.hdr_len);
	/* Fails without IFF_MULTI_QUEUE. */
	fz->files[FUZZ_QUEUE] = tap_open(fz->tap2_name, flags);
	return link_up(fz->tap2_name, true);
}

/* Files of all kinds, of which the device takes few. */
static void open_files(struct fuzz *fz)
{
	int pair[2] = { -1, -1 };
	int type = fuzz_one_in(fz, 2) ? SOCK_DGRAM : SOCK_STREAM;

	fz->files[0] = fz->g.tap;
	fz->files[1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fz->files[2] = open("/dev/null", O_RDWR | O_CLOEXEC);
	fz->files[3] = fz->g.pkt;
	fz->files[4] = fz->g.dev;
	fz->files[5] = -1;
	fz->files[6] = fz->tap2;
	fz->files[7] = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (!socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair))
		fz->files[9] = pair[0];
	fz->files[10] = pair[1];
	fz->files[11] = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	fz->files[12] = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	fz->files[13] = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	fz->files[14] = eventfd(0xffffffff, EFD_CLOEXEC | EFD_NONBLOCK |
				EFD_SEMAPHORE);
	fz->files[FUZZ_TUN] = open("/dev/net/tun",
				   O_RDWR | O_NONBLOCK | O_CLOEXEC);
}

/* Interfaces are named by round: those of the last round may still be there. */
static int start_guest(struct fuzz *fz, const struct guest_cfg *cfg,
		       __u64 seed)
{
	unsigned int number = seed % 1000000;
	int err = guest_init(&fz->g, cfg);

	if (err)
		return err;
	snprintf(fz->g.ifname, sizeof(fz->g.ifname), "fuzz%u", number);
	snprintf(fz->tap2_name, sizeof(fz->tap2_name), "other%u", number);
	err = guest_open_tap(&fz->g);
	if (!err)
		err = open_second_tap(fz);
	if (!err)
		err = guest_open_dev(&fz->g);
	return err ? err : guest_set_backend(&fz->g, fz->g.tap);
}

static int set_up(struct fuzz *fz, __u64 seed)
{
	struct guest_cfg cfg = {
		.features = F_VERSION_1 | F_INDIRECT,
		.tap_flags = IFF_VNET_HDR,
		.num = FUZZ_RING,
		.ind_max = 4,
		.regions = 1 + fuzz_below(fz, 8),
		.limit_sndbuf = fuzz_one_in(fz, 3),
	};
	int err;

	if (fuzz_one_in(fz, 2))
		cfg.features |= F_EVENT_IDX;
	if (!fuzz_one_in(fz, 4))
		cfg.features |= F_MRG_RXBUF;
	if (vdev_offers(F_RING_PACKED) && fuzz_one_in(fz, 2))
		cfg.features |= F_RING_PACKED;
	err = start_guest(fz, &cfg, seed);
	if (!err)
		err = gmem_add(&fz->g.mem, FUZZ_GPA, FUZZ_RING * 2048);
	if (!err)
		err = gmem_add(&fz->g.mem, FUZZ_GPA + FUZZ_RING * 2048, 4096);
	if (err)
		return err;
	fz->log = map(LOG_SIZE);
	open_files(fz);
	fuzz_open_netlink(fz);
	return fz->log ? vdev_set_mem(fz->g.dev, &fz->g.mem) : -ENOMEM;
}

/*
 * Check that after a reset of its owner the file works like a new one. If it
 * belongs to another process, now dead, there is nothing to check.
 */
static int works_again(int dev, __u64 seed)
{
	struct guest_cfg cfg = {
		.features = F_VERSION_1 | F_MRG_RXBUF | F_EVENT_IDX,
		.tap_flags = IFF_VNET_HDR,
		.num = FUZZ_RING,
	};
	struct guest g;
	unsigned int i;
	int err;

	err = vdev_cmd(dev, VHOST_RESET_OWNER, NULL);
	if (err && err != -EPERM)
		return err;
	err = vdev_set_owner(dev);
	if (err)
		return err == -EBUSY ? 0 : err;
	err = guest_init(&g, &cfg);
	if (err)
		return err;
	snprintf(g.ifname, sizeof(g.ifname), "again%u",
		 (unsigned int)(seed % 1000000));
	g.dev = dev;
	err = guest_open_tap(&g);
	if (!err)
		err = vdev_set_features(dev, cfg.features);
	if (!err)
		err = vdev_set_mem(dev, &g.mem);
	for (i = 0; !err && i < NR_VQS; i++)
		err = vdev_set_vring(dev, &g.vq[i], 0);
	if (!err)
		err = guest_set_backend(&g, g.tap);
	if (!err)
		err = guest_check_alive(&g, 0);
	guest_stop(&g);
	return err;
}

/*
 * Run another program while the threads are busy: the file stays open, but its
 * owner's address space is gone.
 */
static int become_another(struct fuzz *fz)
{
	char dev[16];

	snprintf(dev, sizeof(dev), "%d", fz->g.dev);
	fcntl(fz->g.dev, F_SETFD, 0);
	execl("/proc/self/exe", "fuzz", "--inherited", dev, NULL);
	return 1;
}

/* In that other program. */
static int use_inherited(int dev)
{
	__u32 base;

	vdev_get_base(dev, TXQ, &base);
	vdev_set_backend(dev, TXQ, -1);
	vdev_cmd(dev, VHOST_RESET_OWNER, NULL);
	vdev_set_owner(dev);
	return 0;
}

/* In a process of its own, as cleaning up after it is part of the test. */
static int fuzz_round(__u64 seed)
{
	static struct fuzz fz[THREADS_MAX];
	struct fuzz *first = &fz[0];
	pthread_t thread[THREADS_MAX];
	unsigned int i, n;
	int err;

	first->rnd = seed;
	if (set_up(first, seed))
		return 1;
	n = 1 + fuzz_below(first, THREADS_MAX);
	for (i = 0; i < n; i++) {
		fz[i] = *first;
		fz[i].rnd = seed + ((__u64)i << 32);
		fz[i].arg = map_guarded();
		if (!fz[i].arg || guest_unshare_records(&fz[i].g))
			return 1;
	}
	for (i = 1; i < n; i++)
		if (pthread_create(&thread[i], NULL, many_steps, &fz[i]))
			return 1;
	many_steps(first);
	/* Sometimes end while the other threads are still busy. */
	if (fuzz_one_in(first, 6))
		kill(getpid(), SIGKILL);
	if (fuzz_one_in(first, 6))
		return 0;
	if (fuzz_one_in(first, 12))
		return become_another(first);
	for (i = 1; i < n; i++)
		pthread_join(thread[i], NULL);
	/* Processes that were left behind would disturb what follows. */
	while (wait(NULL) > 0)
		;
	err = works_again(first->g.dev, seed);
	/* vhost_net keeps its IOTLB, which does not have these rings. */
	if (!err || (err == -EFAULT && !env_is_ours()))
		return 0;
	fprintf(stderr, "# after a reset of the owner: %s\n", strerror(-err));
	return 2;
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

/*
 * Say where the program crashed. Memory that the device may write, through any
 * memory table or IOTLB, ends far from what this program uses for itself.
 */
static void crashed(int signal, siginfo_t *info, void *context)
{
	unsigned long long at = 0;

#ifdef __x86_64__
	at = ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
#endif
	fprintf(stderr, "# signal %d, code %d: instruction %#llx, address %p\n",
		signal, info->si_code, at, info->si_addr);
	_exit(3);
}

static void report_crashes(void)
{
	struct sigaction sa = { .sa_flags = SA_SIGINFO };

	sa.sa_sigaction = crashed;
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
}

/* A round may kill itself. Another signal comes from the kernel. */
static bool ended_well(int status, bool round)
{
	if (!WIFSIGNALED(status))
		return !WEXITSTATUS(status);
	if (WTERMSIG(status) == SIGKILL)
		return round;
	fprintf(stderr, "# %s\n", strsignal(WTERMSIG(status)));
	return false;
}

/* Deadlines that a round may take, as it may wait more than once. */
#define PATIENCE	4

/* Run a child. Return: 0 if it ended well before the deadline. */
static int run_child(int (*fn)(__u64 seed), __u64 seed)
{
	unsigned int i;
	int status;
	pid_t pid;

	fflush(NULL);
	pid = child_fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		report_crashes();
		_exit(fn ? fn(seed) : works_still());
	}
	for (i = 0; i < PATIENCE; i++)
		if (wait_until(waitpid(pid, &status, WNOHANG) == pid))
			return ended_well(status, fn) ? 0 : -EPROTO;
	kill(pid, SIGKILL);
	return -ETIMEDOUT;
}

static int run_round(__u64 seed)
{
	int err = run_child(fuzz_round, seed);

	if (err)
		ksft_print_msg("--seed %llu --rounds 1: %s\n", seed,
			       strerror(-err));
	return err;
}

/* The rounds that have found something before. */
static int run_corpus(void)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < sizeof(fuzz_seeds) / sizeof(*fuzz_seeds); i++) {
		ksft_print_msg("seed %llu: %s\n", fuzz_seeds[i].seed,
			       fuzz_seeds[i].found);
		err |= run_round(fuzz_seeds[i].seed);
	}
	return err;
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
		{ "inherited", required_argument, NULL, 'i' },
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
		else if (opt == 'i')
			exit(use_inherited(strtoul(optarg, NULL, 0)));
		else
			return false;
	}
	return true;
}

static __u64 number_of(const char *name, __u64 otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

int main(int argc, char **argv)
{
	struct options o = {
		.seed = number_of("VHOST_ALT_SEED", 1),
		.seconds = number_of("VHOST_ALT_FUZZ_SECONDS", 0),
	};
	unsigned int i;
	__u64 end;
	int err = 0;

	if (!parse(argc, argv, &o)) {
		fprintf(stderr,
			"usage: fuzz [--seed N] [--rounds N] [--seconds N]\n");
		return KSFT_FAIL;
	}
	/* With a time but no number of rounds, use all of the time. */
	if (!o.rounds)
		o.rounds = o.seconds ? UINT_MAX : env_scaled(60, 5);
	if (!o.seconds)
		o.seconds = 60;
	ksft_print_header();
	if (access(env_device(), R_OK | W_OK))
		ksft_exit_skip("no %s\n", env_device());
	ksft_set_plan(3);
	netns_enter();
	ksft_test_result(!run_corpus(), "fuzz.corpus\n");
	end = env_now_ms() + o.seconds * 1000ULL;
	for (i = 0; !err && i < o.rounds && env_left_ms(end); i++)
		err = run_round(o.seed + i);
	ksft_print_msg("seeds %llu to %llu\n", o.seed, o.seed + i - 1);
	ksft_test_result(!err, "fuzz.rounds\n");
	ksft_test_result(!run_child(NULL, 0), "fuzz.device_works_still\n");
	ksft_exit(!ksft_get_fail_cnt());
}
