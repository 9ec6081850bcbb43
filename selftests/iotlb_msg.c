// SPDX-License-Identifier: GPL-2.0-only
/*
 * The messages of the device IOTLB, byte by byte and error by error: reads that
 * block and that do not, updates, invalidations, and when there is an IOTLB.
 */
#include <limits.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "iotlb_guest.h"
#include "test.h"

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

FIXTURE_SETUP(message)
{
	ASSERT_OK(iotlb_guest_idle(&self->t, &self->g, 0, variant->v2));
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

/* noipa: the compiler would warn of the bad addresses that it gets. */
static __attribute__((noipa)) int write_bytes(int fd, const void *buf,
					      size_t len)
{
	ssize_t n = write(fd, buf, len);

	return n < 0 ? -errno : n;
}

TEST_F(message, nothing_to_read)
{
	struct vhost_iotlb_msg msg;
	char buf[2 * sizeof(struct vhost_msg)];
	size_t len;

	EXPECT_FALSE(iotlb_readable(self->fd));
	EXPECT_ERR(EAGAIN, iotlb_read(self->fd, variant->v2, &msg));
	EXPECT_ERR(EAGAIN, read_bytes(self->fd, buf, sizeof(buf)));
	/* A buffer too small for a message reads 0, as at end of file. */
	for (len = 0; len < sizeof(struct vhost_msg); len += 7)
		EXPECT_EQ(0, read_bytes(self->fd, buf, len));
	EXPECT_EQ(0, read_bytes(self->fd, buf, sizeof(struct vhost_msg) - 1));
}

/* Leave bytes on the kernel's stack that a careless message would leak. */
static void soil_stack(int fd)
{
	unsigned char soil[sizeof(struct vhost_msg)];
	int type = VHOST_IOTLB_MSG;

	memset(soil, 0xff, sizeof(soil));
	memcpy(soil, &type, sizeof(type));
	write_bytes(fd, soil, sizeof(soil));
	vdev_cmd(fd, VHOST_SET_VRING_ADDR, soil);
}

TEST_F(message, miss_is_read_in_full)
{
	char buf[sizeof(struct vhost_msg)];
	struct vhost_iotlb_msg msg;

	/* Starting the ring finds no used ring, and asks for it. */
	EXPECT_ERR(EFAULT, vdev_set_backend(self->fd, TXQ, self->g.tap));
	ASSERT_THAT(wait_until(iotlb_readable(self->fd)));
	EXPECT_EQ(0, read_bytes(self->fd, buf, sizeof(buf) - 1));
	EXPECT_TRUE(iotlb_readable(self->fd));
	soil_stack(self->fd);
	ASSERT_OK(iotlb_read(self->fd, variant->v2, &msg));
	EXPECT_EQ(self->g.vq[TXQ].gpa[VQ_USED] / IOTLB_PAGE,
		  msg.iova / IOTLB_PAGE);
}

TEST_F(message, miss_of_the_worker_is_read_in_full)
{
	struct vq *vq = &self->g.vq[TXQ];
	struct vhost_iotlb_msg msg;

	ASSERT_OK(iotlb_start_rings(&self->t));
	ASSERT_OK(vq_add_out(vq, self->g.pool[TXQ].slot[0].gpa, 100, 0));
	vq_publish(vq);
	vq_kick(vq);
	ASSERT_OK(iotlb_wait(self->fd, variant->v2, &msg));
	EXPECT_EQ(self->g.pool[TXQ].slot[0].gpa, msg.iova);
	EXPECT_EQ(VHOST_ACCESS_RO, msg.perm);
	/* A stopped ring asks no longer. */
	ASSERT_OK(vdev_set_backend(self->fd, TXQ, -1));
	ASSERT_GE(iotlb_read_all(self->fd, variant->v2), 0);
	/* A buffer that the device is to write. */
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

TEST_F(message, write_of_unknown_version)
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

TEST_F(message, write_of_unreadable_memory)
{
	EXPECT_ERR(EINVAL, write_bytes(self->fd, BAD_PTR,
				       sizeof(struct vhost_msg)));
}

/* A VMM may send updates and invalidations. All else is the same error. */
TEST_F(message, write_of_unknown_type)
{
	struct vhost_iotlb_msg msg = {
		.iova = 0, .size = IOTLB_PAGE, .uaddr = IOTLB_PAGE,
		.perm = VHOST_ACCESS_RW,
	};
	unsigned int type;

	for (type = 0; type < 256; type++) {
		if (type == VHOST_IOTLB_UPDATE ||
		    type == VHOST_IOTLB_INVALIDATE)
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
	/* Ranges that overflow, by IOVA and by user address. */
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
	/* The last IOVA, and all IOVAs but one. */
	EXPECT_OK(iotlb_update(fd, v2, ULONG_MAX - IOTLB_PAGE + 1, IOTLB_PAGE,
			       user, VHOST_ACCESS_RW));
	EXPECT_OK(iotlb_update(fd, v2, ULONG_MAX, 1, user, VHOST_ACCESS_RW));
	EXPECT_OK(iotlb_update(fd, v2, 0, ULONG_MAX, NULL, 0));
	EXPECT_OK(iotlb_update(fd, v2, 1, ULONG_MAX, NULL, 0));
	EXPECT_OK(iotlb_invalidate(fd, v2, 0, ULONG_MAX));
	EXPECT_OK(iotlb_invalidate(fd, v2, ULONG_MAX, 1));
	/* A range that wraps around ends at the last IOVA. */
	EXPECT_OK(iotlb_invalidate(fd, v2, 2, ULONG_MAX));
	EXPECT_FALSE(iotlb_readable(fd));
}

/* Entries need not be pages: any size, at any byte. */
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

/* An invalidation of size 0 fails, and removes nothing. */
TEST_F(message, invalidate_of_size_0)
{
	struct guest *g = &self->g;
	bool v2 = variant->v2;

	if (!env_kernel_at_least(7, 3))
		OURS_ALONE("size 0 removes all entries after the address");
	ASSERT_OK(iotlb_answer_all(&self->t));
	ASSERT_OK(guest_set_backend(g, g->tap));
	ASSERT_OK(guest_check_alive(g, 0));
	EXPECT_ERR(EFAULT, iotlb_invalidate(self->fd, v2, 0, 0));
	EXPECT_ERR(EFAULT, iotlb_invalidate(self->fd, v2, GMEM_BASE, 0));
	EXPECT_ERR(EFAULT, iotlb_invalidate(self->fd, v2, ULONG_MAX, 0));
	EXPECT_OK(guest_check_alive(g, 100));
	EXPECT_EQ(0, iotlb_read_all(self->fd, v2));
}

/* Removing everything takes two messages: its size, 2^64, overflows. */
TEST_F(message, invalidate_of_everything)
{
	struct guest *g = &self->g;
	struct vhost_iotlb_msg msg;
	bool v2 = variant->v2;

	ASSERT_OK(iotlb_answer_all(&self->t));
	ASSERT_OK(guest_set_backend(g, g->tap));
	ASSERT_OK(guest_check_alive(g, 0));
	EXPECT_OK(iotlb_invalidate(self->fd, v2, 0, 1ULL << 63));
	EXPECT_OK(iotlb_invalidate(self->fd, v2, 1ULL << 63, 1ULL << 63));
	vq_kick(&g->vq[TXQ]);
	EXPECT_OK(iotlb_wait(self->fd, v2, &msg));
}

/* There is no IOTLB without ACCESS_PLATFORM, and none after RESET_OWNER. */
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
	EXPECT_FALSE(iotlb_readable(fd));
	close(fd);

	EXPECT_OK(vdev_cmd(self->fd, VHOST_RESET_OWNER, NULL));
	EXPECT_ERR(EFAULT, iotlb_update(self->fd, v2, 0, 1, buf,
					VHOST_ACCESS_RW));
	ASSERT_OK(set_blocking(self->fd, true));
	EXPECT_ERR(EBADFD, read_bytes(self->fd, buf, sizeof(buf)));
}

TEST_F(message, set_features_removes_the_iotlb)
{
	char buf[sizeof(struct vhost_msg)];

	if (!env_is_ours() && iotlb_outlives_features())
		SKIP(return, "vhost_net of this kernel keeps its IOTLB");
	EXPECT_OK(vdev_set_features(self->fd, F_MODERN));
	EXPECT_ERR(EFAULT, iotlb_update(self->fd, variant->v2, 0, 1, buf,
					VHOST_ACCESS_RW));
	ASSERT_OK(set_blocking(self->fd, true));
	EXPECT_ERR(EBADFD, read_bytes(self->fd, buf, sizeof(buf)));
}

/* The IOTLB belongs to the file, not the owner: any process may use it. */
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

/* There is one address space. The field that would name another is not read. */
TEST_F(message, address_space_id_is_ignored)
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

/* Both versions are accepted, whichever was chosen for the misses. */
TEST_F(message, either_version_is_accepted)
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

/* Start a thread that blocks in read(), as far as can be told from outside. */
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

/* Signals are sent repeatedly: one may arrive before the thread reads. */
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

TEST_F(message, blocking_read_fails_when_the_iotlb_goes)
{
	struct reader r;

	ASSERT_OK(start_reader(&r, self->fd));
	EXPECT_OK(vdev_cmd(self->fd, VHOST_RESET_OWNER, NULL));
	EXPECT_ERR(EBADFD, join_reader(&r));
	if (!env_is_ours() && iotlb_outlives_features())
		return;
	ASSERT_OK(vdev_set_features(self->fd, F_ACCESS_PLATFORM));
	ASSERT_OK(start_reader(&r, self->fd));
	EXPECT_OK(vdev_set_features(self->fd, 0));
	EXPECT_ERR(EBADFD, join_reader(&r));
}

/* The file is released with its last user, and that is the reader. */
TEST_F(message, close_with_a_blocked_reader)
{
	struct reader r;

	ASSERT_OK(start_reader(&r, self->fd));
	close(self->fd);
	self->g.dev = -1;
	EXPECT_FALSE(__atomic_load_n(&r.done, __ATOMIC_ACQUIRE));
	EXPECT_ERR(EINTR, interrupt_reader(&r));
}

/* One miss is queued, one is read and not answered, when the file closes. */
TEST_F(message, close_with_misses_outstanding)
{
	struct vhost_iotlb_msg msg;

	EXPECT_ERR(EFAULT, vdev_set_backend(self->fd, TXQ, self->g.tap));
	ASSERT_OK(iotlb_wait(self->fd, variant->v2, &msg));
	EXPECT_ERR(EFAULT, vdev_set_backend(self->fd, RXQ, self->g.tap));
	close(self->fd);
	self->g.dev = -1;
}

VHOST_TEST_MAIN
