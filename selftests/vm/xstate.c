// SPDX-License-Identifier: GPL-2.0-only
/*
 * Preloaded into ARCH=um kernels: let them set the floating point registers of
 * their processes on hosts that have more of these than they know.
 *
 * Up to 6.12, ARCH=um saves the first 2696 bytes of the XSAVE area and restores
 * as many. A host with AMX has 11008 bytes, and takes all or none (EFAULT).
 * What lies past the end of the short area is in its initial state, since no
 * process has asked for permission to use AMX: so fill it up with zeros.
 */
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

static long (*libc_ptrace)(enum __ptrace_request request, ...);
static unsigned char area[65536];

/* Return: the size of the XSAVE area of @pid, 0 if there is none. */
static size_t area_size(pid_t pid)
{
	static unsigned char scratch[sizeof(area)];
	struct iovec all = { scratch, sizeof(scratch) };

	if (libc_ptrace(PTRACE_GETREGSET, pid, NT_X86_XSTATE, &all))
		return 0;
	return all.iov_len;
}

static long set_xstate(pid_t pid, const struct iovec *given)
{
	static size_t size;
	struct iovec all = { .iov_base = area };

	if (!size)
		size = area_size(pid);
	if (given->iov_len >= size)
		return libc_ptrace(PTRACE_SETREGSET, pid, NT_X86_XSTATE, given);
	memcpy(area, given->iov_base, given->iov_len);
	all.iov_len = size;
	return libc_ptrace(PTRACE_SETREGSET, pid, NT_X86_XSTATE, &all);
}

long ptrace(enum __ptrace_request request, ...)
{
	void *address, *data;
	va_list arguments;
	pid_t pid;

	va_start(arguments, request);
	pid = va_arg(arguments, pid_t);
	address = va_arg(arguments, void *);
	data = va_arg(arguments, void *);
	va_end(arguments);

	if (!libc_ptrace)
		libc_ptrace = dlsym(RTLD_NEXT, "ptrace");
	if (request == PTRACE_SETREGSET && (long)address == NT_X86_XSTATE)
		return set_xstate(pid, data);
	return libc_ptrace(request, pid, address, data);
}
