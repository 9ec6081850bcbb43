// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands: which process may use them and when, how invalid arguments and
 * unknown commands fail, what RESET_OWNER leaves, and 32-bit programs.
 */
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "command.h"
#include "test.h"

/* Commands that begin with a ring's number. */
static const unsigned long ring_cmds[] = {
	VHOST_SET_VRING_NUM, VHOST_SET_VRING_ADDR, VHOST_SET_VRING_BASE,
	VHOST_GET_VRING_BASE, VHOST_SET_VRING_KICK, VHOST_SET_VRING_CALL,
	VHOST_SET_VRING_ERR, VHOST_SET_VRING_BUSYLOOP_TIMEOUT,
	VHOST_GET_VRING_BUSYLOOP_TIMEOUT,
};

/* Commands that only the owner may use. */
static const unsigned long owner_cmds[] = {
	VHOST_RESET_OWNER, VHOST_SET_MEM_TABLE, VHOST_SET_VRING_NUM,
	VHOST_SET_VRING_ADDR, VHOST_SET_VRING_BASE, VHOST_GET_VRING_BASE,
	VHOST_SET_VRING_KICK, VHOST_SET_VRING_CALL, VHOST_SET_VRING_ERR,
	VHOST_SET_VRING_BUSYLOOP_TIMEOUT, VHOST_GET_VRING_BUSYLOOP_TIMEOUT,
	VHOST_SET_VRING_ENDIAN, VHOST_GET_VRING_ENDIAN,
	VHOST_SET_LOG_BASE, VHOST_SET_LOG_FD,
};

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

TEST_F(command, open_is_independent)
{
	__u32 base;
	int other;

	ASSERT_OK(vdev_set_state(self->fd, VHOST_SET_VRING_BASE, 0, 5));
	other = vdev_open();
	ASSERT_GE(other, 0);
	ASSERT_OK(vdev_set_owner(other));
	ASSERT_OK(vdev_get_base(other, 0, &base));
	EXPECT_EQ(0, base);
	ASSERT_OK(vdev_get_base(self->fd, 0, &base));
	EXPECT_EQ(5, base);
	close(other);
}

TEST_F(command, owner_once)
{
	EXPECT_ERR(EBUSY, vdev_set_owner(self->fd));
	EXPECT_OK(vdev_cmd(self->fd, VHOST_RESET_OWNER, NULL));
	EXPECT_ERR(EPERM, vdev_cmd(self->fd, VHOST_RESET_OWNER, NULL));
	EXPECT_OK(vdev_set_owner(self->fd));
	EXPECT_ERR(EBUSY, vdev_set_owner(self->fd));
}

TEST_F(command, nothing_before_owner)
{
	struct vhost_vring_file file = { .index = 0, .fd = -1 };
	unsigned int i;
	int fd;

	fd = vdev_open();
	ASSERT_GE(fd, 0);
	/* This is checked before anything else of the command. */
	for (i = 0; i < ARRAY_SIZE(owner_cmds); i++)
		EXPECT_ERR(EPERM, vdev_cmd(fd, owner_cmds[i], BAD_PTR));
	EXPECT_ERR(EPERM, vdev_cmd(fd, _IO(VHOST_VIRTIO, 0x7f), BAD_PTR));
	EXPECT_ERR(EPERM, vdev_cmd(fd, VHOST_NET_SET_BACKEND, &file));
	/* This command reads its argument first. */
	EXPECT_ERR(EFAULT, vdev_cmd(fd, VHOST_NET_SET_BACKEND, BAD_PTR));
	close(fd);
}

/* Run in another process. Return: 0, or which check failed. */
static int as_stranger(int fd)
{
	struct vhost_vring_file file = { .index = 0, .fd = -1 };
	__u64 features;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(owner_cmds); i++)
		if (vdev_cmd(fd, owner_cmds[i], BAD_PTR) != -EPERM)
			return 1;
	if (vdev_cmd(fd, VHOST_NET_SET_BACKEND, &file) != -EPERM)
		return 2;
	if (vdev_set_owner(fd) != -EBUSY)
		return 3;
	if (vdev_get_features(fd, &features))
		return 4;
	return 0;
}

TEST_F(command, refused_to_other_processes)
{
	int status;
	pid_t pid;

	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid)
		_exit(as_stranger(self->fd));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(0, WEXITSTATUS(status));
	EXPECT_OK(vdev_set_state(self->fd, VHOST_SET_VRING_NUM, 0, 8));
}

TEST_F(command, bad_argument_and_bad_index)
{
	__u32 word[8] = { NR_VQS };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ring_cmds); i++) {
		EXPECT_ERR(EFAULT, vdev_cmd(self->fd, ring_cmds[i], BAD_PTR));
		word[0] = NR_VQS;
		EXPECT_ERR(ENOBUFS, vdev_cmd(self->fd, ring_cmds[i], word));
		word[0] = ~0U;
		EXPECT_ERR(ENOBUFS, vdev_cmd(self->fd, ring_cmds[i], word));
	}
}

/* If only the index can be read, ENOBUFS comes before EFAULT. */
TEST_F(command, partly_unreadable_argument)
{
	unsigned int i;
	__u32 *word;

	word = page_end(sizeof(*word));
	ASSERT_NE(NULL, word);
	for (i = 0; i < ARRAY_SIZE(ring_cmds); i++) {
		*word = 1;
		EXPECT_ERR(EFAULT, vdev_cmd(self->fd, ring_cmds[i], word));
		*word = NR_VQS;
		EXPECT_ERR(ENOBUFS, vdev_cmd(self->fd, ring_cmds[i], word));
	}
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_NET_SET_BACKEND, word));
}

/* An unknown command is treated as one of a ring. */
TEST_F(command, unknown_command)
{
	static const unsigned long unknown[] = {
		_IO(VHOST_VIRTIO, 0x7f), _IOW(VHOST_VIRTIO, 0x40, __u32),
		_IOR(VHOST_VIRTIO, 0x70, __u32), _IO('Z', 0x10), 0,
		/* The right number with the wrong size. */
		_IOW(VHOST_VIRTIO, 0x10, __u64[4]),
	};
	__u32 word[8] = { 0 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		word[0] = 0;
		EXPECT_ERR(ENOTTY, vdev_cmd(self->fd, unknown[i], word));
		word[0] = 1;
		EXPECT_ERR(ENOTTY, vdev_cmd(self->fd, unknown[i], word));
		word[0] = 2;
		EXPECT_ERR(ENOBUFS, vdev_cmd(self->fd, unknown[i], word));
		EXPECT_ERR(EFAULT, vdev_cmd(self->fd, unknown[i], BAD_PTR));
	}
}

TEST_F(command, reset_owner_resets_all)
{
	struct guest *g = &self->g;
	__u32 base;

	ASSERT_OK(command_guest_run(g));
	ASSERT_OK(guest_check_alive(g, 0));
	ASSERT_OK(vdev_cmd(self->fd, VHOST_RESET_OWNER, NULL));
	EXPECT_ERR(EPERM, vdev_set_backend(self->fd, TXQ, -1));
	ASSERT_OK(vdev_set_owner(self->fd));
	ASSERT_OK(vdev_get_base(self->fd, TXQ, &base));
	EXPECT_EQ(0, base);
	/* No ring, no memory. */
	EXPECT_ERR(EFAULT, vdev_set_backend(self->fd, TXQ, g->tap));
	vq_reset(&g->vq[RXQ], 0);
	vq_reset(&g->vq[TXQ], 0);
	ASSERT_OK(command_guest_run(g));
	EXPECT_OK(guest_check_alive(g, 100));
}

/* After RESET_OWNER another process may become the owner. */
TEST_F(command, reset_owner_lets_another_process_own)
{
	int status;
	pid_t pid;

	ASSERT_OK(vdev_cmd(self->fd, VHOST_RESET_OWNER, NULL));
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid)
		_exit(vdev_set_owner(self->fd) ? 1 : 0);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	/* That process is gone, but it still counts as the owner. */
	EXPECT_ERR(EBUSY, vdev_set_owner(self->fd));
	EXPECT_ERR(EPERM, vdev_cmd(self->fd, VHOST_RESET_OWNER, NULL));
}

/* A second SET_OWNER fails and leaves the owner as it is. */
TEST_F(command, second_set_owner_changes_nothing)
{
	struct guest *g = &self->g;

	ASSERT_OK(command_guest_run(g));
	EXPECT_ERR(EBUSY, vdev_set_owner(self->fd));
	EXPECT_OK(guest_check_alive(g, 0));
}

static void *num_from_thread(void *arg)
{
	long err = vdev_set_state(*(int *)arg, VHOST_SET_VRING_NUM, 0, RING);

	return (void *)err;
}

/* The owner is an address space, not a thread. */
TEST_F(command, any_thread_of_the_owner)
{
	pthread_t thread;
	void *err;

	ASSERT_EQ(0, pthread_create(&thread, NULL, num_from_thread, &self->fd));
	ASSERT_EQ(0, pthread_join(thread, &err));
	EXPECT_EQ(NULL, err);
}

static int ask_as_stranger(int fd)
{
	__u64 word = 0;

	if (vdev_get_features(fd, &word))
		return 1;
	if (vdev_set_features(fd, F_VERSION_1 | F_MRG_RXBUF))
		return 2;
	if (vdev_cmd(fd, VHOST_GET_BACKEND_FEATURES, &word))
		return 3;
	word = 0;
	if (vdev_cmd(fd, VHOST_SET_BACKEND_FEATURES, &word))
		return 4;
	return vdev_cmd(fd, _IO(VHOST_VIRTIO, 0x7f), BAD_PTR) == -EPERM ? 0 : 5;
}

/* The feature commands need not come from the owner. */
TEST_F(command, features_from_other_processes)
{
	int status;
	pid_t pid;

	ASSERT_OK(command_guest_run(&self->g));
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid)
		_exit(ask_as_stranger(self->fd));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_OK(guest_check_alive(&self->g, 0));
}

TEST_F(command, lseek_is_ignored)
{
	EXPECT_EQ(0, lseek(self->fd, 0, SEEK_SET));
	EXPECT_EQ(0, lseek(self->fd, 100, SEEK_SET));
	EXPECT_EQ(0, lseek(self->fd, 0, SEEK_END));
}

/* QEMU and DPDK recognise kernel vhost by its major number. */
TEST_F(command, is_a_misc_device)
{
	struct stat st;

	ASSERT_EQ(0, fstat(self->fd, &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(10, major(st.st_rdev));
}

#ifdef __x86_64__

#define NR32_GETPID	20
#define NR32_IOCTL	54

/* A system call as a 32-bit program makes it. */
static int call32(unsigned int nr, unsigned int a, unsigned int b,
		  unsigned int c)
{
	long ret = nr;

	asm volatile("int $0x80" : "+a" (ret)
		     : "b" ((long)a), "c" ((long)b), "d" ((long)c)
		     : "memory", "r8", "r9", "r10", "r11");
	return ret;
}

static bool is_user_mode_linux(void)
{
	char line[200] = "";
	bool found = false;
	FILE *f = fopen("/proc/cpuinfo", "r");

	while (f && fgets(line, sizeof(line), f))
		found |= !!strstr(line, "User Mode Linux");
	if (f)
		fclose(f);
	return found;
}

/* Not every kernel supports 32-bit system calls. */
static bool has_call32(void)
{
	int status = -1;
	pid_t pid;

	/* User-mode Linux would make them on the host. */
	if (is_user_mode_linux())
		return false;
	pid = fork();
	if (!pid)
		_exit(call32(NR32_GETPID, 0, 0, 0) != getpid());
	return waitpid(pid, &status, 0) == pid && !status;
}

static int cmd32(int fd, unsigned long cmd, void *arg)
{
	return call32(NR32_IOCTL, fd, cmd, (unsigned long)arg);
}

TEST_F(command, ioctl_of_32_bits)
{
	struct vhost_vring_state *s;
	struct vhost_vring_file *f;
	struct guest *g = &self->g;
	__u64 *word;
	__u32 base;

	if (!has_call32())
		SKIP(return, "no 32-bit system calls here");
	word = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	ASSERT_NE(MAP_FAILED, word);
	EXPECT_OK(cmd32(self->fd, VHOST_GET_FEATURES, word));
	EXPECT_EQ(F_REQUIRED, *word & F_REQUIRED);
	*word = BIT_ULL(63);
	EXPECT_ERR(EOPNOTSUPP, cmd32(self->fd, VHOST_SET_FEATURES, word));
	EXPECT_ERR(EFAULT, cmd32(self->fd, VHOST_SET_FEATURES, BAD_PTR));
	EXPECT_ERR(EBUSY, cmd32(self->fd, VHOST_SET_OWNER, NULL));
	ASSERT_OK(command_guest_run(g));
	ASSERT_OK(guest_set_backend(g, -1));
	s = (void *)word;
	*s = (struct vhost_vring_state) { .index = RXQ, .num = 3 };
	EXPECT_OK(cmd32(self->fd, VHOST_SET_VRING_BASE, s));
	EXPECT_OK(vdev_get_base(self->fd, RXQ, &base));
	EXPECT_EQ(3, base);
	s->num = 0;
	EXPECT_OK(cmd32(self->fd, VHOST_SET_VRING_BASE, s));
	s->index = NR_VQS;
	EXPECT_ERR(ENOBUFS, cmd32(self->fd, VHOST_SET_VRING_BASE, s));
	s->index = 0;
	EXPECT_ERR(ENOTTY, cmd32(self->fd, _IO(VHOST_VIRTIO, 0x7f), s));
	f = (void *)word;
	*f = (struct vhost_vring_file) { .index = RXQ, .fd = g->tap };
	EXPECT_OK(cmd32(self->fd, VHOST_NET_SET_BACKEND, f));
	f->index = TXQ;
	EXPECT_OK(cmd32(self->fd, VHOST_NET_SET_BACKEND, f));
	EXPECT_OK(guest_check_alive(g, 0));
}

#elif defined(__aarch64__)

#define ARMHF		"/armhf/ioctl_owner"
/* The shell's exit status for a program that the kernel does not run. */
#define NOT_EXECUTABLE	126

/* Find this program for 32-bit arm, beside this one. */
static bool find_armhf(char *path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", path, size - sizeof(ARMHF));

	while (n > 0 && path[n] != '/')
		n--;
	if (n <= 0)
		return false;
	strcpy(path + n, ARMHF);
	return !access(path, X_OK);
}

/*
 * A 64-bit program cannot make 32-bit system calls here. So run all tests of
 * this program, compiled for 32-bit arm.
 */
TEST(all_as_a_program_of_32_bits)
{
	char path[PATH_MAX + 3] = "", line[300];
	int status;
	FILE *f;

	if (!find_armhf(path, PATH_MAX))
		SKIP(return, "not compiled: gcc-arm-linux-gnueabihf is missing");
	strcat(path, " -1");
	f = popen(path, "r");
	ASSERT_NE(NULL, f);
	while (fgets(line, sizeof(line), f))
		printf("# armhf: %s", line);
	status = pclose(f);
	ASSERT_THAT(WIFEXITED(status));
	if (WEXITSTATUS(status) == NOT_EXECUTABLE)
		SKIP(return, "the kernel or the processor runs no 32-bit code");
	EXPECT_EQ(0, WEXITSTATUS(status));
}

#endif

VHOST_TEST_MAIN
