// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many devices at once, with traffic on all rings, while their owners stop,
 * reopen and migrate them and are killed, in random order. No frame is lost or
 * comes twice, the counters add up, and nothing is left over.
 *
 * Each owner is a process with a guest, by turns with split and packed rings.
 * This process is the host's end of all taps: it sees which frames have left a
 * guest, and which remain in a tap.
 *
 * $VHOST_ALT_LOAD_SECONDS says how long, $VHOST_ALT_LOAD_DEVICES with how many,
 * $VHOST_ALT_SEED in which order, $VHOST_ALT_SWAPS how often owners are killed.
 * The default is a few seconds with a few devices.
 */
#include <limits.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "child.h"
#include "leak.h"
#include "nl.h"
#include "test.h"

#define VMS_MAX		64
#define RING		64
#define FRAME_LEN	200

/* Frames in flight in each direction, so few that no queue drops any. */
#define WINDOW		64

/* Turns of traffic between two actions of an owner, and before it is killed. */
#define TURNS_PER_ACTION	40
#define TURNS_PER_KILL		300

/* Deadlines that the first traffic of all devices may take. */
#define PATIENCE	4

/* How far an owner has taken back the chains of a ring. */
struct mark {
	__u32 moved;		/* frames that it knows the ring has moved */
	struct vq vq;
};

/* What an owner shares with the host's end, also after it was killed. */
struct life {
	/* The last two of each ring: it may be killed while it writes one. */
	struct mark mark[NR_VQS][2];
	unsigned int last[NR_VQS];
	__u32 offered;		/* frames that it may have published */
	__u32 since[NR_VQS];	/* how many of them before this device */
	__u32 captured;		/* written by the host's end */
	__u32 turns, actions;
	int pause;		/* the host's end wants the rings to stop */
	int paused;
};

struct vm {
	struct guest g;
	struct life *life;
	pid_t pid;
	__u32 injected;
};

struct world {
	struct vm vm[VMS_MAX];
	unsigned int n;
	__u64 rnd;
	unsigned int turns_per_kill;
	unsigned int kills, unsettled;
	/* Of ended lives, in split and in packed rings. */
	__u32 frames[2][NR_VQS];
};

static unsigned long setting(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoul(text, NULL, 0) : otherwise;
}

#define load(x)		__atomic_load_n(&(x), __ATOMIC_ACQUIRE)
#define store(x, v)	__atomic_store_n(&(x), v, __ATOMIC_RELEASE)

/* ---- an owner, in a process of its own ---- */

static const struct mark *last_mark(const struct vm *vm, unsigned int ring)
{
	return &vm->life->mark[ring][load(vm->life->last[ring])];
}

/* Frames that the owner has taken back. */
static __u32 taken(const struct vm *vm, unsigned int ring)
{
	return load(last_mark(vm, ring)->moved);
}

/* Note that @n more chains were taken back, before others take their place. */
static void note_taken(struct vm *vm, unsigned int ring, unsigned int n)
{
	struct life *life = vm->life;
	unsigned int next = !life->last[ring];

	life->mark[ring][next].moved = taken(vm, ring) + n;
	life->mark[ring][next].vq = vm->g.vq[ring];
	store(life->last[ring], next);
}

/* Frames that the device has moved, as the ring says. */
static __u32 moved_by(const struct vm *vm, unsigned int ring)
{
	struct mark mark = *last_mark(vm, ring);

	/* Chains may have been published since. */
	mark.vq.inflight = mark.vq.num;
	return mark.moved + vq_count_used(&mark.vq);
}

static int turn_tx(struct vm *vm)
{
	struct life *life = vm->life;
	__u32 from = life->offered, seq;
	int n = guest_reap(&vm->g);

	if (n < 0)
		return n;
	note_taken(vm, TXQ, n);
	if (from - load(life->captured) >= WINDOW)
		return 0;
	/* Before they are published: this process may end at any moment. */
	store(life->offered, from + WINDOW / 2);
	seq = guest_send_frames(&vm->g, FRAME_LEN, from, from + WINDOW / 2);
	store(life->offered, seq);
	return 0;
}

/* Take all frames that are there, in order. */
static int turn_rx(struct vm *vm)
{
	static struct guest_frame f;
	struct guest *g = &vm->g;
	int err;

	while (guest_has_frame(g)) {
		err = guest_recv(g, &f);
		if (err)
			return err;
		if (f.len != FRAME_LEN ||
		    !frame_is(f.data, f.len, taken(vm, RXQ))) {
			fprintf(stderr, "# frame %u, not %u\n",
				frame_seq(f.data), taken(vm, RXQ));
			return -EBADMSG;
		}
		note_taken(vm, RXQ, 1);
	}
	/* So few that the device has to hold packets, and to put them back. */
	guest_refill(g, 9, 2048);
	return 0;
}

static __u64 drops_of(int dev, const char *queue)
{
	char prefix[32];

	snprintf(prefix, sizeof(prefix), "%s.drop.", queue);
	return vdev_counter_sum(dev, prefix);
}

/* Compare the device's counters with the frames of its stopped rings. */
static int check_counters(struct vm *vm)
{
	static const char * const name[NR_VQS] = { "queue0", "queue1" };
	__u64 packets, bytes;
	unsigned int i, n;
	char key[32];

	for (i = 0; env_is_ours() && i < NR_VQS; i++) {
		snprintf(key, sizeof(key), "%s.packets", name[i]);
		packets = vdev_counter(vm->g.dev, key);
		snprintf(key, sizeof(key), "%s.bytes", name[i]);
		bytes = vdev_counter(vm->g.dev, key);
		n = moved_by(vm, i) - vm->life->since[i];
		if (packets == n && bytes == (__u64)n * FRAME_LEN &&
		    !drops_of(vm->g.dev, name[i]))
			continue;
		fprintf(stderr, "# %s: %u frames, counted %llu\n", name[i], n,
			packets);
		vdev_report(vm->g.dev);
		return -EBADMSG;
	}
	return 0;
}

static int stop_rings(struct vm *vm, __u32 *base)
{
	int err = guest_set_backend(&vm->g, -1);
	unsigned int i;

	for (i = 0; !err && i < NR_VQS; i++) {
		err = vdev_get_base(vm->g.dev, i, &base[i]);
		/* All before it is used, and nothing from it on. */
		if (!err && base[i] != vq_used_base(&vm->g.vq[i]))
			err = -EPROTO;
	}
	return err ? err : check_counters(vm);
}

static int open_device(struct vm *vm, const __u32 *base)
{
	struct guest *g = &vm->g;
	unsigned int i;
	int err;

	g->dev = vdev_open();
	if (g->dev < 0)
		return g->dev;
	err = vdev_set_owner(g->dev);
	if (!err)
		err = vdev_set_features(g->dev, g->cfg.features);
	if (!err)
		err = vdev_set_mem(g->dev, &g->mem);
	for (i = 0; !err && i < NR_VQS; i++) {
		err = vdev_set_vring(g->dev, &g->vq[i], base[i]);
		vm->life->since[i] = moved_by(vm, i);
	}
	return err;
}

/* Stop and start the rings, which go on at their base. */
static int stop_and_start(struct vm *vm)
{
	__u32 base[NR_VQS];
	int err = stop_rings(vm, base);

	if (!err && base[TXQ] & 1)
		err = vdev_set_vring(vm->g.dev, &vm->g.vq[TXQ], base[TXQ]);
	return err ? err : guest_set_backend(&vm->g, vm->g.tap);
}

/* Let another device go on where this one was stopped. */
static int migrate(struct vm *vm)
{
	__u32 base[NR_VQS];
	int old = vm->g.dev;
	int err = stop_rings(vm, base);

	if (!err)
		err = open_device(vm, base);
	if (!err)
		err = guest_set_backend(&vm->g, vm->g.tap);
	close(old);
	return err;
}

/* Close the device under load. All that it had fetched is put back or used. */
static int reopen(struct vm *vm)
{
	__u32 base[NR_VQS];
	unsigned int i;
	int err;

	close(vm->g.dev);
	for (i = 0; i < NR_VQS; i++)
		base[i] = vq_used_base(&vm->g.vq[i]);
	err = open_device(vm, base);
	return err ? err : guest_set_backend(&vm->g, vm->g.tap);
}

/* Stay stopped while the host's end compares the counters of all devices. */
static int take_break(struct vm *vm)
{
	__u32 base[NR_VQS];
	int err = stop_rings(vm, base);

	if (err)
		return err;
	store(vm->life->paused, 1);
	while (load(vm->life->pause))
		env_pause();
	store(vm->life->paused, 0);
	return guest_set_backend(&vm->g, vm->g.tap);
}

/* Sleep until a ring has something, or the host's end may have captured. */
static void rest(struct vm *vm)
{
	struct pollfd p[NR_VQS];
	unsigned int i;

	for (i = 0; i < NR_VQS; i++) {
		p[i].fd = vm->g.vq[i].call;
		p[i].events = POLLIN;
		vm->g.vq[i].ops->arm(&vm->g.vq[i]);
		if (vm->g.vq[i].ops->has_used(&vm->g.vq[i]))
			return;
	}
	poll(p, NR_VQS, 5);
	for (i = 0; i < NR_VQS; i++)
		event_count(vm->g.vq[i].call);
}

static int live(struct vm *vm, __u64 rnd)
{
	static int (* const action[])(struct vm *vm) = {
		stop_and_start, migrate, reopen,
	};
	__u32 base[NR_VQS] = {
		vq_base(&vm->g.vq[RXQ]), vq_base(&vm->g.vq[TXQ]),
	};
	int err;

	/* Leave the host's end its share, also while it starts the others. */
	setpriority(PRIO_PROCESS, 0, 10);
	err = open_device(vm, base);
	if (!err)
		err = guest_set_backend(&vm->g, vm->g.tap);
	while (!err) {
		err = turn_tx(vm);
		if (!err)
			err = turn_rx(vm);
		if (!err && load(vm->life->pause))
			err = take_break(vm);
		if (!err && !rnd_below(&rnd, TURNS_PER_ACTION)) {
			err = action[rnd_below(&rnd, 3)](vm);
			vm->life->actions++;
		}
		store(vm->life->turns, vm->life->turns + 1);
		rest(vm);
	}
	fprintf(stderr, "# %s: %s\n", vm->g.ifname, strerror(-err));
	return err;
}

/* ---- the host's end ---- */

/* Few devices have all layouts too. The in-tree module has split rings only. */
static __u64 features_of(unsigned int number)
{
	static const __u64 kinds[] = {
		F_EVENT_IDX,
		F_EVENT_IDX | F_RING_PACKED,
		F_EVENT_IDX | F_RING_PACKED | F_IN_ORDER,
		0,
		F_RING_PACKED,
		F_EVENT_IDX | F_IN_ORDER,
	};
	__u64 kind = kinds[number % (sizeof(kinds) / sizeof(*kinds))];

	return F_MODERN_BASE | (vdev_offers(kind) ? kind : kind & F_EVENT_IDX);
}

static bool is_packed(const struct vm *vm)
{
	return vm->g.cfg.features & F_RING_PACKED;
}

/* The host's end has to know the size of chains that it has not offered. */
static void init_slots(struct vq *vq)
{
	unsigned int i;

	for (i = 0; i < vq->num; i++)
		vq->slot[i].ndesc = 1;
}

static int vm_init(struct vm *vm, unsigned int number)
{
	struct guest_cfg cfg = {
		.features = features_of(number),
		.tap_flags = IFF_VNET_HDR,
		.num = RING,
		.limit_sndbuf = number % 5 == 3,
	};
	int err = guest_init(&vm->g, &cfg), bypass = 1;
	unsigned int i;

	if (err)
		return err;
	for (i = 0; i < NR_VQS; i++)
		init_slots(&vm->g.vq[i]);
	snprintf(vm->g.ifname, sizeof(vm->g.ifname), "%s%u",
		 vm->g.cfg.ops->name, number);
	vm->life = mmap(NULL, sizeof(*vm->life), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (vm->life == MAP_FAILED)
		return -ENOMEM;
	err = guest_open_tap(&vm->g);
	/* A queueing discipline may hold frames back. */
	if (!err && setsockopt(vm->g.pkt, SOL_PACKET, PACKET_QDISC_BYPASS,
			       &bypass, sizeof(bypass)))
		err = -errno;
	return err;
}

static int vm_start(struct world *w, struct vm *vm)
{
	struct life *life = vm->life;
	__u64 rnd = rnd_next(&w->rnd);
	unsigned int i;

	memset(life, 0, sizeof(*life));
	vm->injected = 0;
	for (i = 0; i < NR_VQS; i++) {
		guest_reset_ring(&vm->g, i, rnd_next(&rnd));
		life->mark[i][0].vq = vm->g.vq[i];
		event_count(vm->g.vq[i].kick);
		event_count(vm->g.vq[i].call);
	}
	vm->pid = child_fork();
	if (!vm->pid)
		_exit(live(vm, rnd) ? 1 : 0);
	return vm->pid < 0 ? -errno : 0;
}

/* Take the frames that have left the guest: each once, in order. */
static int capture(struct vm *vm)
{
	unsigned char got[FRAME_LEN + 1];
	struct virtio_net_hdr hdr;
	__u32 seq = vm->life->captured;
	int n;

	while ((n = packet_recv_now(vm->g.pkt, &hdr, got, sizeof(got))) >= 0) {
		if (n != FRAME_LEN || !frame_is(got, n, seq)) {
			fprintf(stderr, "# %s: sent frame %u, not %u\n",
				vm->g.ifname, frame_seq(got), seq);
			return -EBADMSG;
		}
		seq++;
	}
	store(vm->life->captured, seq);
	return n == -EAGAIN ? 0 : n;
}

static int inject(struct vm *vm)
{
	int err = 0;

	while (!err && vm->injected - taken(vm, RXQ) < WINDOW) {
		err = guest_inject(&vm->g, FRAME_LEN, vm->injected);
		vm->injected++;
	}
	return err;
}

/* Read what no guest has received: exactly the frames after those it has. */
static int drain_tap(struct vm *vm)
{
	unsigned char got[HDR_LEN_MAX + FRAME_LEN + 1];
	__u32 seq = moved_by(vm, RXQ);
	ssize_t n;

	while ((n = read(vm->g.tap, got, sizeof(got))) >= 0) {
		if (n != vm->g.hdr_len + FRAME_LEN ||
		    !frame_is(got + vm->g.hdr_len, FRAME_LEN, seq)) {
			fprintf(stderr, "# %s: left frame %u, not %u\n",
				vm->g.ifname,
				frame_seq(got + vm->g.hdr_len), seq);
			return -EBADMSG;
		}
		seq++;
	}
	if (errno != EAGAIN || seq == vm->injected)
		return errno == EAGAIN ? 0 : -errno;
	fprintf(stderr, "# %s: injected %u, received %u, last in tap %u\n",
		vm->g.ifname, vm->injected, moved_by(vm, RXQ), seq);
	return -EBADMSG;
}

/* After the end of an owner: nothing is lost, and nothing comes twice. */
static int settle(struct world *w, struct vm *vm)
{
	struct life *life = vm->life;
	__u32 used;
	int err = capture(vm);

	if (err)
		return err;
	used = moved_by(vm, TXQ);
	if (life->captured < used || life->captured > life->offered) {
		fprintf(stderr, "# %s: used %u, sent %u, offered %u\n",
			vm->g.ifname, used, life->captured, life->offered);
		return -EBADMSG;
	}
	w->unsettled += life->captured != used;
	w->frames[is_packed(vm)][TXQ] += used;
	w->frames[is_packed(vm)][RXQ] += moved_by(vm, RXQ);
	return drain_tap(vm);
}

static int kill_vm(struct world *w, struct vm *vm)
{
	pid_t pid = vm->pid;
	int status;

	vm->pid = 0;
	if (kill(pid, SIGKILL) || waitpid(pid, &status, 0) != pid)
		return -errno;
	if (!WIFSIGNALED(status))
		return -EPROTO;
	w->kills++;
	return settle(w, vm);
}

/* One round of all: traffic, and now and then a start or a kill. */
static int turn(struct world *w)
{
	unsigned int i;
	struct vm *vm;
	int err = 0;

	for (i = 0; !err && i < w->n; i++) {
		vm = &w->vm[i];
		if (!vm->pid)
			err = vm_start(w, vm);
		if (!err)
			err = inject(vm);
		if (!err)
			err = capture(vm);
		if (!err && !rnd_below(&w->rnd, w->turns_per_kill))
			err = kill_vm(w, vm);
		if (!err && vm->pid && waitpid(vm->pid, NULL, WNOHANG)) {
			vm->pid = 0;
			err = -ECHILD;
		}
	}
	env_pause();
	return err;
}

static bool all_paused(struct world *w)
{
	unsigned int i, n = 0;

	for (i = 0; i < w->n; i++)
		n += load(w->vm[i].life->paused);
	return n == w->n;
}

struct sums {
	unsigned int queues;
	__u64 packets[NR_VQS];
	__u64 bytes[NR_VQS];
};

static void add_queue(const struct nl_msg *m, void *data)
{
	unsigned int i = m->num[VHOST_ALT_A_QUEUE];
	struct sums *s = data;

	s->queues++;
	s->packets[i] += m->counter[VHOST_ALT_COUNTER_PACKETS];
	s->bytes[i] += m->counter[VHOST_ALT_COUNTER_BYTES];
}

/* Stop all rings, and compare what netlink counts with the frames. */
static int check_sums(struct world *w)
{
	struct sums seen = { 0 }, want = { .queues = NR_VQS * w->n };
	unsigned int i, q;
	struct nl nl;
	int err;

	for (i = 0; i < w->n; i++)
		store(w->vm[i].life->pause, 1);
	if (!wait_until(all_paused(w)))
		return -ETIMEDOUT;
	for (i = 0; i < w->n; i++)
		for (q = 0; q < NR_VQS; q++)
			want.packets[q] += moved_by(&w->vm[i], q) -
					   w->vm[i].life->since[q];
	for (q = 0; q < NR_VQS; q++)
		want.bytes[q] = want.packets[q] * FRAME_LEN;
	err = nl_open(&nl);
	if (!err)
		err = nl_dump(&nl, VHOST_ALT_CMD_QUEUE_GET, NL_NONE, add_queue,
			      &seen);
	nl_close(&nl);
	for (i = 0; i < w->n; i++)
		store(w->vm[i].life->pause, 0);
	if (err || !memcmp(&seen, &want, sizeof(seen)))
		return err;
	fprintf(stderr, "# netlink: %llu and %llu packets, not %llu and %llu\n",
		seen.packets[RXQ], seen.packets[TXQ], want.packets[RXQ],
		want.packets[TXQ]);
	return -EBADMSG;
}

static unsigned int idle_vms(struct world *w)
{
	unsigned int i, n = 0;

	for (i = 0; i < w->n; i++)
		n += !w->vm[i].pid || load(w->vm[i].life->turns) < 10;
	return n;
}

static int kill_all(struct world *w)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < w->n; i++)
		if (w->vm[i].pid)
			err = kill_vm(w, &w->vm[i]) ?: err;
	return err;
}

static int start_all(struct world *w)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < w->n; i++)
		if (!w->vm[i].pid)
			err = vm_start(w, &w->vm[i]);
	return err;
}

/* Run for @ms, and until all guests have had some traffic. */
static int run(struct world *w, __u64 ms)
{
	int err = start_all(w);
	__u64 end = env_now_ms() + ms;
	__u64 last = end + PATIENCE * env_left_ms(env_deadline());

	while (!err && (env_left_ms(end) || idle_vms(w)) && env_left_ms(last))
		err = turn(w);
	if (!err && idle_vms(w))
		err = -ETIMEDOUT;
	/* All are alive now. */
	if (!err && env_is_ours())
		err = check_sums(w);
	return kill_all(w) ?: err;
}

/* Kill each owner as soon as it has traffic, until that was done @n times. */
static int run_kills(struct world *w, unsigned int n)
{
	unsigned int i, kills = w->kills;
	__u64 deadline = env_deadline();
	int err = 0;

	while (!err && w->kills - kills < n && env_left_ms(deadline)) {
		err = turn(w);
		for (i = 0; !err && i < w->n; i++) {
			if (!w->vm[i].pid || !w->vm[i].life->captured ||
			    !taken(&w->vm[i], RXQ))
				continue;
			err = kill_vm(w, &w->vm[i]);
			/* The deadline is that of one owner. */
			deadline = env_deadline();
		}
	}
	if (!err && w->kills - kills < n)
		err = -ETIMEDOUT;
	return kill_all(w) ?: err;
}

static void raise_limit(void)
{
	struct rlimit files = { 8192, 8192 };

	setrlimit(RLIMIT_NOFILE, &files);
}

FIXTURE(load)
{
	struct world *w;
	struct leak *before;
};

FIXTURE_SETUP(load)
{
	raise_limit();
	self->w = calloc(1, sizeof(*self->w));
	self->before = calloc(1, sizeof(*self->before));
	ASSERT_NE(NULL, self->w);
	ASSERT_NE(NULL, self->before);
	self->w->turns_per_kill = TURNS_PER_KILL;
	self->w->rnd = setting("VHOST_ALT_SEED", 1);
	TH_LOG("seed %llu", self->w->rnd);
}

FIXTURE_TEARDOWN(load)
{
	unsigned int i;

	for (i = 0; i < self->w->n; i++)
		guest_stop(&self->w->vm[i].g);
	free(self->before);
	free(self->w);
}

/* Open the taps, and allocate what the first use allocates for good. */
static int world_init(FIXTURE_DATA(load) *self, unsigned int n)
{
	struct world *w = self->w;
	__u64 start = env_now_ms();
	int err = 0;

	while (!err && w->n < n) {
		err = vm_init(&w->vm[w->n], w->n);
		w->n++;
	}
	if (!err)
		err = run(w, 0);
	leak_note(self->before);
	fprintf(stderr, "# %u devices, after %llu ms\n", n,
		env_now_ms() - start);
	return err;
}

/* If each end of an owner leaked, there would be an object for each. */
static bool nothing_left(FIXTURE_DATA(load) *self)
{
	return leak_none(self->before, 500 + self->w->kills / 2);
}

static void report(struct world *w)
{
	fprintf(stderr, "# %u owners killed; %u frames used later\n", w->kills,
		w->unsettled);
	fprintf(stderr, "# split: %u frames in, %u out; packed: %u in, %u out\n",
		w->frames[false][RXQ], w->frames[false][TXQ],
		w->frames[true][RXQ], w->frames[true][TXQ]);
}

TEST_F_TIMEOUT(load, devices_come_and_go, 3600)
{
	unsigned long seconds = setting("VHOST_ALT_LOAD_SECONDS", 0), n;
	struct world *w = self->w;

	n = seconds ? VMS_MAX : env_scaled(16, 3);
	n = setting("VHOST_ALT_LOAD_DEVICES", n);
	ASSERT_LE(n, VMS_MAX);
	ASSERT_OK(world_init(self, n));
	ASSERT_OK(run(w, 1000 * (seconds ?: 3)));
	report(w);
	EXPECT_TRUE(nothing_left(self));
}

TEST_F_TIMEOUT(load, owners_killed, 3600)
{
	struct world *w = self->w;

	/* By run_kills() alone. */
	w->turns_per_kill = UINT_MAX;
	ASSERT_OK(world_init(self, 4));
	ASSERT_OK(run_kills(w, setting("VHOST_ALT_SWAPS",
				       env_scaled(100, 8))));
	report(w);
	EXPECT_TRUE(nothing_left(self));
}

VHOST_TEST_MAIN
