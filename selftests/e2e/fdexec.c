// SPDX-License-Identifier: GPL-2.0-only
/*
 * fdexec: open files and tap queues under given descriptor numbers, then run a
 * program that inherits them.
 *
 *	fdexec [NUMBER=PATH | NUMBER=tap:INTERFACE]… -- PROGRAM [ARGUMENT…]
 *
 * A tap queue cannot be opened from the shell: it takes an ioctl. Naming the
 * same interface twice gives two queues of it.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int open_tap_queue(const char *interface)
{
	struct ifreq ifr = {
		.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE,
	};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);

	if (fd < 0)
		err(125, "/dev/net/tun");
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", interface);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0)
		err(125, "a queue of %s", interface);
	return fd;
}

static int open_target(const char *target)
{
	int fd;

	if (!strncmp(target, "tap:", 4))
		return open_tap_queue(target + 4);
	fd = open(target, O_RDWR);
	if (fd < 0)
		err(125, "%s", target);
	return fd;
}

static void place(const char *argument)
{
	char *end;
	long number = strtol(argument, &end, 10);
	int fd;

	if (end == argument || *end != '=' || number < 3)
		errx(125, "%s: not NUMBER=TARGET", argument);
	fd = open_target(end + 1);
	if (fd == number)
		return;
	if (dup2(fd, number) < 0)
		err(125, "descriptor %ld", number);
	close(fd);
}

int main(int argc, char **argv)
{
	while (*++argv && strcmp(*argv, "--"))
		place(*argv);
	if (!*argv || !*++argv)
		errx(125, "usage: fdexec [NUMBER=TARGET]... -- PROGRAM [ARGUMENT]...");
	execvp(*argv, argv);
	err(126, "%s", *argv);
}
