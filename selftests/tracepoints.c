// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each tracepoint, by its name and its text: it fires for known traffic exactly
 * as often as it must, with the right fields.
 */
#include <stdarg.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "iotlb.h"
#include "nl.h"
#include "raw.h"
#include "test.h"

#define EVENTS	4096

struct event {
	char name[32];
	char text[160];
	pid_t tid;
};

FIXTURE(trace)
{
	char mount[64];
	char dir[128];		/* of an instance, which has its own buffer */
	struct nl nl;
	struct guest g;
	__u32 id;
	struct event *event;
	unsigned int n;
};

FIXTURE_VARIANT(trace)
{
	__u64 features;
};

FIXTURE_VARIANT_ADD(trace, split)
{
	.features = F_MODERN_BASE,
};

FIXTURE_VARIANT_ADD(trace, packed)
{
	.features = F_PACKED_BASE,
};

static int write_to(const char *dir, const char *name, const char *text)
{
	char path[256];
	int fd, err = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* -ENODEV on a kernel without event tracing. */
static int open_trace(FIXTURE_DATA(trace) *self)
{
	int err;

	snprintf(self->mount, sizeof(self->mount), "/tmp/vhost-test-trace.%d",
		 getpid());
	if (mkdir(self->mount, 0700))
		return -errno;
	if (mount("tracefs", self->mount, "tracefs", 0, NULL))
		return -errno;
	snprintf(self->dir, sizeof(self->dir), "%s/instances/vhost-test.%d",
		 self->mount, getpid());
	if (mkdir(self->dir, 0700))
		return errno == ENOENT ? -ENODEV : -errno;
	/*
	 * Lines are sorted by time, and lines of one time by processor. The
	 * clock of user-mode Linux is too coarse for that.
	 */
	err = write_to(self->dir, "trace_clock", "counter");
	return err ? err : write_to(self->dir, "events/vhost_alt/enable", "1");
}

static void close_trace(FIXTURE_DATA(trace) *self)
{
	if (self->dir[0]) {
		write_to(self->dir, "events/vhost_alt/enable", "0");
		rmdir(self->dir);
	}
	umount2(self->mount, MNT_DETACH);
	rmdir(self->mount);
}

FIXTURE_SETUP(trace)
{
	struct guest_cfg cfg = {
		.features = variant->features,
		.tap_flags = IFF_VNET_HDR,
		.regions = 2,
	};
	int err;

	if (!env_is_ours())
		SETUP_SKIP("vhost_net has no tracepoints");
	err = open_trace(self);
	if (err == -ENODEV)
		SETUP_SKIP("this kernel has no event tracing");
	ASSERT_OK(err);
	self->event = calloc(EVENTS, sizeof(*self->event));
	ASSERT_NE(NULL, self->event);
	ASSERT_OK(nl_open(&self->nl));
	ASSERT_OK(guest_init(&self->g, &cfg));
	ASSERT_OK(guest_open_tap(&self->g));
	ASSERT_OK(guest_open_dev(&self->g));
	ASSERT_OK(nl_newest(&self->nl, &self->id));
}

FIXTURE_TEARDOWN(trace)
{
	guest_stop(&self->g);
	nl_close(&self->nl);
	close_trace(self);
	free(self->event);
}

/* Parse "comm-tid [cpu] flags time: name: text". Return: true if it is ours. */
static bool read_line(char *line, struct event *e)
{
	char *name = strstr(line, ": vhost_alt_"), *text, *cpu;

	if (*line == '#' || !name)
		return false;
	name += 2;
	text = strstr(name, ": ");
	cpu = strstr(line, " [");
	if (!text || !cpu)
		return false;
	*text = 0;
	text += 2;
	text[strcspn(text, "\n")] = 0;
	while (cpu > line && cpu[-1] == ' ')
		cpu--;
	while (cpu > line && cpu[-1] != '-')
		cpu--;
	e->tid = atoi(cpu);
	return snprintf(e->name, sizeof(e->name), "%s",
			name + strlen("vhost_alt_")) < sizeof(e->name) &&
	       snprintf(e->text, sizeof(e->text), "%s", text) < sizeof(e->text);
}

/* Read all that has been traced. */
static int read_trace(FIXTURE_DATA(trace) *self)
{
	char path[256], line[512];
	int err = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/trace", self->dir);
	f = fopen(path, "r");
	if (!f)
		return -errno;
	self->n = 0;
	while (!err && fgets(line, sizeof(line), f)) {
		if (self->n == EVENTS)
			err = -E2BIG;
		else
			self->n += read_line(line, &self->event[self->n]);
	}
	fclose(f);
	return err;
}

/*
 * Find the first event of this name and text from index @from on. NULL stands
 * for any text. Return: its index, or -1.
 */
static int find(FIXTURE_DATA(trace) *self, int from, const char *name,
		const char *text)
{
	int i;

	for (i = from; i < (int)self->n; i++)
		if (!strcmp(self->event[i].name, name) &&
		    (!text || !strcmp(self->event[i].text, text)))
			return i;
	return -1;
}

static unsigned int count(FIXTURE_DATA(trace) *self, const char *name,
			  const char *fmt, ...)
{
	char text[160];
	unsigned int n = 0;
	va_list ap;
	int i;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (i = -1; (i = find(self, i + 1, name, *text ? text : NULL)) >= 0;)
		n++;
	return n;
}

/* Add up a field of all events of this name. */
static unsigned int sum(FIXTURE_DATA(trace) *self, const char *name,
			const char *field)
{
	unsigned int n = 0;
	const char *at;
	int i;

	for (i = -1; (i = find(self, i + 1, name, NULL)) >= 0;) {
		at = strstr(self->event[i].text, field);
		n += at ? atoi(at + strlen(field)) : 0;
	}
	return n;
}

/* Expect exactly @want events of this name and text. */
#define EXPECT_EVENTS(want, name, fmt, ...)				\
	do {								\
		unsigned int __n = count(self, name, fmt, ##__VA_ARGS__); \
									\
		if (__n != (want)) {					\
			TH_LOG("%s " fmt ": %u, not %u", name,		\
			       ##__VA_ARGS__, __n, want);		\
			_metadata->passed = 0;				\
		}							\
	} while (0)

/* ---- a device's life ---- */

TEST_F(trace, life_of_a_device)
{
	struct guest *g = &self->g;
	int open, owner;

	ASSERT_OK(guest_set_backend(g, g->tap));
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
	ASSERT_OK(read_trace(self));
	EXPECT_EVENTS(1, "open", "dev=%u", self->id);
	EXPECT_EVENTS(1, "owner", "dev=%u pid=%u", self->id, getpid());
	EXPECT_EVENTS(1, "features", "dev=%u features=0x%llx high=0x0",
		      self->id, (unsigned long long)g->cfg.features);
	EXPECT_EVENTS(1, "memory", "dev=%u regions=3", self->id);
	EXPECT_EVENTS(1, "backend", "dev=%u queue=0 running=1 ifname=%s",
		      self->id, g->ifname);
	EXPECT_EVENTS(1, "backend", "dev=%u queue=1 running=1 ifname=%s",
		      self->id, g->ifname);
	EXPECT_EVENTS(0, "backend", "dev=%u queue=0 running=0 ifname=",
		      self->id);
	EXPECT_EVENTS(1, "backend", "dev=%u queue=1 running=0 ifname=",
		      self->id);
	EXPECT_EVENTS(0, "close", "");
	open = find(self, 0, "open", NULL);
	owner = find(self, 0, "owner", NULL);
	EXPECT_LT(open, owner);

	close(g->dev);
	g->dev = -1;
	ASSERT_OK(read_trace(self));
	EXPECT_EVENTS(1, "close", "dev=%u", self->id);
	EXPECT_LT(find(self, 0, "backend", NULL),
		  find(self, 0, "close", NULL));
}

TEST_F(trace, second_word_of_features)
{
	if (!vdev_offers2(F2_TUNNEL))
		SKIP(return, "%s of this kernel offers no tunnels",
		     env_module());
	ASSERT_OK(vdev_set_features2(self->g.dev, F_VERSION_1, F2_TUNNEL));
	ASSERT_OK(read_trace(self));
	EXPECT_EVENTS(1, "features", "dev=%u features=0x%llx high=0x%llx",
		      self->id, (unsigned long long)F_VERSION_1,
		      (unsigned long long)F2_TUNNEL);
}

TEST_F(trace, no_events_when_disabled)
{
	struct guest *g = &self->g;

	ASSERT_OK(write_to(self->dir, "events/vhost_alt/enable", "0"));
	ASSERT_OK(write_to(self->dir, "trace", ""));
	ASSERT_OK(guest_set_backend(g, g->tap));
	ASSERT_OK(guest_check_alive(g, 0));
	ASSERT_OK(read_trace(self));
	EXPECT_EQ(0, self->n);
}

/* ---- traffic ---- */

/* Publish @n frames, without a kick. */
static int preload(FIXTURE_DATA(trace) *self, unsigned int n)
{
	unsigned char frame[60];
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < n; i++) {
		frame_make(frame, sizeof(frame), i);
		err = guest_send(&self->g, NULL, frame, sizeof(frame), 1,
				 false);
	}
	vq_publish(&self->g.vq[TXQ]);
	return err;
}

/* Start a ring, wait until @used chains are used, and stop it. */
static int run(FIXTURE_DATA(trace) *self, unsigned int queue, unsigned int used)
{
	struct guest *g = &self->g;
	struct vq *vq = &g->vq[queue];
	int err = vdev_set_backend(g->dev, queue, g->tap);

	if (err)
		return err;
	if (!wait_until(vq_count_used(vq) == used))
		return -ETIMEDOUT;
	err = vdev_set_backend(g->dev, queue, -1);
	return err ? err : read_trace(self);
}

TEST_F(trace, transmit)
{
	static const unsigned int size[] = { 64, 64, 64, 8 };
	unsigned int i, n = 0;

	ASSERT_OK(preload(self, 200));
	ASSERT_OK(run(self, TXQ, 200));
	for (i = 0; i < ARRAY_SIZE(size); i++) {
		n += size[i];
		EXPECT_EVENTS(1, "transmit",
			      "dev=%u queue=1 chains=%u packets=%u bytes=%u",
			      self->id, size[i], n, n * 60);
	}
	EXPECT_EVENTS(4, "transmit", "");
	EXPECT_EVENTS(0, "receive", "");
	/* The guest wants a call for each batch. */
	EXPECT_EVENTS(4, "call", "dev=%u queue=1", self->id);
	EXPECT_EVENTS(4, "call", "");
	EXPECT_EQ(4, event_count(self->g.vq[TXQ].call));
	EXPECT_EVENTS(0, "drop", "");
	EXPECT_EVENTS(0, "ring_error", "");
}

TEST_F(trace, receive)
{
	struct guest *g = &self->g;
	unsigned int i;

	ASSERT_EQ(100, guest_refill(g, 100, 2048));
	for (i = 0; i < 100; i++)
		ASSERT_OK(guest_inject(g, 100, i));
	ASSERT_OK(run(self, RXQ, 100));
	EXPECT_EVENTS(1, "receive",
		      "dev=%u queue=0 chains=64 packets=64 bytes=6400",
		      self->id);
	EXPECT_EVENTS(1, "receive",
		      "dev=%u queue=0 chains=36 packets=100 bytes=10000",
		      self->id);
	EXPECT_EVENTS(2, "receive", "");
	EXPECT_EVENTS(0, "transmit", "");
	EXPECT_EVENTS(2, "call", "dev=%u queue=0", self->id);
	EXPECT_EQ(2, event_count(g->vq[RXQ].call));
}

TEST_F(trace, suppressed_calls)
{
	vq_refuse(&self->g.vq[TXQ]);
	ASSERT_OK(preload(self, 200));
	ASSERT_OK(run(self, TXQ, 200));
	EXPECT_EVENTS(4, "transmit", "");
	EXPECT_EVENTS(0, "call", "");
}

TEST_F(trace, drops_of_transmit)
{
	__u64 buf = self->g.pool[TXQ].slot[0].gpa;
	struct raw_desc nowhere = { .gpa = NOWHERE, .len = 100 };
	struct raw_desc writable = { .gpa = buf, .len = 100, .flags = F_WRITE };
	struct vq *vq = &self->g.vq[TXQ];
	static struct nl_msg m;
	unsigned int i;

	for (i = 0; i < 3; i++)
		ASSERT_THAT(raw_offer(vq, &nowhere, 1));
	for (i = 0; i < 2; i++)
		ASSERT_THAT(raw_offer(vq, &writable, 1));
	ASSERT_OK(preload(self, 1));
	ASSERT_OK(run(self, TXQ, 6));
	EXPECT_EVENTS(3, "drop", "dev=%u queue=1 why=%u count=1", self->id,
		      VHOST_ALT_DROP_CHAIN_ADDRESS);
	EXPECT_EVENTS(2, "drop", "dev=%u queue=1 why=%u count=1", self->id,
		      VHOST_ALT_DROP_DIRECTION);
	EXPECT_EVENTS(5, "drop", "");
	ASSERT_OK(nl_queue(&self->nl, self->id, TXQ, &m));
	EXPECT_EQ(3, m.drop[VHOST_ALT_DROP_CHAIN_ADDRESS]);
	EXPECT_EQ(2, m.drop[VHOST_ALT_DROP_DIRECTION]);
	EXPECT_EVENTS(1, "transmit",
		      "dev=%u queue=1 chains=6 packets=1 bytes=60", self->id);
}

/* A batch that is dropped is one event. */
TEST_F(trace, drop_of_a_batch)
{
	struct guest *g = &self->g;
	struct vq *vq = &g->vq[TXQ];

	ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
	ASSERT_OK(link_del(g->ifname));
	ASSERT_OK(preload(self, 50));
	vq_kick(vq);
	ASSERT_THAT(wait_until(vq_count_used(vq) == 50));
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
	ASSERT_OK(read_trace(self));
	/* The worker may have fetched them in two or more batches. */
	EXPECT_GE(count(self, "drop", ""), 1);
	EXPECT_LE(count(self, "drop", ""), count(self, "transmit", ""));
	EXPECT_EQ(50, sum(self, "drop", "count="));
	EXPECT_EQ(50, sum(self, "transmit", "chains="));
	EXPECT_EVENTS(0, "transmit",
		      "dev=%u queue=1 chains=0 packets=0 bytes=0", self->id);
}

TEST_F(trace, drops_of_receive)
{
	struct guest *g = &self->g;
	struct raw_desc readable = {
		.gpa = g->pool[RXQ].slot[0].gpa, .len = 100,
	};

	ASSERT_THAT(raw_offer(&g->vq[RXQ], &readable, 1));
	ASSERT_EQ(1, guest_refill(g, 1, 2048));
	ASSERT_OK(guest_inject(g, 60, 0));
	ASSERT_OK(run(self, RXQ, 2));
	EXPECT_EVENTS(1, "drop", "dev=%u queue=0 why=%u count=1", self->id,
		      VHOST_ALT_DROP_DIRECTION);
	EXPECT_EVENTS(1, "drop", "");
}

TEST_F(trace, ring_error)
{
	struct guest *g = &self->g;
	struct vq *vq = &g->vq[TXQ];

	raw_break_ring(vq);
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
	ASSERT_THAT(event_wait(vq->err));
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
	ASSERT_OK(read_trace(self));
	EXPECT_EVENTS(1, "ring_error", "dev=%u queue=1", self->id);
	EXPECT_EVENTS(1, "ring_error", "");
}

/* ---- workers ---- */

/* Check that wakes and sleeps of a thread alternate, and count its runs. */
static bool alternates(FIXTURE_DATA(trace) *self, pid_t tid, __u64 *runs)
{
	bool asleep = true, right = true;
	char text[32];
	unsigned int i;

	for (i = 0; i < self->n; i++) {
		if (self->event[i].tid != tid ||
		    strncmp(self->event[i].name, "worker_", 7))
			continue;
		*runs += asleep;
		snprintf(text, sizeof(text), "runs=%llu", *runs);
		right &= !strcmp(self->event[i].text, text);
		right &= !strcmp(self->event[i].name,
				 asleep ? "worker_wake" : "worker_sleep");
		asleep = !asleep;
	}
	return right && asleep;
}

/* Check that all events of the worker are there, by its own count of runs. */
static bool all_traced(FIXTURE_DATA(trace) *self, pid_t *tid)
{
	static struct nl_msg m;
	__u64 runs = 0;

	if (nl_dev(&self->nl, self->id, &m) || read_trace(self))
		return false;
	*tid = m.worker[0].num[VHOST_ALT_WORKER_TID];
	return alternates(self, *tid, &runs) && runs &&
	       runs == m.worker[0].num[VHOST_ALT_WORKER_RUNS];
}

TEST_F(trace, worker)
{
	struct guest *g = &self->g;
	pid_t tid;

	ASSERT_OK(guest_set_backend(g, g->tap));
	ASSERT_OK(guest_check_alive(g, 0));
	ASSERT_OK(guest_set_backend(g, -1));
	/* The ring may be stopped before the thread has gone to sleep. */
	ASSERT_THAT(wait_until(all_traced(self, &tid)));
	EXPECT_EQ(tid, self->event[find(self, 0, "transmit", NULL)].tid);
}

/* ---- the device IOTLB ---- */

/* An IOTLB entry, which need not be a page. */
#define ENTRY	4096

TEST_F(trace, iotlb)
{
	static char memory[ENTRY];
	struct guest *g = &self->g;
	/* The device writes used descriptors to a packed ring itself. */
	__u8 perm = variant->features & F_RING_PACKED ? VHOST_ACCESS_RW :
							VHOST_ACCESS_RO;
	struct vhost_iotlb_msg miss;
	struct vhost_vring_addr a = {
		.index = TXQ,
		.desc_user_addr = 0x20000,
		.avail_user_addr = 0x30000,
		.used_user_addr = 0x10000,
	};

	ASSERT_OK(vdev_cmd(g->dev, VHOST_SET_BACKEND_FEATURES,
			   &(__u64){ BACKEND_F_IOTLB_MSG_V2 }));
	ASSERT_OK(vdev_set_features(g->dev,
				    g->cfg.features | F_ACCESS_PLATFORM));
	ASSERT_OK(vdev_set_state(g->dev, VHOST_SET_VRING_NUM, TXQ, 16));
	ASSERT_OK(vdev_cmd(g->dev, VHOST_SET_VRING_ADDR, &a));
	ASSERT_OK(iotlb_update(g->dev, true, 0x10000, ENTRY, memory,
			       VHOST_ACCESS_RW));
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
	ASSERT_OK(iotlb_wait(g->dev, true, &miss));
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
	ASSERT_OK(iotlb_invalidate(g->dev, true, 0x10000, ENTRY));
	ASSERT_OK(read_trace(self));
	EXPECT_EVENTS(1, "iotlb_update",
		      "dev=%u type=2 iova=0x10000 size=0x1000 perm=3",
		      self->id);
	EXPECT_EVENTS(1, "iotlb_update",
		      "dev=%u type=3 iova=0x10000 size=0x1000 perm=0",
		      self->id);
	EXPECT_EVENTS(2, "iotlb_update", "");
	EXPECT_EQ(0x20000, miss.iova);
	EXPECT_EQ(perm, miss.perm);
	/* The worker asks once for each run before the answer. */
	EXPECT_GE(count(self, "iotlb_miss",
			"dev=%u queue=1 iova=0x20000 perm=%u", self->id, perm),
		  1);
	EXPECT_EQ(count(self, "iotlb_miss", ""),
		  count(self, "iotlb_miss",
			"dev=%u queue=1 iova=0x20000 perm=%u", self->id,
			perm));
}

/* ---- two rings of one worker ---- */

/* A guest with @n buffers for frames of @len bytes in each ring. */
static int start_large(FIXTURE_DATA(trace) *self, unsigned int n, size_t len)
{
	struct guest_cfg cfg = self->g.cfg;
	int err;

	cfg.num = n;
	cfg.slots = n;
	cfg.slot_size = HDR_LEN_MRG + len;
	guest_stop(&self->g);
	err = guest_init(&self->g, &cfg);
	if (!err)
		err = guest_open_tap(&self->g);
	if (!err)
		err = link_set_qlen(self->g.ifname, n);
	if (!err)
		err = guest_open_dev(&self->g);
	return err ? err : guest_set_backend(&self->g, self->g.tap);
}

/*
 * Give both rings @n frames of @len bytes, and start them by one kick: the
 * worker finds work for both.
 */
static int load_both(struct guest *g, unsigned int n, size_t len)
{
	static unsigned char frame[FRAME_MAX];
	struct vq *tx = &g->vq[TXQ], *rx = &g->vq[RXQ];
	unsigned int i;
	int err = 0;

	/* The guest has no buffers yet, so the tap keeps them. */
	for (i = 0; !err && i < n; i++)
		err = guest_inject(g, len, i);
	/* The worker has seen that when the command returns. */
	if (!err)
		err = vdev_set_file(g->dev, VHOST_SET_VRING_KICK, RXQ,
				    tx->kick);
	for (i = 0; !err && i < n; i++) {
		frame_make(frame, len, i);
		err = guest_send(g, NULL, frame, len, 1, false);
		if (!err)
			err = guest_post(g, HDR_LEN_MRG + len, 1, false);
	}
	vq_publish(rx);
	vq_publish(tx);
	if (!err)
		event_signal(tx->kick);
	return err;
}

/* The packets that the slower ring has moved when the other has moved @n. */
static unsigned int packets_of_slower(FIXTURE_DATA(trace) *self, unsigned int n)
{
	unsigned int tx = 0, rx = 0, i;
	const struct event *e;
	const char *at;

	for (i = 0; i < self->n && tx < n && rx < n; i++) {
		e = &self->event[i];
		at = strstr(e->text, "packets=");
		if (at && !strcmp(e->name, "transmit"))
			tx = atoi(at + strlen("packets="));
		else if (at && !strcmp(e->name, "receive"))
			rx = atoi(at + strlen("packets="));
	}
	return tx < rx ? tx : rx;
}

static void check_turns(FIXTURE_DATA(trace) *self,
			struct __test_metadata *_metadata, unsigned int n,
			size_t len)
{
	struct vq *tx = &self->g.vq[TXQ], *rx = &self->g.vq[RXQ];

	/* Fewer frames are too few turns to tell a difference of a tenth. */
	if (env_scaled(100, 1) < 100)
		SKIP(return, "takes too long on this machine");
	ASSERT_OK(start_large(self, n, len));
	ASSERT_OK(write_to(self->dir, "trace", ""));
	ASSERT_OK(load_both(&self->g, n, len));
	ASSERT_THAT(wait_until(vq_count_used(tx) == n &&
			       vq_count_used(rx) == n));
	ASSERT_OK(read_trace(self));
	EXPECT_GE(packets_of_slower(self, n), n * 9 / 10);
}

/* Neither ring gets more than 10 % less than the other. */
TEST_F(trace, turns_by_packets)
{
	check_turns(self, _metadata, 8192, 60);
}

TEST_F(trace, turns_by_bytes)
{
	check_turns(self, _metadata, 2048, 8000);
}

VHOST_TEST_MAIN
