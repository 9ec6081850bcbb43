// SPDX-License-Identifier: GPL-2.0-only
/*
 * ioctl_log: log the vhost commands of a client into which it is preloaded.
 * Appends a line for each command to the file that $VHOST_IOCTL_LOG names:
 *
 *	<seconds> <command> <errno, or 0> <arguments, where tests need them>
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#ifndef VHOST_GET_FEATURES_ARRAY
struct vhost_features_array {
	__u64 count;
	__u64 features[];
};

#define VHOST_GET_FEATURES_ARRAY \
	_IOR(VHOST_VIRTIO, 0x83, struct vhost_features_array)
#define VHOST_SET_FEATURES_ARRAY \
	_IOW(VHOST_VIRTIO, 0x83, struct vhost_features_array)
#endif

#define NAME_OF(command) { VHOST_##command, #command }

static const struct {
	unsigned long command;
	const char *name;
} names[] = {
	NAME_OF(SET_OWNER), NAME_OF(RESET_OWNER),
	NAME_OF(GET_FEATURES), NAME_OF(SET_FEATURES),
	NAME_OF(GET_FEATURES_ARRAY), NAME_OF(SET_FEATURES_ARRAY),
	NAME_OF(GET_BACKEND_FEATURES), NAME_OF(SET_BACKEND_FEATURES),
	NAME_OF(SET_MEM_TABLE), NAME_OF(SET_LOG_BASE), NAME_OF(SET_LOG_FD),
	NAME_OF(SET_VRING_NUM), NAME_OF(SET_VRING_ADDR),
	NAME_OF(SET_VRING_BASE), NAME_OF(GET_VRING_BASE),
	NAME_OF(SET_VRING_KICK), NAME_OF(SET_VRING_CALL),
	NAME_OF(SET_VRING_ERR),
	NAME_OF(SET_VRING_BUSYLOOP_TIMEOUT), NAME_OF(NET_SET_BACKEND),
	{ 0, NULL }
};

static const char *name_of(unsigned long command)
{
	static char number[16];
	size_t i;

	for (i = 0; names[i].name; i++)
		if (names[i].command == command)
			return names[i].name;
	snprintf(number, sizeof(number), "0x%02lx", _IOC_NR(command));
	return number;
}

static void describe(char *text, size_t size, unsigned long command, void *arg)
{
	const struct vhost_vring_state *state = arg;
	const struct vhost_vring_addr *addr = arg;
	const struct vhost_vring_file *file = arg;
	const struct vhost_memory *memory = arg;
	const struct vhost_features_array *array = arg;
	const __u64 *word = arg;

	text[0] = 0;
	switch (command) {
	case VHOST_GET_FEATURES:
	case VHOST_SET_FEATURES:
	case VHOST_GET_BACKEND_FEATURES:
	case VHOST_SET_BACKEND_FEATURES:
		snprintf(text, size, "0x%llx", *word);
		break;
	case VHOST_GET_FEATURES_ARRAY:
	case VHOST_SET_FEATURES_ARRAY:
		snprintf(text, size, "0x%llx 0x%llx",
			 array->count > 0 ? array->features[0] : 0,
			 array->count > 1 ? array->features[1] : 0);
		break;
	case VHOST_SET_MEM_TABLE:
		snprintf(text, size, "regions=%u", memory->nregions);
		break;
	case VHOST_SET_VRING_ADDR:
		snprintf(text, size, "ring=%u flags=%u", addr->index,
			 addr->flags);
		break;
	case VHOST_SET_VRING_NUM:
	case VHOST_SET_VRING_BASE:
	case VHOST_GET_VRING_BASE:
	case VHOST_SET_VRING_BUSYLOOP_TIMEOUT:
		snprintf(text, size, "ring=%u num=%u", state->index,
			 state->num);
		break;
	case VHOST_NET_SET_BACKEND:
		snprintf(text, size, "ring=%u fd=%d", file->index, file->fd);
		break;
	}
}

static void log_command(unsigned long command, void *arg, int error)
{
	const char *path = getenv("VHOST_IOCTL_LOG");
	char text[80], line[160];
	struct timespec now;
	int fd = -1, len;

	if (path)
		fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
			  0644);
	if (fd < 0)
		return;
	describe(text, sizeof(text), command, arg);
	clock_gettime(CLOCK_MONOTONIC, &now);
	len = snprintf(line, sizeof(line), "%ld.%03ld %s %d %s\n",
		       (long)now.tv_sec,
		       now.tv_nsec / 1000000, name_of(command), error, text);
	if (write(fd, line, len) != len)
		abort();
	close(fd);
}

int ioctl(int fd, unsigned long command, ...)
{
	static int (*real)(int fd, unsigned long command, ...);
	va_list args;
	void *arg;
	int result, error;

	va_start(args, command);
	arg = va_arg(args, void *);
	va_end(args);
	if (!real)
		real = dlsym(RTLD_NEXT, "ioctl");
	result = real(fd, command, arg);
	if (_IOC_TYPE(command) != VHOST_VIRTIO)
		return result;
	error = errno;
	log_command(command, arg, result < 0 ? error : 0);
	errno = error;
	return result;
}
