// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unloading: refused while a file is open, and clean afterwards. Without
 * $VHOST_ALT_KO there is no way back in, so the module stays where it is.
 */
#include <sys/syscall.h>

#include "test.h"

static int unload(void)
{
	return syscall(SYS_delete_module, env_module(), O_NONBLOCK) ? -errno :
								      0;
}

static int load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
	close(fd);
	return err;
}

TEST(unload_refused_while_open)
{
	int fd = vdev_open();

	ASSERT_GE(fd, 0);
	EXPECT_ERR(EAGAIN, unload());
	EXPECT_OK(vdev_set_owner(fd));
	EXPECT_ERR(EAGAIN, unload());
	EXPECT_EQ(0, access(env_device(), F_OK));
	close(fd);
}

TEST(unload_refused_while_running)
{
	struct guest_cfg cfg = {
		.features = F_VERSION_1 | F_MRG_RXBUF,
		.tap_flags = IFF_VNET_HDR,
	};
	struct guest g;

	ASSERT_OK(guest_start(&g, &cfg));
	EXPECT_ERR(EAGAIN, unload());
	EXPECT_OK(guest_check_alive(&g, 0));
	guest_stop(&g);
}

TEST(unload_and_load)
{
	struct guest_cfg cfg = {
		.features = F_VERSION_1 | F_MRG_RXBUF,
		.tap_flags = IFF_VNET_HDR,
	};
	const char *ko = getenv("VHOST_ALT_KO");
	struct guest g;
	unsigned int i;

	if (!ko || !*ko || !env_is_ours())
		SKIP(return, "no module file to come back with");
	for (i = 0; i < 3; i++) {
		ASSERT_OK(guest_start(&g, &cfg));
		EXPECT_OK(guest_check_alive(&g, 0));
		guest_stop(&g);
		/* The last reference may go a moment after the file. */
		ASSERT_THAT(wait_until(!unload()));
		EXPECT_NE(0, access("/sys/module/vhost_alt", F_OK));
		EXPECT_NE(0, access(env_device(), F_OK));
		ASSERT_OK(load(ko));
		ASSERT_THAT(wait_until(!access(env_device(), R_OK | W_OK)));
	}
}

VHOST_TEST_MAIN
