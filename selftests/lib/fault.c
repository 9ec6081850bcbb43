// SPDX-License-Identifier: GPL-2.0-only
#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

/* A bit for each page up to the highest address of guest memory. */
#define LOG_SIZE	(16 << 20)

static const char * const kinds[] = {
	"failslab", "fail_page_alloc", "fail_usercopy",
};

void fault_set_knob(const char *what, const char *value)
{
	char path[128];
	unsigned int i;
	FILE *f;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s",
			 kinds[i], what);
		f = fopen(path, "w");
		if (!f)
			continue;
		fputs(value, f);
		fclose(f);
	}
}

void fault_set_knobs(void)
{
	/* The /sys of our mount namespace lacks it. */
	if (access("/sys/kernel/debug/failslab", F_OK))
		mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	fault_set_knob("verbose", "0");
	fault_set_knob("ignore-gfp-wait", "N");
	fault_set_knob("min-order", "0");
}

int fault_knob_open(pid_t tid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/fail-nth", tid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int fault_knob_arm(int knob, unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	return pwrite(knob, text, len, 0) == len ? 0 : -errno;
}

unsigned int fault_knob_disarm(int knob)
{
	char text[16] = "";

	/* Copying this number to us may itself be the fault. */
	if (pread(knob, text, sizeof(text) - 1, 0) <= 0)
		return 1;
	fault_knob_arm(knob, 0);
	return strtoul(text, NULL, 10);
}

void fault_report(const char *name, unsigned int n)
{
	fprintf(stderr, "# %s: %u places to fail\n", name, n);
}

void *fault_map_log(void)
{
	void *p = mmap(NULL, LOG_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		       MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}
