// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host_memory.h"

#define BLANK	"\n "

/* What the reader writes, at once: it is shorter than PIPE_BUF. */
struct count {
	int err;
	__u64 kib[MEMORY_NODES];
};

/*
 * Add a line of numa_maps. The number of pages by node precedes their size.
 * Files that were only read, such as programs, are not the guest's memory.
 */
static void add_mapping(struct count *count, char *line)
{
	__u64 pages[MEMORY_NODES] = { 0 };
	unsigned long long n;
	unsigned int node, i, kib = 0;
	char *word, *rest;

	if (strstr(line, " file=") && !strstr(line, " dirty="))
		return;
	for (word = strtok_r(line, BLANK, &rest); word;
	     word = strtok_r(NULL, BLANK, &rest)) {
		if (sscanf(word, "kernelpagesize_kB=%u", &kib) == 1)
			break;
		if (sscanf(word, "N%u=%llu", &node, &n) == 2 &&
		    node < MEMORY_NODES)
			pages[node] += n;
	}
	for (i = 0; i < MEMORY_NODES; i++)
		count->kib[i] += pages[i] * kib;
}

static void read_maps(struct count *count, __u32 pid)
{
	char path[64], *line = NULL;
	size_t size = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/numa_maps", pid);
	f = fopen(path, "re");
	if (!f) {
		count->err = errno;
		return;
	}
	while (getline(&line, &size, f) > 0)
		add_mapping(count, line);
	count->err = ferror(f) ? EIO : 0;
	free(line);
	fclose(f);
}

static void run_reader(__u32 pid, int fd)
{
	struct count count = { 0 };

	read_maps(&count, pid);
	_exit(write(fd, &count, sizeof(count)) != sizeof(count));
}

void host_memory_begin(struct host_memory *memory, __u32 pid)
{
	int fds[2];

	memset(memory, 0, sizeof(*memory));
	memory->pid = pid;
	memory->fd = -1;
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK)) {
		memory->why = strerror(errno);
		return;
	}
	memory->reader = fork();
	if (!memory->reader)
		run_reader(pid, fds[1]);
	close(fds[1]);
	if (memory->reader < 0) {
		memory->why = strerror(errno);
		close(fds[0]);
		return;
	}
	memory->fd = fds[0];
}

void host_memory_end(struct host_memory *memory)
{
	struct count count;

	if (memory->fd < 0)
		return;
	if (read(memory->fd, &count, sizeof(count)) != sizeof(count))
		memory->why = "counting its pages takes longer than the interval";
	else if (count.err)
		memory->why = strerror(count.err);
	else
		memcpy(memory->kib, count.kib, sizeof(memory->kib));
	close(memory->fd);
	memory->fd = -1;
	/* A walk ends before the signal is seen: do not wait for that. */
	kill(memory->reader, SIGKILL);
	waitpid(memory->reader, NULL, WNOHANG);
}

unsigned int host_memory_node(const struct host_memory *memory, double *share)
{
	unsigned int i, most = 0;
	__u64 sum = 0;

	for (i = 0; i < MEMORY_NODES; i++) {
		sum += memory->kib[i];
		if (memory->kib[i] > memory->kib[most])
			most = i;
	}
	*share = sum ? memory->kib[most] * 100.0 / sum : 0;
	return most;
}
