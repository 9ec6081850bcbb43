// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading and unloading: refused while a file is open, clean afterwards, and
 * the module parameters. Without $VHOST_ALT_KO the module could not be loaded
 * again, so it is not unloaded.
 */
#include <glob.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "test.h"
#include "thread.h"

#define OURS		"vhost_alt"
#define OUR_PATH	"/dev/vhost-net-alt"
#define NET		"vhost_net"
#define NET_PATH	"/dev/vhost-net"

/* Fixed numbers: include/linux/miscdevice.h. */
#define MISC_MAJOR	10
#define NET_MINOR	238

static int unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? -errno : 0;
}

static int load(const char *path, const char *parameters)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = syscall(SYS_finit_module, fd, parameters, 0) ? -errno : 0;
	close(fd);
	return err;
}

static bool is_loaded(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	return !access(path, F_OK);
}

/* Load the in-tree module, from where this machine has it. */
static bool load_vhost_net(void)
{
	return !system("bash -c '. /run/vm/settings 2>/dev/null;"
		       " modprobe ${VM_KERNEL_DIR:+-d \"$VM_KERNEL_DIR\"}"
		       " vhost_net' >/dev/null 2>&1");
}

TEST(unload_refused_while_open)
{
	int fd = vdev_open();

	ASSERT_GE(fd, 0);
	EXPECT_ERR(EAGAIN, unload(env_module()));
	EXPECT_OK(vdev_set_owner(fd));
	EXPECT_ERR(EAGAIN, unload(env_module()));
	EXPECT_EQ(0, access(env_device(), F_OK));
	close(fd);
}

TEST(unload_refused_while_running)
{
	struct guest_cfg cfg = GUEST_CFG(F_MODERN_BASE);
	struct guest g;

	ASSERT_OK(guest_start(&g, &cfg));
	EXPECT_ERR(EAGAIN, unload(env_module()));
	EXPECT_OK(guest_check_alive(&g, 0));
	guest_stop(&g);
}

/* Tests that unload the module. It is loaded again after each. */
FIXTURE(reload)
{
	const char *ko;
	bool had_vhost_net;
};

FIXTURE_SETUP(reload)
{
	self->ko = getenv("VHOST_ALT_KO");
	if (!self->ko || !*self->ko || strcmp(env_device(), OUR_PATH))
		SETUP_SKIP("no module file to load again");
	self->had_vhost_net = is_loaded(NET);
}

static bool gone(const char *name)
{
	/* The last reference may be dropped a moment after the file. */
	return !is_loaded(name) || wait_until(!unload(name));
}

static bool back_to_normal(const char *ko, bool vhost_net)
{
	setenv("DEVICE", OUR_PATH, true);
	if (!gone(OURS) || load(ko, ""))
		return false;
	return !vhost_net || is_loaded(NET) || load_vhost_net();
}

FIXTURE_TEARDOWN(reload)
{
	ASSERT_THAT(back_to_normal(self->ko, self->had_vhost_net));
	ASSERT_THAT(wait_until(!access(OUR_PATH, R_OK | W_OK)));
}

TEST_F(reload, unload_and_load_repeatedly)
{
	struct guest_cfg cfg = GUEST_CFG(F_MODERN_BASE);
	struct guest g;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		ASSERT_OK(guest_start(&g, &cfg));
		EXPECT_OK(guest_check_alive(&g, 0));
		guest_stop(&g);
		ASSERT_THAT(gone(OURS));
		EXPECT_FALSE(is_loaded(OURS));
		EXPECT_NE(0, access(OUR_PATH, F_OK));
		ASSERT_OK(load(self->ko, ""));
		ASSERT_THAT(wait_until(!access(OUR_PATH, R_OK | W_OK)));
	}
}

/* ---- rxtx_workers ---- */

static bool has_thread(const char *suffix)
{
	char name[32];

	snprintf(name, sizeof(name), "vhost-%d%s", getpid(), suffix);
	return thread_named(name);
}

/* Each device gets two threads without its client asking for them. */
TEST_F(reload, rxtx_workers)
{
	struct guest_cfg cfg = GUEST_CFG(F_MODERN_BASE);
	unsigned int id;
	struct guest g;
	int fd;

	ASSERT_THAT(gone(OURS));
	ASSERT_OK(load(self->ko, "rxtx_workers=1"));
	ASSERT_OK(guest_start(&g, &cfg));
	EXPECT_TRUE(has_thread("-rx"));
	EXPECT_TRUE(has_thread("-tx"));
	EXPECT_EQ(2, threads_of(getpid(), NULL, 0));
	EXPECT_OK(vdev_get_worker(g.dev, RXQ, &id));
	EXPECT_EQ(0, id);
	EXPECT_OK(vdev_get_worker(g.dev, TXQ, &id));
	EXPECT_EQ(1, id);
	EXPECT_OK(guest_check_alive(&g, 0));
	/* They are workers like those that a client makes. */
	EXPECT_ERR(EBUSY, vdev_free_worker(g.dev, 0));
	EXPECT_OK(vdev_attach_worker(g.dev, TXQ, 0));
	EXPECT_OK(vdev_free_worker(g.dev, 1));
	EXPECT_OK(guest_check_alive(&g, 100));
	guest_stop(&g);
	EXPECT_TRUE(wait_until(!threads_of(getpid(), NULL, 0)));
	/* The next owner of the same file has two again. */
	fd = vdev_open();
	ASSERT_GE(fd, 0);
	ASSERT_OK(vdev_set_owner(fd));
	ASSERT_OK(vdev_cmd(fd, VHOST_RESET_OWNER, NULL));
	ASSERT_OK(vdev_set_owner(fd));
	EXPECT_TRUE(wait_until(threads_of(getpid(), NULL, 0) == 2));
	close(fd);
}

/* ---- takeover ---- */

/* Search what the kernel has logged since @kmsg was last read. */
static bool log_says(int kmsg, const char *text)
{
	char line[1000];
	bool found = false;
	ssize_t n;

	while ((n = read(kmsg, line, sizeof(line) - 1)) > 0) {
		line[n] = 0;
		found |= !!strstr(line, text);
	}
	return found;
}

/* The parameter tells whether the path was taken over. */
static bool has_taken_over(void)
{
	int fd = open("/sys/module/" OURS "/parameters/takeover",
		      O_RDONLY | O_CLOEXEC);
	char value = 0;

	if (fd < 0 || read(fd, &value, 1) != 1)
		value = 0;
	close(fd);
	return value == 'Y';
}

/* Return: 0 or a negative errno, as a write to the parameter's file has it. */
static int set_takeover(bool on)
{
	int fd = open("/sys/module/" OURS "/parameters/takeover",
		      O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, on ? "1" : "0", 1) != 1)
		err = -errno;
	close(fd);
	return err;
}

/* vhost_net still has its path: neither its users nor it notice anything. */
static bool vhost_net_works(void)
{
	bool works;
	int fd;

	fd = open(NET_PATH, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return false;
	/* The module cannot be unloaded while one of its files is open. */
	works = unload(NET) == -EAGAIN && !vdev_set_owner(fd);
	close(fd);
	return works;
}

/*
 * The path belongs to vhost_net: the module says so, and serves its own path
 * only. Unloading it does not take the path away from vhost_net.
 */
TEST_F(reload, takeover_beside_vhost_net)
{
	struct guest_cfg cfg = GUEST_CFG(F_MODERN_BASE);
	struct guest g;
	int kmsg;

	if (!self->had_vhost_net && !load_vhost_net())
		SKIP(return, "no vhost_net that could have the path");
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ASSERT_GE(kmsg, 0);
	lseek(kmsg, 0, SEEK_END);
	ASSERT_THAT(gone(OURS));
	ASSERT_OK(load(self->ko, "takeover=1"));
	EXPECT_TRUE(log_says(kmsg, "unload vhost_net"));
	close(kmsg);
	EXPECT_FALSE(has_taken_over());
	ASSERT_THAT(wait_until(!access(OUR_PATH, R_OK | W_OK)));
	ASSERT_OK(guest_start(&g, &cfg));
	EXPECT_OK(guest_check_alive(&g, 0));
	guest_stop(&g);
	EXPECT_TRUE(vhost_net_works());
	ASSERT_THAT(gone(OURS));
	EXPECT_NE(0, access(OUR_PATH, F_OK));
	EXPECT_TRUE(vhost_net_works());
	if (!self->had_vhost_net)
		EXPECT_TRUE(gone(NET));
}

static int run_program(const char *path)
{
	int status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		/* Its output would be taken for results of this program. */
		dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
		execl(path, path, NULL);
		_exit(126);
	}
	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	return status ? -EPROTO : 0;
}

/* All tests of commands, by the path that is compiled into programs. */
static int run_ioctl_tests(void)
{
	char path[200];
	glob_t programs;
	ssize_t n;
	size_t i;
	int err = 0;

	n = readlink("/proc/self/exe", path, sizeof(path) - 10);
	if (n < 0)
		return -errno;
	path[n] = 0;
	strcpy(strrchr(path, '/'), "/ioctl_*");
	if (glob(path, 0, NULL, &programs))
		return -ENOENT;
	for (i = 0; !err && i < programs.gl_pathc; i++)
		err = run_program(programs.gl_pathv[i]);
	globfree(&programs);
	return err;
}

TEST_F(reload, takeover)
{
	struct guest_cfg cfg = GUEST_CFG(F_MODERN_BASE);
	struct stat st;
	struct guest g;
	int fd;

	ASSERT_THAT(gone(NET));
	ASSERT_THAT(gone(OURS));
	ASSERT_OK(load(self->ko, "takeover=1"));
	EXPECT_TRUE(has_taken_over());
	ASSERT_EQ(0, stat(NET_PATH, &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(MISC_MAJOR, major(st.st_rdev));
	EXPECT_EQ(NET_MINOR, minor(st.st_rdev));
	EXPECT_EQ(0, access(OUR_PATH, R_OK | W_OK));

	setenv("DEVICE", NET_PATH, true);
	EXPECT_TRUE(env_is_ours());
	ASSERT_OK(guest_start(&g, &cfg));
	EXPECT_OK(guest_check_alive(&g, 0));
	/* It is the same device by another name. */
	EXPECT_LT(0, vdev_counter(g.dev, "queue1.packets"));
	EXPECT_ERR(EAGAIN, unload(OURS));
	fd = open(OUR_PATH, O_RDWR | O_CLOEXEC);
	ASSERT_GE(fd, 0);
	guest_stop(&g);
	EXPECT_ERR(EAGAIN, unload(OURS));
	close(fd);
	if (env_scaled(100, 1) == 100)
		EXPECT_OK(run_ioctl_tests());

	ASSERT_THAT(gone(OURS));
	EXPECT_NE(0, access(NET_PATH, F_OK));
	EXPECT_NE(0, access(OUR_PATH, F_OK));
	/* Nothing is left that keeps vhost_net from loading. */
	if (self->had_vhost_net)
		EXPECT_TRUE(load_vhost_net());
}

/* Start a guest beside the usual one. */
static int start_second(struct guest *g, const struct guest_cfg *cfg)
{
	int err = guest_init(g, cfg);

	snprintf(g->ifname, sizeof(g->ifname), "second0");
	if (!err)
		err = guest_open_tap(g);
	if (!err)
		err = guest_open_dev(g);
	return err ?: guest_set_backend(g, g->tap);
}

/* Guests on either path do not notice that the second one comes and goes. */
TEST_F(reload, takeover_at_run_time)
{
	struct guest_cfg cfg = GUEST_CFG(F_MODERN_BASE);
	struct guest first, second;

	ASSERT_THAT(gone(NET));
	ASSERT_FALSE(has_taken_over());
	ASSERT_OK(guest_start(&first, &cfg));
	ASSERT_OK(set_takeover(true));
	EXPECT_TRUE(has_taken_over());
	EXPECT_OK(set_takeover(true));
	ASSERT_THAT(wait_until(!access(NET_PATH, R_OK | W_OK)));
	setenv("DEVICE", NET_PATH, true);
	ASSERT_OK(start_second(&second, &cfg));
	EXPECT_OK(guest_check_alive(&second, 0));
	EXPECT_LT(0, vdev_counter(second.dev, "queue1.packets"));

	ASSERT_OK(set_takeover(false));
	EXPECT_FALSE(has_taken_over());
	EXPECT_OK(set_takeover(false));
	EXPECT_TRUE(wait_until(access(NET_PATH, F_OK)));
	EXPECT_OK(guest_check_alive(&first, 0));
	EXPECT_OK(guest_check_alive(&second, 1));
	guest_stop(&second);
	EXPECT_ERR(EAGAIN, unload(OURS));
	guest_stop(&first);
}

/* Either module can have the path after the other one, but not beside it. */
TEST_F(reload, takeover_after_vhost_net)
{
	struct guest_cfg cfg = GUEST_CFG(F_MODERN_BASE);
	struct guest g;

	if (!self->had_vhost_net && !load_vhost_net())
		SKIP(return, "no vhost_net that could have the path");
	ASSERT_OK(guest_start(&g, &cfg));
	EXPECT_ERR(EBUSY, set_takeover(true));
	EXPECT_FALSE(has_taken_over());
	EXPECT_TRUE(vhost_net_works());
	ASSERT_THAT(gone(NET));
	EXPECT_OK(set_takeover(true));
	EXPECT_TRUE(has_taken_over());
	EXPECT_FALSE(load_vhost_net());
	EXPECT_OK(set_takeover(false));
	EXPECT_TRUE(load_vhost_net());
	EXPECT_TRUE(vhost_net_works());
	EXPECT_OK(guest_check_alive(&g, 0));
	guest_stop(&g);
	if (!self->had_vhost_net)
		EXPECT_TRUE(gone(NET));
}

TEST_F(reload, takeover_value)
{
	int fd = open("/sys/module/" OURS "/parameters/takeover",
		      O_WRONLY | O_CLOEXEC);

	ASSERT_GE(fd, 0);
	EXPECT_EQ(-1, write(fd, "x", 1));
	EXPECT_EQ(EINVAL, errno);
	close(fd);
	EXPECT_FALSE(has_taken_over());
	ASSERT_THAT(gone(NET));
	ASSERT_THAT(gone(OURS));
	EXPECT_ERR(EINVAL, load(self->ko, "takeover=x"));
	EXPECT_FALSE(is_loaded(OURS));
	/* Like each boolean parameter, it needs no value. */
	ASSERT_OK(load(self->ko, "takeover"));
	EXPECT_TRUE(has_taken_over());
}

struct opener {
	bool stop, opened;
};

static void *open_and_close(void *arg)
{
	struct opener *o = arg;
	int fd;

	while (!__atomic_load_n(&o->stop, __ATOMIC_RELAXED)) {
		fd = open(NET_PATH, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		__atomic_store_n(&o->opened, true, __ATOMIC_RELAXED);
		close(fd);
	}
	return NULL;
}

/* The path comes and goes while it is being opened, the module too. */
TEST_F(reload, takeover_while_opened)
{
	unsigned int i, rounds = env_scaled(200, 20);
	struct opener o = { 0 };
	pthread_t thread;

	ASSERT_THAT(gone(NET));
	ASSERT_EQ(0, pthread_create(&thread, NULL, open_and_close, &o));
	for (i = 0; i < rounds; i++) {
		EXPECT_OK(set_takeover(true));
		EXPECT_OK(set_takeover(false));
	}
	EXPECT_OK(set_takeover(true));
	EXPECT_TRUE(wait_until(__atomic_load_n(&o.opened, __ATOMIC_RELAXED)));
	EXPECT_TRUE(wait_until(!unload(OURS)));
	EXPECT_NE(0, access(NET_PATH, F_OK));
	EXPECT_OK(load(self->ko, "takeover=1"));
	__atomic_store_n(&o.stop, true, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_TRUE(has_taken_over());
}

VHOST_TEST_MAIN
