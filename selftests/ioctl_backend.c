// SPDX-License-Identifier: GPL-2.0-only
/*
 * VHOST_NET_SET_BACKEND: each way in which it fails, which failure comes first,
 * and that a backend that is refused changes nothing. backends.c has each kind
 * of backend at work.
 */
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "command.h"
#include "test.h"

FIXTURE(command)
{
	struct guest g;
	int fd;
};

/* A file with an owner, a guest that does not run yet, and a tap. */
FIXTURE_SETUP(command)
{
	ASSERT_OK(command_guest_init(&self->g));
	self->fd = self->g.dev;
}

FIXTURE_TEARDOWN(command)
{
	guest_stop(&self->g);
}

TEST_F(command, backend_errors)
{
	struct guest *g = &self->g;
	int file, udp, raw, event, i;

	file = open("/dev/null", O_RDWR | O_CLOEXEC);
	event = eventfd(0, EFD_CLOEXEC);
	udp = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, 255);
	EXPECT_ERR(ENOBUFS, vdev_set_backend(self->fd, NR_VQS, g->tap));
	EXPECT_ERR(ENOBUFS, vdev_set_backend(self->fd, ~0U, -1));
	/* The ring is checked before the descriptor. */
	EXPECT_ERR(EFAULT, vdev_set_backend(self->fd, 0, g->tap));
	EXPECT_ERR(EFAULT, vdev_set_backend(self->fd, 0, 9999));
	ASSERT_OK(command_guest_run(g));
	ASSERT_OK(guest_set_backend(g, -1));
	for (i = 0; i < NR_VQS; i++) {
		EXPECT_ERR(ENOTSOCK, vdev_set_backend(self->fd, i, file));
		EXPECT_ERR(ENOTSOCK, vdev_set_backend(self->fd, i, event));
		EXPECT_ERR(ENOTSOCK, vdev_set_backend(self->fd, i, udp));
		EXPECT_ERR(ENOTSOCK, vdev_set_backend(self->fd, i, 9999));
		EXPECT_ERR(ENOTSOCK, vdev_set_backend(self->fd, i, -2));
		/* CVE-2020-10942: raw, but not a packet socket. */
		if (raw >= 0)
			EXPECT_ERR(ENOTSOCK, vdev_set_backend(self->fd, i,
							      raw));
	}
	EXPECT_OK(guest_set_backend(g, g->tap));
	EXPECT_OK(guest_check_alive(g, 0));
	/* Setting the same backend again changes nothing. */
	EXPECT_OK(guest_set_backend(g, g->tap));
	EXPECT_OK(guest_check_alive(g, 100));
}

/* A tun file that is not attached to an interface yet has a socket, too. */
TEST_F(command, backend_unattached_tun)
{
	struct guest *g = &self->g;
	int tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	ASSERT_GE(tun, 0);
	ASSERT_OK(command_guest_run(g));
	ASSERT_OK(guest_set_backend(g, -1));
	/* Whether it is accepted or refused, the queue is usable afterwards. */
	guest_set_backend(g, tun);
	guest_set_backend(g, -1);
	ASSERT_OK(guest_set_backend(g, g->tap));
	EXPECT_OK(guest_check_alive(g, 0));
	close(tun);
}

/* QEMU asserts that backend -1 succeeds, whatever state the ring is in. */
TEST_F(command, backend_removal_always_succeeds)
{
	EXPECT_ERR(ENOBUFS, vdev_set_backend(self->fd, NR_VQS, -1));
	OURS_ALONE("removes a backend only if the ring is accessible");
	EXPECT_OK(vdev_set_backend(self->fd, RXQ, -1));
	EXPECT_OK(vdev_set_backend(self->fd, TXQ, -1));
	EXPECT_OK(vdev_set_backend(self->fd, TXQ, -1));
}

/* Setting the backend fails if the ring is not mapped. */
TEST_F(command, backend_needs_a_mapped_ring)
{
	struct guest *g = &self->g;
	struct vhost_vring_addr a = {
		.index = TXQ,
		.desc_user_addr = 0x1000, .avail_user_addr = 0x1000,
		.used_user_addr = 0x1000,
	};

	ASSERT_OK(command_guest_run(g));
	ASSERT_OK(vdev_set_backend(self->fd, TXQ, -1));
	ASSERT_OK(vdev_cmd(self->fd, VHOST_SET_VRING_ADDR, &a));
	EXPECT_ERR(EFAULT, vdev_set_backend(self->fd, TXQ, g->tap));
	a.desc_user_addr = ~0ULL << 12;
	ASSERT_OK(vdev_cmd(self->fd, VHOST_SET_VRING_ADDR, &a));
	EXPECT_ERR(EFAULT, vdev_set_backend(self->fd, TXQ, g->tap));
	ASSERT_OK(vdev_set_addr(self->fd, &g->vq[TXQ]));
	ASSERT_OK(vdev_set_backend(self->fd, TXQ, g->tap));
	EXPECT_OK(guest_check_alive(g, 0));
}

/* The order: not the owner, no such ring, ring not mapped, not a socket. */
TEST_F(command, backend_order_of_errors)
{
	struct guest *g = &self->g;
	int fd = vdev_open();

	ASSERT_GE(fd, 0);
	EXPECT_ERR(EPERM, vdev_set_backend(fd, NR_VQS, 9999));
	EXPECT_ERR(EPERM, vdev_set_backend(fd, ~0U, -1));
	close(fd);
	EXPECT_ERR(ENOBUFS, vdev_set_backend(self->fd, NR_VQS, 9999));
	EXPECT_ERR(EFAULT, vdev_set_backend(self->fd, TXQ, 9999));
	ASSERT_OK(command_guest_run(g));
	EXPECT_ERR(ENOTSOCK, vdev_set_backend(self->fd, TXQ, 9999));
	EXPECT_OK(guest_check_alive(g, 0));
}

/* A ring that is set up is not enough without a memory table. */
TEST_F(command, backend_needs_a_memory_table)
{
	struct guest *g = &self->g;
	unsigned int i;

	ASSERT_OK(vdev_set_features(self->fd, g->cfg.features));
	for (i = 0; i < NR_VQS; i++) {
		ASSERT_OK(vdev_set_vring(self->fd, &g->vq[i], 0));
		EXPECT_ERR(EFAULT, vdev_set_backend(self->fd, i, g->tap));
	}
	ASSERT_OK(vdev_set_mem(self->fd, &g->mem));
	ASSERT_OK(guest_set_backend(g, g->tap));
	EXPECT_OK(guest_check_alive(g, 0));
}

/* A tun file without an interface is refused; the queue keeps its backend. */
TEST(refused_backend_keeps_the_previous)
{
	struct guest_cfg cfg = GUEST_CFG(F_MODERN);
	struct guest g;
	int tun;

	ASSERT_OK(guest_start(&g, &cfg));
	tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	ASSERT_GE(tun, 0);
	EXPECT_ERR(EINVAL, vdev_set_backend(g.dev, RXQ, tun));
	EXPECT_ERR(EINVAL, vdev_set_backend(g.dev, TXQ, tun));
	ASSERT_OK(guest_check_alive(&g, 1));
	close(tun);
	guest_stop(&g);
}

VHOST_TEST_MAIN
