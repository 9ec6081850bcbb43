// SPDX-License-Identifier: GPL-2.0-only
/*
 * Description: the device IOTLB. Its messages, byte by byte and error by error;
 * and traffic whose addresses mean nothing until the VMM has explained them.
 */
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "iotlb.h"
#include "test.h"
#include "vq_split.h"

FIXTURE(message)
{
	struct guest g;
	struct iotlb t;
	int fd;
};

FIXTURE_VARIANT(message)
{
	bool v2;
};

FIXTURE_VARIANT_ADD(message, v1)
{
	.v2 = false,
};

FIXTURE_VARIANT_ADD(message, v2)
{
	.v2 = true,
};

/* A guest that waits for its backend; nobody answers misses. */
FIXTURE_SETUP(message)
{
	struct guest_cfg cfg = {
		.features = F_MODERN | F_ACCESS_PLATFORM,
		.tap_flags = IFF_VNET_HDR,
		.no_tap = true,
		.num = 16,
	};
	struct iotlb_cfg iotlb = { .v2 = variant->v2 };

	ASSERT_OK(guest_start(&self->g, &cfg));
	ASSERT_OK(guest_open_tap(&self->g));
	ASSERT_OK(iotlb_init(&self->t, &self->g, &iotlb));
	self->fd = self->g.dev;
}

FIXTURE_TEARDOWN(message)
{
	guest_stop(&self->g);
	iotlb_free(&self->t);
}

static int set_blocking(int fd, bool blocking)
{
	int flags = fcntl(fd, F_GETFL);

	flags = blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
	return fcntl(fd, F_SETFL, flags) ? -errno : 0;
}

static int read_bytes(int fd, void *buf, size_t len)
{
	ssize_t n = read(fd, buf, len);

	return n < 0 ? -errno : n;
}

/* By itself, for the compiler would see through an address that is bad. */
static __attribute__((noipa)) int write_bytes(int fd, const void *buf, size_t len)
{
	ssize_t n = write(fd, buf, len);

	return n < 0 ? -errno : n;
}

static bool readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1 && p.revents == POLLIN;
}

/* Throws away what is to be read: rings ask as they start. */
static int start_quietly(struct iotlb *t)
{
	int err = iotlb_answer_range(t, t->g->mem.region[0].gpa,
				     t->g->mem.region[0].size);

	if (!err)
		err = guest_set_backend(t->g, t->g->tap);
	if (!err)
		err = iotlb_read_all(t->g->dev, t->cfg.v2);
	return err < 0 ? err : 0;
}

TEST_F(message, nothing_to_read)
{
	struct vhost_iotlb_msg msg;
	char buf[2 * sizeof(struct vhost_msg)];
	size_t len;

	EXPECT_FALSE(readable(self->fd));
	EXPECT_ERR(EAGAIN, iotlb_read(self->fd, variant->v2, &msg));
	EXPECT_ERR(EAGAIN, read_bytes(self->fd, buf, sizeof(buf)));
	/* Less room than for a message: as if at an end, whatever there is. */
	for (len = 0; len < sizeof(struct vhost_msg); len += 7)
		EXPECT_EQ(0, read_bytes(self->fd, buf, len));
	EXPECT_EQ(0, read_bytes(self->fd, buf, sizeof(struct vhost_msg) - 1));
}

/* Leaves behind where the kernel works what a careless message would show. */
static void soil_stack(int fd)
{
	unsigned char soil[sizeof(struct vhost_msg)];
	int type = VHOST_IOTLB_MSG;

	memset(soil, 0xff, sizeof(soil));
	memcpy(soil, &type, sizeof(type));
	write_bytes(fd, soil, sizeof(soil));
	vdev_cmd(fd, VHOST_SET_VRING_ADDR, soil);
}

TEST_F(message, miss_is_read_in_whole)
{
	char buf[sizeof(struct vhost_msg)];
	struct vhost_iotlb_msg msg;

	/* The ring's start finds no used ring, and asks for it. */
	EXPECT_ERR(EFAULT, vdev_set_backend(self->fd, TXQ, self->g.tap));
	ASSERT_THAT(wait_until(readable(self->fd)));
	EXPECT_EQ(0, read_bytes(self->fd, buf, sizeof(buf) - 1));
	EXPECT_TRUE(readable(self->fd));
	soil_stack(self->fd);
	ASSERT_OK(iotlb_read(self->fd, variant->v2, &msg));
	EXPECT_EQ(self->g.vq[TXQ].gpa[VQ_USED] / IOTLB_PAGE,
		  msg.iova / IOTLB_PAGE);
}

TEST_F(message, miss_of_worker_is_read_in_whole)
{
	struct vq *vq = &self->g.vq[TXQ];
	struct vhost_iotlb_msg msg;

	ASSERT_OK(start_quietly(&self->t));
	ASSERT_OK(vq_add_out(vq, self->g.pool[TXQ].slot[0].gpa, 100, 0));
	vq_publish(vq);
	vq_kick(vq);
	ASSERT_OK(iotlb_wait(self->fd, variant->v2, &msg));
	EXPECT_EQ(self->g.pool[TXQ].slot[0].gpa, msg.iova);
	EXPECT_EQ(VHOST_ACCESS_RO, msg.perm);
	/* A ring that is stopped asks no more. */
	ASSERT_OK(vdev_set_backend(self->fd, TXQ, -1));
	ASSERT_GE(iotlb_read_all(self->fd, variant->v2), 0);
	/* What the device is to write. */
	vq = &self->g.vq[RXQ];
	ASSERT_OK(vq_add_in(vq, self->g.pool[RXQ].slot[0].gpa, 2048, 0));
	vq_publish(vq);
	vq_kick(vq);
	ASSERT_OK(guest_inject(&self->g, 60, 1));
	ASSERT_OK(iotlb_wait(self->fd, variant->v2, &msg));
	EXPECT_EQ(self->g.pool[RXQ].slot[0].gpa, msg.iova);
	EXPECT_EQ(VHOST_ACCESS_WO, msg.perm);
}

TEST_F(message, write_too_short)
{
	unsigned char buf[sizeof(struct vhost_msg)];
	size_t len, least = offsetof(struct vhost_msg, iotlb) +
			    sizeof(struct vhost_iotlb_msg);

	memset(buf, 0, sizeof(buf));
	buf[0] = variant->v2 ? VHOST_IOTLB_MSG_V2 : VHOST_IOTLB_MSG;
	for (len = 0; len < least; len++)
		EXPECT_ERR(EINVAL, write_bytes(self->fd, buf, len));
}

TEST_F(message, write_of_unknown_type)
{
	static const int types[] = { 0, 3, 4, 0x100, 0x10001, -1 };
	unsigned char buf[sizeof(struct vhost_msg)];
	unsigned int i;

	memset(buf, 0, sizeof(buf));
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		memcpy(buf, &types[i], sizeof(types[i]));
		EXPECT_ERR(EINVAL, write_bytes(self->fd, buf, sizeof(buf)));
	}
}

TEST_F(message, write_of_unreadable)
{
	EXPECT_ERR(EINVAL, write_bytes(self->fd, BAD_PTR,
				       sizeof(struct vhost_msg)));
}

/* What a message may be: anything else is an error of one kind. */
TEST_F(message, write_of_unknown_kind)
{
	struct vhost_iotlb_msg msg = {
		.iova = 0, .size = IOTLB_PAGE, .uaddr = IOTLB_PAGE,
		.perm = VHOST_ACCESS_RW,
	};
	unsigned int type;

	for (type = 0; type < 256; type++) {
		if (type == VHOST_IOTLB_UPDATE || type == VHOST_IOTLB_INVALIDATE)
			continue;
		msg.type = type;
		EXPECT_ERR(EFAULT, iotlb_write(self->fd, variant->v2, &msg));
	}
}

TEST_F(message, update_ranges)
{
	int fd = self->fd;
	bool v2 = variant->v2;
	void *user = self->t.phys.region[0].hva;

	EXPECT_ERR(EINVAL, iotlb_update(fd, v2, 0, 0, user, VHOST_ACCESS_RW));
	EXPECT_ERR(EINVAL, iotlb_update(fd, v2, ULONG_MAX, 0, NULL, 0));
	/* Beyond what there is of numbers, by IOVA and by user address. */
	EXPECT_ERR(EFAULT, iotlb_update(fd, v2, ULONG_MAX, 2, user,
					VHOST_ACCESS_RW));
	EXPECT_ERR(EFAULT, iotlb_update(fd, v2, 2, ULONG_MAX, NULL, 0));
	EXPECT_ERR(EFAULT, iotlb_update(fd, v2, 0, IOTLB_PAGE,
					(void *)(ULONG_MAX - 1), 0));
	/* Memory that no process can have. */
	EXPECT_ERR(EFAULT, iotlb_update(fd, v2, 0, IOTLB_PAGE,
					(void *)(ULONG_MAX - IOTLB_PAGE),
					VHOST_ACCESS_RO));
	EXPECT_ERR(EFAULT, iotlb_update(fd, v2, 0, ULONG_MAX, NULL,
					VHOST_ACCESS_WO));
	/* The last IOVA there is, and all but one. */
	EXPECT_OK(iotlb_update(fd, v2, ULONG_MAX - IOTLB_PAGE + 1, IOTLB_PAGE,
			       user, VHOST_ACCESS_RW));
	EXPECT_OK(iotlb_update(fd, v2, ULONG_MAX, 1, user, VHOST_ACCESS_RW));
	EXPECT_OK(iotlb_update(fd, v2, 0, ULONG_MAX, NULL, 0));
	EXPECT_OK(iotlb_update(fd, v2, 1, ULONG_MAX, NULL, 0));
	EXPECT_OK(iotlb_invalidate(fd, v2, 0, ULONG_MAX));
	EXPECT_OK(iotlb_invalidate(fd, v2, ULONG_MAX, 1));
	/* Everything. */
	EXPECT_OK(iotlb_invalidate(fd, v2, 0, 0));
	EXPECT_FALSE(readable(fd));
}

/* Bytes at any boundary: nothing says that entries are pages. */
TEST_F(message, update_of_any_size)
{
	unsigned char *user = self->t.phys.region[0].hva;
	__u64 size;

	for (size = 1; size <= IOTLB_PAGE; size = size * 3 + 1)
		EXPECT_OK(iotlb_update(self->fd, variant->v2, 12345 + size * 10,
				       size, user + size, VHOST_ACCESS_RW));
	EXPECT_OK(iotlb_invalidate(self->fd, variant->v2, 12345, IOTLB_PAGE));
}

TEST_F(message, invalidate_of_nothing)
{
	EXPECT_OK(iotlb_invalidate(self->fd, variant->v2, 0, IOTLB_PAGE));
	EXPECT_OK(iotlb_invalidate(self->fd, variant->v2, GMEM_BASE, 1));
	EXPECT_OK(iotlb_invalidate(self->fd, variant->v2, ULONG_MAX, 1));
}

/* A file without ACCESS_PLATFORM has no IOTLB, and none after a reset. */
TEST_F(message, without_iotlb)
{
	char buf[sizeof(struct vhost_msg)];
	bool v2 = variant->v2;
	int fd = vdev_open();

	ASSERT_GE(fd, 0);
	EXPECT_ERR(EAGAIN, read_bytes(fd, buf, sizeof(buf)));
	EXPECT_ERR(EFAULT, iotlb_update(fd, v2, 0, 1, buf, VHOST_ACCESS_RW));
	EXPECT_ERR(EFAULT, iotlb_invalidate(fd, v2, 0, 1));
	EXPECT_ERR(EINVAL, iotlb_update(fd, v2, 0, 0, buf, VHOST_ACCESS_RW));
	ASSERT_OK(set_blocking(fd, true));
	EXPECT_ERR(EBADFD, read_bytes(fd, buf, sizeof(buf)));
	EXPECT_EQ(0, read_bytes(fd, buf, sizeof(buf) - 1));
	EXPECT_FALSE(readable(fd));
	close(fd);

	EXPECT_OK(vdev_cmd(self->fd, VHOST_RESET_OWNER, NULL));
	EXPECT_ERR(EFAULT, iotlb_update(self->fd, v2, 0, 1, buf,
					VHOST_ACCESS_RW));
	ASSERT_OK(set_blocking(self->fd, true));
	EXPECT_ERR(EBADFD, read_bytes(self->fd, buf, sizeof(buf)));
}

/* So it was in all of them once; stable kernels changed in the middle. */
static bool keeps_iotlb(void)
{
	int fd = vdev_open();
	bool kept;

	vdev_set_features(fd, F_ACCESS_PLATFORM);
	vdev_set_features(fd, 0);
	kept = !iotlb_invalidate(fd, false, 0, 1);
	close(fd);
	return kept;
}

TEST_F(message, switched_off_by_features)
{
	char buf[sizeof(struct vhost_msg)];

	if (!env_is_ours() && keeps_iotlb())
		SKIP(return, "vhost_net of this kernel keeps its IOTLB");
	EXPECT_OK(vdev_set_features(self->fd, F_MODERN));
	EXPECT_ERR(EFAULT, iotlb_update(self->fd, variant->v2, 0, 1, buf,
					VHOST_ACCESS_RW));
	ASSERT_OK(set_blocking(self->fd, true));
	EXPECT_ERR(EBADFD, read_bytes(self->fd, buf, sizeof(buf)));
}

/* An IOTLB is the file's, not the owner's: anybody may speak who has it. */
TEST_F(message, needs_no_owner)
{
	void *user = self->t.phys.region[0].hva;
	struct vhost_iotlb_msg msg;
	bool v2 = variant->v2;
	int fd = vdev_open();
	int status;
	pid_t pid;

	ASSERT_GE(fd, 0);
	ASSERT_OK(vdev_set_features(fd, F_VERSION_1 | F_ACCESS_PLATFORM));
	EXPECT_OK(iotlb_update(fd, v2, 0, IOTLB_PAGE, user, VHOST_ACCESS_RW));
	EXPECT_OK(iotlb_invalidate(fd, v2, 0, IOTLB_PAGE));
	EXPECT_ERR(EAGAIN, iotlb_read(fd, v2, &msg));
	close(fd);

	EXPECT_ERR(EFAULT, vdev_set_backend(self->fd, TXQ, self->g.tap));
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid)
		_exit(iotlb_wait(self->fd, v2, &msg) ||
		      iotlb_preload(&self->t));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_OK(guest_set_backend(&self->g, self->g.tap));
}

/* This device has one address space; what would name another is not read. */
TEST_F(message, address_space)
{
	struct vhost_msg_v2 v2 = {
		.type = VHOST_IOTLB_MSG_V2,
		.iotlb = {
			.iova = 0, .size = IOTLB_PAGE, .uaddr = IOTLB_PAGE,
			.perm = VHOST_ACCESS_RW, .type = VHOST_IOTLB_UPDATE,
		},
	};

	memset(&v2.iotlb + 1, 0xff, sizeof(v2.padding) - sizeof(v2.iotlb));
	memset((char *)&v2 + sizeof(v2.type), 0xff, sizeof(__u32));
	EXPECT_EQ(sizeof(v2), write_bytes(self->fd, &v2, sizeof(v2)));
}

/* Both versions are understood, whichever was chosen for the misses. */
TEST_F(message, either_version_is_understood)
{
	void *user = self->t.phys.region[0].hva;

	EXPECT_OK(iotlb_update(self->fd, !variant->v2, 0, IOTLB_PAGE, user,
			       VHOST_ACCESS_RW));
	EXPECT_OK(iotlb_invalidate(self->fd, !variant->v2, 0, IOTLB_PAGE));
}

struct reader {
	pthread_t thread;
	pid_t tid;
	int fd;
	int result;
	bool done;
};

static void *reader_main(void *arg)
{
	char buf[sizeof(struct vhost_msg)];
	struct reader *r = arg;

	__atomic_store_n(&r->tid, gettid(), __ATOMIC_RELEASE);
	r->result = read_bytes(r->fd, buf, sizeof(buf));
	__atomic_store_n(&r->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static bool sleeps(pid_t tid)
{
	char path[64], state = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	f = fopen(path, "r");
	if (!f)
		return false;
	if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	fclose(f);
	return state == 'S';
}

static void on_signal(int signal)
{
}

/* A thread in read(), as far as can be told from outside. */
static int start_reader(struct reader *r, int fd)
{
	struct sigaction action = { .sa_handler = on_signal };
	int err;

	memset(r, 0, sizeof(*r));
	r->fd = fd;
	sigaction(SIGUSR1, &action, NULL);
	err = set_blocking(fd, true);
	if (err)
		return err;
	err = -pthread_create(&r->thread, NULL, reader_main, r);
	if (err)
		return err;
	return wait_until(__atomic_load_n(&r->tid, __ATOMIC_ACQUIRE) &&
			  sleeps(r->tid)) ? 0 : -ETIMEDOUT;
}

static int join_reader(struct reader *r)
{
	if (!wait_until(__atomic_load_n(&r->done, __ATOMIC_ACQUIRE)))
		return -ETIMEDOUT;
	pthread_join(r->thread, NULL);
	return r->result;
}

/* A signal may come before the call: then another one is needed. */
static int interrupt_reader(struct reader *r)
{
	if (!wait_until(__atomic_load_n(&r->done, __ATOMIC_ACQUIRE) ||
			(pthread_kill(r->thread, SIGUSR1), false)))
		return -ETIMEDOUT;
	return join_reader(r);
}

TEST_F(message, blocking_read_gets_the_miss)
{
	struct reader r;

	ASSERT_OK(start_reader(&r, self->fd));
	EXPECT_ERR(EFAULT, vdev_set_backend(self->fd, TXQ, self->g.tap));
	EXPECT_EQ(sizeof(struct vhost_msg), join_reader(&r));
}

TEST_F(message, blocking_read_is_interrupted)
{
	struct reader r;

	ASSERT_OK(start_reader(&r, self->fd));
	EXPECT_ERR(EINTR, interrupt_reader(&r));
}

TEST_F(message, blocking_read_ends_with_the_iotlb)
{
	struct reader r;

	ASSERT_OK(start_reader(&r, self->fd));
	EXPECT_OK(vdev_cmd(self->fd, VHOST_RESET_OWNER, NULL));
	EXPECT_ERR(EBADFD, join_reader(&r));
	if (!env_is_ours() && keeps_iotlb())
		return;
	ASSERT_OK(vdev_set_features(self->fd, F_ACCESS_PLATFORM));
	ASSERT_OK(start_reader(&r, self->fd));
	EXPECT_OK(vdev_set_features(self->fd, 0));
	EXPECT_ERR(EBADFD, join_reader(&r));
}

/* The file goes when its last user does, and that is the reader. */
TEST_F(message, close_under_a_reader)
{
	struct reader r;

	ASSERT_OK(start_reader(&r, self->fd));
	close(self->fd);
	self->g.dev = -1;
	EXPECT_FALSE(__atomic_load_n(&r.done, __ATOMIC_ACQUIRE));
	EXPECT_ERR(EINTR, interrupt_reader(&r));
}

/* Queued, read and not answered: each may be there at the end. */
TEST_F(message, close_with_misses_outstanding)
{
	struct vhost_iotlb_msg msg;

	EXPECT_ERR(EFAULT, vdev_set_backend(self->fd, TXQ, self->g.tap));
	ASSERT_OK(iotlb_wait(self->fd, variant->v2, &msg));
	EXPECT_ERR(EFAULT, vdev_set_backend(self->fd, RXQ, self->g.tap));
	close(self->fd);
	self->g.dev = -1;
}

/* QEMU tells of one page of each used ring before it starts the rings. */
TEST_F(message, start_wants_the_used_ring)
{
	struct guest *g = &self->g;

	EXPECT_ERR(EFAULT, vdev_set_backend(g->dev, RXQ, g->tap));
	EXPECT_ERR(EFAULT, vdev_set_backend(g->dev, TXQ, g->tap));
	ASSERT_OK(iotlb_preload(&self->t));
	EXPECT_OK(guest_set_backend(g, g->tap));
	/* And again, as in a stop and start without a word in between. */
	EXPECT_OK(guest_set_backend(g, -1));
	EXPECT_OK(guest_set_backend(g, g->tap));
	EXPECT_OK(guest_set_backend(g, -1));
	ASSERT_OK(iotlb_flush(&self->t));
	EXPECT_ERR(EFAULT, vdev_set_backend(g->dev, TXQ, g->tap));
}

/* However often it is kicked, a ring has one question. */
TEST_F(message, miss_is_queued_once)
{
	struct vq *vq = &self->g.vq[TXQ];
	struct vhost_iotlb_msg msg;
	unsigned int i;

	OURS_ALONE("each kick queues a miss of its own");
	ASSERT_OK(start_quietly(&self->t));
	ASSERT_OK(vq_add_out(vq, self->g.pool[TXQ].slot[0].gpa, 100, 0));
	vq_publish(vq);
	for (i = 0; i < 50; i++) {
		vq_kick(vq);
		/* Stopping a busy loop of theirs waits for the worker. */
		ASSERT_OK(vdev_set_file(self->fd, VHOST_SET_VRING_KICK, TXQ,
					-1));
		ASSERT_OK(vdev_set_file(self->fd, VHOST_SET_VRING_KICK, TXQ,
					vq->kick));
	}
	/*
	 * The last eventfd was readable when it came: a run for it that is yet to
	 * come would ask again. Taking it away waits for that.
	 */
	ASSERT_OK(vdev_set_file(self->fd, VHOST_SET_VRING_KICK, TXQ, -1));
	ASSERT_OK(iotlb_wait(self->fd, variant->v2, &msg));
	EXPECT_EQ(0, iotlb_read_all(self->fd, variant->v2));
	/* Who has read it and not answered is asked again. */
	ASSERT_OK(vdev_set_file(self->fd, VHOST_SET_VRING_KICK, TXQ, vq->kick));
	vq_kick(vq);
	EXPECT_OK(iotlb_wait(self->fd, variant->v2, &msg));
}

/* The answer may come before the question is read. */
TEST_F(message, update_before_the_miss_is_read)
{
	struct guest *g = &self->g;
	struct vq *vq = &g->vq[TXQ];
	unsigned char frame[60];

	OURS_ALONE("only a miss that was read is answered");
	ASSERT_OK(start_quietly(&self->t));
	frame_make(frame, sizeof(frame), 7);
	ASSERT_OK(guest_send(g, NULL, frame, sizeof(frame), 1, false));
	vq_publish(vq);
	vq_kick(vq);
	ASSERT_THAT(wait_until(readable(self->fd)));
	ASSERT_OK(iotlb_answer(&self->t, g->pool[TXQ].slot[0].gpa));
	EXPECT_OK(guest_capture(g, sizeof(frame), 7));
	EXPECT_OK(guest_reap_all(g));
}

/* A stop does not wait for an answer, and loses nothing. */
TEST_F(message, stop_with_a_miss_outstanding)
{
	struct guest *g = &self->g;
	static struct guest_frame f;
	struct vhost_iotlb_msg msg;
	unsigned char frame[60];
	__u32 base;

	ASSERT_OK(start_quietly(&self->t));
	frame_make(frame, sizeof(frame), 9);
	ASSERT_OK(guest_send(g, NULL, frame, sizeof(frame), 1, false));
	vq_submit(&g->vq[TXQ]);
	ASSERT_OK(guest_post(g, 2048, 1, false));
	vq_submit(&g->vq[RXQ]);
	ASSERT_OK(guest_inject(g, 60, 10));
	/* One was read, one not: in whatever order they came. */
	ASSERT_OK(iotlb_wait(self->fd, variant->v2, &msg));
	ASSERT_OK(guest_set_backend(g, -1));
	ASSERT_OK(vdev_get_base(g->dev, TXQ, &base));
	EXPECT_EQ(0, base);
	ASSERT_OK(vdev_get_base(g->dev, RXQ, &base));
	EXPECT_EQ(0, base);
	EXPECT_EQ(0, split_used(&g->vq[TXQ])->idx);
	EXPECT_EQ(0, split_used(&g->vq[RXQ])->idx);

	ASSERT_OK(iotlb_serve(&self->t));
	ASSERT_OK(guest_set_backend(g, g->tap));
	vq_kick(&g->vq[TXQ]);
	EXPECT_OK(guest_capture(g, sizeof(frame), 9));
	EXPECT_OK(guest_reap_all(g));
	ASSERT_OK(guest_recv(g, &f));
	EXPECT_TRUE(f.len == 60 && frame_is(f.data, 60, 10));
	EXPECT_OK(iotlb_unserve(&self->t));
}

/* What a ring has asked is no question any more when its backend goes. */
TEST_F(message, misses_go_with_the_backend)
{
	struct vq *vq = &self->g.vq[TXQ];
	struct vhost_iotlb_msg msg;

	/* A start that failed. */
	EXPECT_ERR(EFAULT, vdev_set_backend(self->fd, TXQ, self->g.tap));
	ASSERT_THAT(wait_until(readable(self->fd)));
	ASSERT_OK(vdev_set_backend(self->fd, TXQ, -1));
	EXPECT_FALSE(readable(self->fd));
	EXPECT_ERR(EAGAIN, iotlb_read(self->fd, variant->v2, &msg));
	/* A worker that has met a frame. */
	ASSERT_OK(start_quietly(&self->t));
	ASSERT_OK(vq_add_out(vq, self->g.pool[TXQ].slot[0].gpa, 100, 0));
	vq_publish(vq);
	vq_kick(vq);
	ASSERT_THAT(wait_until(readable(self->fd)));
	ASSERT_OK(vdev_set_backend(self->fd, TXQ, -1));
	EXPECT_FALSE(readable(self->fd));
	EXPECT_ERR(EAGAIN, iotlb_read(self->fd, variant->v2, &msg));
	/* The next start asks for the frame again. */
	ASSERT_OK(vdev_set_backend(self->fd, TXQ, self->g.tap));
	vq_kick(vq);
	ASSERT_OK(iotlb_wait(self->fd, variant->v2, &msg));
	EXPECT_EQ(self->g.pool[TXQ].slot[0].gpa, msg.iova);
}

/* A frame each way, and both rings have asked for its buffer. */
static int let_both_ask(struct iotlb *t)
{
	struct guest *g = t->g;
	unsigned char frame[60];
	int err;

	frame_make(frame, sizeof(frame), 9);
	err = guest_send(g, NULL, frame, sizeof(frame), 1, false);
	if (!err)
		err = guest_post(g, 2048, 1, false);
	if (!err)
		err = guest_inject(g, sizeof(frame), 10);
	vq_submit(&g->vq[TXQ]);
	vq_submit(&g->vq[RXQ]);
	if (err)
		return err;
	return wait_until(vdev_counter(g->dev, "queue0.iotlb_misses") &&
			  vdev_counter(g->dev, "queue1.iotlb_misses")) ?
	       0 : -ETIMEDOUT;
}

/* The frame that let_both_ask() has sent into ring @ring. */
static int take_frame_of(struct guest *g, unsigned int ring)
{
	static struct guest_frame f;
	int err;

	if (ring == TXQ) {
		err = guest_capture(g, 60, 9);
		return err ? err : guest_reap_all(g);
	}
	err = guest_recv(g, &f);
	if (err)
		return err;
	return f.len == 60 && frame_is(f.data, 60, 10) ? 0 : -EBADMSG;
}

/* The question of the ring that is not stopped is there, or comes once more. */
static int stop_one_of_two(struct iotlb *t, unsigned int stop)
{
	unsigned int goes_on = !stop;
	struct vhost_iotlb_msg msg;
	struct guest *g = t->g;
	int err;

	err = vdev_set_backend(g->dev, stop, -1);
	if (!err)
		err = iotlb_wait(g->dev, t->cfg.v2, &msg);
	/* A kick that comes late has it ask twice. */
	for (; !err; err = iotlb_read(g->dev, t->cfg.v2, &msg))
		if (msg.iova != g->pool[goes_on].slot[0].gpa)
			return -EPROTO;
	if (err != -EAGAIN)
		return err;
	err = iotlb_answer(t, g->pool[goes_on].slot[0].gpa);
	return err ? err : take_frame_of(g, goes_on);
}

static int restart_one_of_two(struct iotlb *t, unsigned int ring)
{
	struct guest *g = t->g;
	int err;

	err = iotlb_answer(t, g->pool[ring].slot[0].gpa);
	if (!err)
		err = vdev_set_backend(g->dev, ring, g->tap);
	vq_kick(&g->vq[ring]);
	return err ? err : take_frame_of(g, ring);
}

#define OTHER_RING_IS_FORGOTTEN						\
	OURS_ALONE("the other ring's miss is dropped, and it asks no more")

TEST_F(message, other_ring_goes_on_without_receive)
{
	OTHER_RING_IS_FORGOTTEN;
	ASSERT_OK(start_quietly(&self->t));
	ASSERT_OK(let_both_ask(&self->t));
	ASSERT_OK(stop_one_of_two(&self->t, RXQ));
	EXPECT_OK(restart_one_of_two(&self->t, RXQ));
}

TEST_F(message, other_ring_goes_on_without_transmit)
{
	OTHER_RING_IS_FORGOTTEN;
	ASSERT_OK(start_quietly(&self->t));
	ASSERT_OK(let_both_ask(&self->t));
	ASSERT_OK(stop_one_of_two(&self->t, TXQ));
	EXPECT_OK(restart_one_of_two(&self->t, TXQ));
}

/* Reads until each of the rings has been heard. */
static int read_both(struct iotlb *t)
{
	struct vhost_iotlb_msg msg;
	bool heard[NR_VQS] = { 0 };
	unsigned int i;
	int err = 0;

	while (!err && !(heard[RXQ] && heard[TXQ])) {
		err = iotlb_wait(t->g->dev, t->cfg.v2, &msg);
		for (i = 0; !err && i < NR_VQS; i++)
			heard[i] |= msg.iova == t->g->pool[i].slot[0].gpa;
	}
	return err;
}

/* Questions that were read before the stop may be answered after it. */
TEST_F(message, answer_after_the_other_ring_has_stopped)
{
	unsigned int stop;

	OTHER_RING_IS_FORGOTTEN;
	ASSERT_OK(start_quietly(&self->t));
	for (stop = 0; stop < NR_VQS; stop++) {
		ASSERT_OK(let_both_ask(&self->t));
		ASSERT_OK(read_both(&self->t));
		ASSERT_OK(vdev_set_backend(self->fd, stop, -1));
		ASSERT_OK(iotlb_answer(&self->t,
				       self->g.pool[!stop].slot[0].gpa));
		ASSERT_OK_AT(take_frame_of(&self->g, !stop), "without %u",
			     stop);
		ASSERT_OK(restart_one_of_two(&self->t, stop));
		ASSERT_OK(iotlb_flush(&self->t));
		ASSERT_OK(guest_set_backend(&self->g, -1));
		ASSERT_OK(start_quietly(&self->t));
	}
}

static unsigned int max_entries(void)
{
	unsigned int n = 2048;
	char path[96];
	FILE *f;

	snprintf(path, sizeof(path),
		 "/sys/module/%s/parameters/max_iotlb_entries",
		 env_is_ours() ? "vhost_alt" : "vhost");
	f = fopen(path, "r");
	if (!f)
		return n;
	if (fscanf(f, "%u", &n) != 1)
		n = 2048;
	fclose(f);
	return n;
}

/* The oldest entry goes when there is no room, and no other. */
TEST_F(message, oldest_entry_goes)
{
	void *user = self->t.phys.region[0].hva;
	__u64 used = self->g.vq[TXQ].gpa[VQ_USED];
	unsigned int i, n = max_entries();

	ASSERT_OK(iotlb_answer(&self->t, used));
	for (i = 1; i < n; i++)
		ASSERT_OK_AT(iotlb_update(self->fd, variant->v2,
					  i * 2 * IOTLB_PAGE, IOTLB_PAGE, user,
					  VHOST_ACCESS_RW), "entry %u", i);
	EXPECT_OK(vdev_set_backend(self->fd, TXQ, self->g.tap));
	EXPECT_OK(vdev_set_backend(self->fd, TXQ, -1));
	ASSERT_OK(iotlb_update(self->fd, variant->v2, n * 2 * IOTLB_PAGE,
			       IOTLB_PAGE, user, VHOST_ACCESS_RW));
	EXPECT_ERR(EFAULT, vdev_set_backend(self->fd, TXQ, self->g.tap));
	ASSERT_OK(iotlb_answer(&self->t, used));
	EXPECT_OK(vdev_set_backend(self->fd, TXQ, self->g.tap));
}

static int map_slot(struct iotlb *t, unsigned int ring, unsigned int slot,
		    __u8 perm)
{
	__u64 iova = t->g->pool[ring].slot[slot].gpa & ~(IOTLB_PAGE - 1);

	return iotlb_update(t->g->dev, t->cfg.v2, iova, IOTLB_PAGE,
			    *iotlb_page(t, iova), perm);
}

/* A buffer that the device may only read is not written. */
TEST_F(message, receive_into_read_only)
{
	struct guest *g = &self->g;
	__u64 iova = g->pool[RXQ].slot[0].gpa;
	unsigned char *page = *iotlb_page(&self->t, iova);
	unsigned int i;

	ASSERT_OK(start_quietly(&self->t));
	ASSERT_OK(map_slot(&self->t, RXQ, 0, VHOST_ACCESS_RO));
	memset(page, 0x5a, IOTLB_PAGE);
	ASSERT_OK(vq_add_in(&g->vq[RXQ], iova, 1024, 0));
	vq_publish(&g->vq[RXQ]);
	vq_kick(&g->vq[RXQ]);
	ASSERT_OK(guest_inject(g, 60, 1));
	if (env_is_ours())
		EXPECT_TRUE(vq_wait(&g->vq[RXQ]));
	ASSERT_OK(guest_set_backend(g, -1));
	for (i = 0; i < IOTLB_PAGE && page[i] == 0x5a; i++)
		;
	EXPECT_EQ(IOTLB_PAGE, i);
}

/* The chain is the guest's mistake, and costs it that one. */
TEST_F(message, wrong_permission_costs_one_chain)
{
	struct guest *g = &self->g;
	unsigned char frame[60];
	struct vq_used used;

	OURS_ALONE("the queue stops at a buffer without permission");
	ASSERT_OK(start_quietly(&self->t));
	ASSERT_OK(map_slot(&self->t, TXQ, 0, VHOST_ACCESS_WO));
	ASSERT_OK(vq_add_out(&g->vq[TXQ], g->pool[TXQ].slot[0].gpa, 100, 77));
	vq_submit(&g->vq[TXQ]);
	ASSERT_THAT(vq_wait_pop(&g->vq[TXQ], &used));
	EXPECT_EQ(77, used.cookie);
	EXPECT_EQ(0, used.len);
	EXPECT_EQ(1, vdev_counter(g->dev, "queue1.drop.chain_address"));

	ASSERT_OK(map_slot(&self->t, TXQ, 0, VHOST_ACCESS_RO));
	frame_make(frame, sizeof(frame), 3);
	ASSERT_OK(guest_send(g, NULL, frame, sizeof(frame), 1, false));
	vq_submit(&g->vq[TXQ]);
	EXPECT_OK(guest_capture(g, sizeof(frame), 3));
	EXPECT_OK(guest_reap_all(g));
}

/* Nor does a ring get what its pages may not give. */
TEST_F(message, used_ring_is_read_only)
{
	__u64 used = self->g.vq[TXQ].gpa[VQ_USED] & ~(IOTLB_PAGE - 1);

	OURS_ALONE("written all the same");
	ASSERT_OK(iotlb_update(self->fd, variant->v2, used, IOTLB_PAGE,
			       *iotlb_page(&self->t, used), VHOST_ACCESS_RO));
	EXPECT_ERR(EFAULT, vdev_set_backend(self->fd, TXQ, self->g.tap));
	ASSERT_OK(iotlb_answer(&self->t, used));
	EXPECT_OK(vdev_set_backend(self->fd, TXQ, self->g.tap));
}

/* All of it: rings of several pages, buffers of many, and a VMM that answers. */
FIXTURE(traffic)
{
	struct guest g;
	struct iotlb t;
	struct gmem_region *spare;
};

FIXTURE_VARIANT(traffic)
{
	struct iotlb_cfg iotlb;
	__u64 features;
	unsigned int num;
};

/* Few and large, as of a guest that passes everything through. */
FIXTURE_VARIANT_ADD(traffic, regions)
{
	.iotlb = { .v2 = false },
	.features = F_MODERN,
	.num = 256,
};

/* No two neighbours together, and no ring in one piece. */
FIXTURE_VARIANT_ADD(traffic, scattered)
{
	.iotlb = { .v2 = true, .scatter = true },
	.features = F_MODERN,
	.num = 1024,
};

/* An entry for each page, though they are neighbours. */
FIXTURE_VARIANT_ADD(traffic, pages)
{
	.iotlb = { .v2 = false, .grain = IOTLB_PAGE },
	.features = F_VERSION_1 | F_EVENT_IDX | F_INDIRECT,
	.num = 1024,
};

FIXTURE_VARIANT_ADD(traffic, scattered_flags)
{
	.iotlb = { .v2 = true, .scatter = true },
	.features = F_VERSION_1 | F_MRG_RXBUF | F_INDIRECT,
	.num = 512,
};

FIXTURE_VARIANT_ADD(traffic, in_order)
{
	.iotlb = { .v2 = true, .scatter = true },
	.features = F_MODERN | F_IN_ORDER,
	.num = 1024,
};

#define SLOT		GUEST_BURST_SLOT

FIXTURE_SETUP(traffic)
{
	struct guest_cfg cfg = {
		.features = variant->features,
		.tap_flags = IFF_VNET_HDR,
		.num = variant->num,
		.slots = 96,
		.slot_size = SLOT,
		.ind_max = 4,
	};
	struct guest *g = &self->g;

	SETUP_NEEDS(variant->features);
	ASSERT_OK(iotlb_guest_start(&self->t, g, &variant->iotlb, &cfg));
	self->spare = &g->mem.region[g->mem.nregions - 1];
}

FIXTURE_TEARDOWN(traffic)
{
	EXPECT_OK(iotlb_unserve(&self->t));
	iotlb_guest_stop(&self->t, &self->g);
}

static const size_t lengths[] = { 60, 1514, 4083, 4084, 4085, 9000, 16000 };

TEST_F(traffic, transmit)
{
	static const unsigned int pieces[] = { 1, 2, 4, 7 };
	struct guest *g = &self->g;
	unsigned int i, k, seq = 0;

	for (i = 0; i < ARRAY_SIZE(lengths); i++)
		for (k = 0; k < ARRAY_SIZE(pieces); k++)
			ASSERT_OK_AT(guest_check_tx(g, lengths[i], seq++,
						    pieces[k], false),
				     "%zu bytes in %u", lengths[i], pieces[k]);
	for (i = 0; i < ARRAY_SIZE(lengths); i++)
		for (k = 0; k < 3; k++)
			ASSERT_OK_AT(guest_check_tx(g, lengths[i], seq++,
						    pieces[k], true),
				     "%zu bytes in %u, indirect",
				     lengths[i], pieces[k]);
	EXPECT_GT(self->t.misses, 0);
}

TEST_F(traffic, receive)
{
	static const unsigned int pieces[] = { 1, 3, 4 };
	struct guest *g = &self->g;
	unsigned int i, k, seq = 0;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		for (k = 0; k < 2 * ARRAY_SIZE(pieces); k++) {
			ASSERT_OK(guest_post(g, SLOT, pieces[k / 2], k & 1));
			vq_submit(&g->vq[RXQ]);
			ASSERT_OK_AT(guest_check_rx(g, lengths[i], seq++),
				     "%zu bytes in %u", lengths[i],
				     pieces[k / 2]);
		}
	}
	EXPECT_GT(self->t.misses, 0);
}

/* Buffers of other sizes than pages, so that most lie in two. */
TEST_F(traffic, receive_mergeable)
{
	struct guest *g = &self->g;
	static struct guest_frame f;
	unsigned int i, seq, len = 703;

	if (!(variant->features & F_MRG_RXBUF))
		SKIP(return, "without mergeable buffers");
	for (seq = 0; seq < ARRAY_SIZE(lengths); seq++) {
		for (i = 0; !guest_post(g, len, 1 + i % 2, i & 1); i++)
			;
		vq_submit(&g->vq[RXQ]);
		ASSERT_OK(guest_inject(g, lengths[seq], seq));
		ASSERT_OK(guest_recv(g, &f));
		EXPECT_EQ(lengths[seq], f.len);
		EXPECT_TRUE(frame_is(f.data, f.len, seq));
		EXPECT_EQ((lengths[seq] + HDR_LEN_MRG + len - 1) / len,
			  f.nbufs);
	}
}

/* One page of the rings or of the buffers, or everything. */
static int forget_something(struct iotlb *t, __u64 *rnd)
{
	struct iotlb_region *r = &t->region[rnd_below(rnd, 2)];
	__u64 iova = r->iova + rnd_below(rnd, r->npages) * IOTLB_PAGE;
	int err;

	if (!rnd_below(rnd, 4))
		return iotlb_flush(t);
	pthread_mutex_lock(&t->lock);
	err = iotlb_invalidate(t->g->dev, t->cfg.v2, iova, 1);
	pthread_mutex_unlock(&t->lock);
	return err;
}

TEST_F(traffic, nothing_lost_across_misses)
{
	unsigned int i, n = env_scaled(200, 10);
	struct guest *g = &self->g;
	__u64 rnd = 1;

	for (i = 0; i < n; i++) {
		ASSERT_OK(guest_burst_post(g));
		ASSERT_OK(forget_something(&self->t, &rnd));
		ASSERT_OK(guest_burst_send(g, i * GUEST_BURST));
		ASSERT_OK(forget_something(&self->t, &rnd));
		ASSERT_OK_AT(guest_burst_take(g, i * GUEST_BURST),
			     "round %u", i);
	}
	EXPECT_FALSE(guest_has_frame(g));
	EXPECT_EQ(0, g->vq[TXQ].bogus + g->vq[RXQ].bogus);
	EXPECT_GE(self->t.misses, n);
	if (env_is_ours())
		EXPECT_GT(vdev_counter(g->dev, "queue1.iotlb_misses"), 0);
}

/* Stop at any moment: where the rings are is told exactly. */
static int stop_and_start(struct guest *g, struct iotlb *t)
{
	unsigned int i;
	__u32 base;
	int err;

	err = guest_set_backend(g, -1);
	for (i = 0; !err && i < NR_VQS; i++) {
		err = vdev_get_base(g->dev, i, &base);
		if (!err && base != split_used_idx(&g->vq[i]))
			err = -EPROTO;
		if (!err)
			err = vdev_set_state(g->dev, VHOST_SET_VRING_BASE, i,
					     base);
	}
	if (!err)
		err = iotlb_serve(t);
	if (!err)
		err = iotlb_preload(t);
	if (!err)
		err = guest_set_backend(g, g->tap);
	for (i = 0; i < NR_VQS; i++)
		vq_kick(&g->vq[i]);
	return err;
}

TEST_F(traffic, stop_and_start_among_misses)
{
	unsigned int i, n = env_scaled(40, 5);
	struct guest *g = &self->g;
	__u64 rnd = 2;

	if (variant->features & F_IN_ORDER)
		OURS_ALONE("it starts at the descriptor of the index's number");
	for (i = 0; i < n; i++) {
		ASSERT_OK(guest_burst_post(g));
		ASSERT_OK(forget_something(&self->t, &rnd));
		/* Half of the time nobody answers when the rings stop. */
		if (i & 1)
			ASSERT_OK(iotlb_unserve(&self->t));
		ASSERT_OK(guest_burst_send(g, i * GUEST_BURST));
		if (!(i & 1))
			ASSERT_OK(iotlb_unserve(&self->t));
		ASSERT_OK_AT(stop_and_start(g, &self->t), "round %u", i);
		ASSERT_OK_AT(guest_burst_take(g, i * GUEST_BURST),
			     "round %u", i);
	}
}

/* Entries of no use to anybody, as many as there is room for. */
static int fill_up(struct iotlb *t)
{
	unsigned int i, n = max_entries();
	int err = 0;

	pthread_mutex_lock(&t->lock);
	for (i = 0; !err && i < n; i++)
		err = iotlb_update(t->g->dev, t->cfg.v2, i * 2 * IOTLB_PAGE,
				   IOTLB_PAGE, t->phys.region[0].hva,
				   VHOST_ACCESS_RW);
	pthread_mutex_unlock(&t->lock);
	return err;
}

/* Each entry that is needed drives out another. */
TEST_F(traffic, no_room_for_entries)
{
	struct guest *g = &self->g;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		ASSERT_OK(guest_burst_post(g));
		ASSERT_OK(fill_up(&self->t));
		ASSERT_OK(guest_burst_send(g, i * GUEST_BURST));
		if (i & 1)
			ASSERT_OK(fill_up(&self->t));
		ASSERT_OK_AT(guest_burst_take(g, i * GUEST_BURST),
			     "round %u", i);
	}
}

static bool all_bytes(const unsigned char *p, int byte)
{
	unsigned int i;

	for (i = 0; i < IOTLB_PAGE; i++)
		if (p[i] != byte)
			return false;
	return true;
}

#define GONE	0xee

/* Marks what the device has been told to forget; nobody else knows of it. */
static unsigned char *mark_gone(unsigned char *page)
{
	if (page)
		memset(page, GONE, IOTLB_PAGE);
	return page;
}

struct sender {
	struct guest *g;
	pthread_t thread;
	bool stop;
};

static void *send_frames(void *arg)
{
	struct sender *s = arg;
	unsigned int i;

	/* Some will find the tap full, and it does not matter which. */
	while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
		for (i = 0; i < 16; i++)
			guest_inject(s->g, 1000, i);
		env_pause();
	}
	return NULL;
}

static int stop_sender(struct sender *s)
{
	__atomic_store_n(&s->stop, true, __ATOMIC_RELAXED);
	return -pthread_join(s->thread, NULL);
}

/* Buffer @slot of receive: less than a page, at a page's beginning. */
static int post_page(struct guest *g, unsigned int slot)
{
	return vq_add_in(&g->vq[RXQ], g->pool[RXQ].slot[slot].gpa, 2048, slot);
}

/* Takes @n frames, one at least, and offers their buffers again. */
static int pass_frames(struct guest *g, unsigned int n)
{
	struct vq *vq = &g->vq[RXQ];
	struct vq_used used;
	int err = 0;

	while (!err && n--) {
		if (!vq_wait_pop(vq, &used))
			return -ETIMEDOUT;
		if (used.cookie == VQ_BOGUS)
			return -EPROTO;
		err = post_page(g, used.cookie);
		vq_submit(vq);
	}
	return err;
}

/* The page of a buffer becomes @new; what it was is nobody's when this returns. */
static int change_page(struct iotlb *t, __u64 iova, unsigned char **new)
{
	unsigned char **page = iotlb_page(t, iova);
	unsigned char *old = *page;
	int err;

	pthread_mutex_lock(&t->lock);
	*page = *new;
	err = iotlb_invalidate(t->g->dev, t->cfg.v2, iova, IOTLB_PAGE);
	pthread_mutex_unlock(&t->lock);
	*new = old;
	return err;
}

/*
 * Buffers change their pages under traffic. A page that has been taken away is
 * not written any more, from the moment on when the invalidation returns.
 */
TEST_F(traffic, nothing_is_touched_after_invalidate)
{
	unsigned int i, slot, written = 0, n = env_scaled(300, 30);
	struct guest *g = &self->g;
	struct sender sender = { .g = g };
	unsigned char *spare;
	__u64 rnd = 3;

	spare = *iotlb_page(&self->t, self->spare->gpa);
	for (i = 0; i < 16; i++)
		ASSERT_OK(post_page(g, i));
	vq_submit(&g->vq[RXQ]);
	ASSERT_EQ(0, pthread_create(&sender.thread, NULL, send_frames,
				    &sender));
	for (i = 0; i < n; i++) {
		/* Nobody knows of it before it is somebody's page. */
		memset(spare, 0x11, IOTLB_PAGE);
		slot = rnd_below(&rnd, 16);
		ASSERT_OK(change_page(&self->t, g->pool[RXQ].slot[slot].gpa,
				      &spare));
		written += !all_bytes(spare, 0x11);
		mark_gone(spare);
		ASSERT_OK(pass_frames(g, 1 + rnd_below(&rnd, 20)));
		ASSERT_THAT_AT(all_bytes(spare, GONE), "round %u", i);
	}
	ASSERT_OK(stop_sender(&sender));
	ASSERT_OK(guest_set_backend(g, -1));
	EXPECT_TRUE(all_bytes(spare, GONE));
	/* They were in use indeed. */
	EXPECT_GT(written, 0);
}

/* The last that a worker writes before it sleeps is that it wants a kick. */
static bool transmit_sleeps(struct guest *g)
{
	return split_kick_is_asked(&g->vq[TXQ]);
}

/* A page of the used ring moves while nobody writes to it. */
static int check_moved(struct iotlb *t, struct gmem_region *spare,
		       int (*forget)(struct iotlb *t, __u64 iova))
{
	__u64 iova = t->g->vq[TXQ].gpa[VQ_USED];
	unsigned char *old;
	int err;

	err = guest_check_alive(t->g, 1);
	if (err)
		return err;
	if (!wait_until(transmit_sleeps(t->g)))
		return -ETIMEDOUT;
	old = iotlb_move(t, iova, spare, 0);
	if (!old)
		return -ENOMEM;
	err = forget(t, iova);
	if (err)
		return err;
	mark_gone(old);
	err = guest_check_alive(t->g, 100);
	if (err)
		return err;
	return all_bytes(old, GONE) ? 0 : -EBADMSG;
}

static int forget_page(struct iotlb *t, __u64 iova)
{
	return iotlb_invalidate(t->g->dev, t->cfg.v2, iova, 1);
}

TEST_F(traffic, ring_cache_and_invalidate)
{
	ASSERT_OK(check_moved(&self->t, self->spare, forget_page));
}

/* The new one in the place of the old, which nobody takes back. */
static int replace_page(struct iotlb *t, __u64 iova)
{
	return iotlb_update(t->g->dev, t->cfg.v2, iova & ~(IOTLB_PAGE - 1),
			    IOTLB_PAGE, *iotlb_page(t, iova), VHOST_ACCESS_RW);
}

TEST_F(traffic, ring_cache_and_update)
{
	OURS_ALONE("an update leaves in place what it overlaps");
	ASSERT_OK(check_moved(&self->t, self->spare, replace_page));
}

/* Also when the rings run: a new IOTLB knows nothing. */
static int set_features(struct iotlb *t, __u64 iova)
{
	return vdev_set_features(t->g->dev, t->g->cfg.features);
}

TEST_F(traffic, ring_cache_and_set_features)
{
	ASSERT_OK(check_moved(&self->t, self->spare, set_features));
}

/* The ring moves to other IOVAs; where it was is no ring any more. */
TEST_F(traffic, ring_cache_and_set_addr)
{
	struct guest *g = &self->g;
	struct vq *vq = &g->vq[TXQ];
	enum vq_area area;
	struct vq new;
	__u64 gpa = self->spare->gpa;
	void *old = vq->area[VQ_USED];
	size_t size, rest;

	ASSERT_OK(guest_check_alive(g, 1));
	ASSERT_THAT(wait_until(transmit_sleeps(g)));
	new = *vq;
	for (area = 0; area < VQ_AREAS; area++) {
		size = vq->ops->size(vq->num, area);
		new.gpa[area] = gpa;
		new.area[area] = gmem_hva(&g->mem, gpa, size);
		ASSERT_NE(NULL, new.area[area]);
		memcpy(new.area[area], vq->area[area], size);
		gpa = (gpa + size + 15) & ~15ULL;
	}
	ASSERT_OK(vdev_set_addr(g->dev, &new));
	size = vq->ops->size(vq->num, VQ_USED);
	memset(old, GONE, size);
	*vq = new;
	ASSERT_OK(guest_check_alive(g, 100));
	for (rest = 0; rest < size; rest++)
		ASSERT_EQ(GONE, ((unsigned char *)old)[rest]);
}

/* A ring that grows reaches into pages that were none of its business. */
TEST_F(traffic, ring_cache_and_set_num)
{
	static const unsigned char frame[60];
	struct guest *g = &self->g;
	unsigned int i, num = variant->num;
	struct vq *vq = &g->vq[TXQ];

	ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
	for (i = 0; i < 2; i++) {
		vq->num = i ? num : 8;
		vq_reset(vq, 0);
		ASSERT_OK(vdev_set_vring(g->dev, vq, 0));
		ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
		ASSERT_OK(guest_check_tx(g, 60, i, 1, false));
		ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
	}
	/* Once around, so that each entry of it is used. */
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
	for (i = 0; i < num; i++) {
		ASSERT_OK(guest_wait_room(g, 1));
		ASSERT_OK(guest_send(g, NULL, frame, sizeof(frame), 1, false));
		vq_submit(vq);
	}
	ASSERT_OK(guest_reap_all(g));
}

/* From addresses of an IOMMU to plain ones and back, the rings being idle. */
TEST_F(traffic, off_and_on)
{
	struct guest *g = &self->g;
	__u64 features = g->cfg.features;
	unsigned int round, i;
	bool on;

	if (!env_is_ours() && keeps_iotlb())
		SKIP(return, "vhost_net of this kernel keeps its IOTLB");
	for (round = 0; round < 4; round++) {
		ASSERT_OK_AT(guest_check_alive(g, round), "round %u", round);
		ASSERT_OK(guest_set_backend(g, -1));
		on = round & 1;
		g->cfg.features = on ? features : features & ~F_ACCESS_PLATFORM;
		ASSERT_OK(vdev_set_features(g->dev, g->cfg.features));
		ASSERT_OK(vdev_set_mem(g->dev, on ? &self->t.phys : &g->mem));
		for (i = 0; i < NR_VQS; i++) {
			g->vq[i].features = g->cfg.features;
			vq_reset(&g->vq[i], 0);
			ASSERT_OK(vdev_set_vring(g->dev, &g->vq[i], 0));
		}
		if (on)
			ASSERT_OK(iotlb_preload(&self->t));
		ASSERT_OK(guest_set_backend(g, g->tap));
	}
}

VHOST_TEST_MAIN
