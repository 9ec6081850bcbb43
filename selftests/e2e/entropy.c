// SPDX-License-Identifier: GPL-2.0-only
/*
 * entropy: credit entropy to the kernel's random number generator. User-mode
 * Linux has no source of it, and blocks readers for minutes. These bytes are
 * not random, which does not matter in a test machine.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/random.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#define BYTES	64

int main(void)
{
	struct rand_pool_info *pool = calloc(1, sizeof(*pool) + BYTES);
	int fd = open("/dev/random", O_WRONLY);

	if (fd < 0 || !pool)
		err(1, "/dev/random");
	pool->entropy_count = 8 * BYTES;
	pool->buf_size = BYTES;
	if (ioctl(fd, RNDADDENTROPY, pool) < 0)
		err(1, "RNDADDENTROPY");
	return 0;
}
