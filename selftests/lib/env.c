// SPDX-License-Identifier: GPL-2.0-only
#include "env.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define MS_PER_S	1000ULL
#define NS_PER_MS	1000000ULL

/* Enough for a machine at native speed on a busy host. */
#define DEADLINE_MS	20000

const char *env_device(void)
{
	const char *path = getenv("DEVICE");

	return path && *path ? path : "/dev/vhost-net-alt";
}

bool env_is_ours(void)
{
	/* In takeover mode this node is ours, and vhost_net is not loaded. */
	return strcmp(env_device(), "/dev/vhost-net") ||
	       access("/sys/module/vhost_net", F_OK);
}

const char *env_module(void)
{
	return env_is_ours() ? "vhost_alt" : "vhost_net";
}

int env_set_parameter(const char *name, unsigned int value)
{
	char path[100];
	int fd, err;

	snprintf(path, sizeof(path), "/sys/module/vhost_alt/parameters/%s",
		 name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = dprintf(fd, "%u", value) < 0 ? -errno : 0;
	close(fd);
	return err;
}

bool env_kernel_at_least(unsigned int major, unsigned int minor)
{
	unsigned int ours[2] = { 0, 0 };
	struct utsname u;

	if (uname(&u))
		return false;
	if (sscanf(u.release, "%u.%u", &ours[0], &ours[1]) != 2)
		return false;
	return ours[0] > major || (ours[0] == major && ours[1] >= minor);
}

/* The rough speed of this test machine, in percent of native speed. */
static unsigned int machine_scale(void)
{
	static const struct {
		const char *name;
		unsigned int percent;
	} known[] = {
		{ "uml-debug", 2 },
		{ "uml-smp", 5 },
		{ "qemu", 5 },
		{ "qemu-arm64", 5 },
	};
	const char *machine = getenv("VHOST_ALT_MACHINE");
	unsigned int i;

	for (i = 0; machine && i < sizeof(known) / sizeof(*known); i++)
		if (!strcmp(machine, known[i].name))
			return known[i].percent;
	return 100;
}

static unsigned int scale(void)
{
	static unsigned int percent;
	const char *text = getenv("VHOST_ALT_SCALE");

	if (!percent && text)
		percent = strtoul(text, NULL, 0);
	if (!percent)
		percent = machine_scale();
	return percent;
}

unsigned int env_scaled(unsigned int n, unsigned int min)
{
	__u64 scaled = (__u64)n * scale() / 100;

	return scaled > min ? scaled : min;
}

unsigned int env_max_regions(void)
{
	FILE *f;
	unsigned int n = 64;

	if (env_is_ours())
		return 509;
	f = fopen("/sys/module/vhost/parameters/max_mem_regions", "r");
	if (!f)
		return n;
	if (fscanf(f, "%u", &n) != 1)
		n = 64;
	fclose(f);
	return n;
}

__u64 env_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * MS_PER_S + ts.tv_nsec / NS_PER_MS;
}

__u64 env_deadline(void)
{
	/* Slower machines get longer deadlines, up to a limit. */
	unsigned int factor = scale() >= 100 ? 1 : scale() >= 20 ? 3 : 6;

	return env_now_ms() + DEADLINE_MS * factor;
}

int env_left_ms(__u64 deadline)
{
	__u64 now = env_now_ms();

	return now < deadline ? deadline - now : 0;
}

void env_pause(void)
{
	poll(NULL, 0, 1);
}
