// SPDX-License-Identifier: GPL-2.0-only
/* vhostctl takeover: let vhost_alt serve /dev/vhost-net, or vhost_net. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"
#include "modprobe_conf.h"
#include "vhostctl.h"

#define NET_PATH	"/dev/vhost-net"
#define PARAMETER	"/sys/module/vhost_alt/parameters/takeover"
#define EXAMPLE		"/usr/share/doc/vhost-alt-dkms/examples/vhost-alt-takeover.conf"

static bool is_on(void)
{
	int fd = open(PARAMETER, O_RDONLY | O_CLOEXEC);
	char value = 0;

	if (fd >= 0 && read(fd, &value, 1) != 1)
		value = 0;
	if (fd >= 0)
		close(fd);
	return value == 'Y';
}

/* Return: 0 or a negative errno. */
static int switch_module(bool on)
{
	int fd = open(PARAMETER, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, on ? "1" : "0", 1) != 1)
		err = -errno;
	close(fd);
	return err;
}

/* Check whether any driver serves the path: its minor number is taken. */
static bool is_served(void)
{
	FILE *misc = fopen("/proc/misc", "re");
	bool found = false;
	char line[64], name[32];

	while (misc && !found && fgets(line, sizeof(line), misc))
		found = sscanf(line, "%*u %31s", name) == 1 &&
			!strcmp(name, "vhost-net");
	if (misc)
		fclose(misc);
	return found;
}

static const char *server(void)
{
	if (is_on())
		return "vhost_alt";
	return is_served() ? "vhost_net" : "no module at present";
}

/* Return: modprobe's exit status, 0 for success. */
static int modprobe(const char *option, const char *module)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (option)
			execlp("modprobe", "modprobe", option, module, NULL);
		else
			execlp("modprobe", "modprobe", module, NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return status;
}

/* ---- guests ---- */

struct list {
	FILE *to;
	unsigned int count;
};

static void list_guest(unsigned int pid, void *data)
{
	char name[GUEST_NAME_LEN];
	struct list *list = data;

	if (!guest_name(pid, name, sizeof(name)))
		return;
	fprintf(list->to, "%s%s (%u)", list->count++ ? ", " : "", name, pid);
}

/* List the guests that have the path open. Return: their number. */
static unsigned int list_guests(bool ours, char *text, size_t size)
{
	struct list list = { .to = fmemopen(text, size, "w") };

	*text = 0;
	if (!list.to)
		return 0;
	guests_by_path(ours, list_guest, &list);
	fclose(list.to);
	return list.count;
}

/* ---- status ---- */

static void print_reboot(void)
{
	static struct modprobe_conf conf;

	modprobe_conf_read(&conf);
	if (!conf.takeover && !*conf.options_file) {
		puts("after a reboot: vhost_net; to change that, copy "
		     EXAMPLE " to /etc/modprobe.d/");
	} else if (!conf.takeover) {
		printf("after a reboot: vhost_net, by %s\n", conf.options_file);
	} else if (!conf.install) {
		printf("after a reboot: the module that is loaded first, by %s; see "
		       EXAMPLE "\n", conf.options_file);
	} else {
		printf("after a reboot: vhost_alt, by %s", conf.options_file);
		if (strcmp(conf.options_file, conf.install_file))
			printf(" and %s", conf.install_file);
		putchar('\n');
	}
}

static void print_status(void)
{
	char guests[4096];

	printf(NET_PATH ": %s\n", server());
	if (list_guests(true, guests, sizeof(guests)))
		printf("guests of vhost_alt on that path: %s\n", guests);
	if (list_guests(false, guests, sizeof(guests)))
		printf("guests of vhost_net: %s\n", guests);
	print_reboot();
}

/* ---- switching ---- */

static int switch_error(int err)
{
	switch (err) {
	case -EACCES:
	case -EPERM:
		return kernel_error("takeover: not permitted: try sudo");
	case -EBUSY:
		return kernel_error("takeover: vhost_net has just been loaded again; try again");
	case -ENOENT:
		return kernel_error("module not loaded; try modprobe vhost_alt");
	}
	return kernel_error("takeover: %s", strerror(-err));
}

/* Unload vhost_net, which no guest may be using. */
static int unload_vhost_net(void)
{
	char guests[4096];

	if (list_guests(false, guests, sizeof(guests)))
		return kernel_error("takeover: stop or migrate these guests of vhost_net first: %s",
				    guests);
	if (!syscall(SYS_delete_module, "vhost_net", O_NONBLOCK))
		return EXIT_OK;
	switch (errno) {
	case EPERM:
		return switch_error(-EPERM);
	case EAGAIN:
		return kernel_error("takeover: vhost_net is in use: see lsof "
				    NET_PATH);
	case ENOENT:
		return kernel_error("takeover: vhost_net is built into this kernel, and keeps "
				    NET_PATH);
	}
	return kernel_error("takeover: cannot unload vhost_net: %s",
			    strerror(errno));
}

static int turn_on(void)
{
	bool unloaded = false;
	int err;

	if (access(PARAMETER, F_OK) && modprobe(NULL, "vhost_alt"))
		return kernel_error("takeover: cannot load vhost_alt");
	if (!is_on() && is_served()) {
		err = unload_vhost_net();
		if (err)
			return err;
		unloaded = true;
	}
	err = switch_module(true);
	if (!err)
		return EXIT_OK;
	if (unloaded)
		modprobe("--ignore-install", "vhost_net");
	return switch_error(err);
}

/* Guests that have the path open keep vhost_alt. */
static int turn_off(void)
{
	int err = is_on() ? switch_module(false) : 0;

	if (err)
		return switch_error(err);
	if (!is_served() && modprobe("--ignore-install", "vhost_net"))
		return kernel_error("takeover: cannot load vhost_net");
	return EXIT_OK;
}

int cmd_takeover(const struct options *opt, int argc, char **argv)
{
	const char *what = argc ? argv[0] : "status";
	int status = EXIT_OK;

	if (argc > 1)
		return usage_error("takeover: unexpected argument '%s'",
				   argv[1]);
	if (!strcmp(what, "on"))
		status = turn_on();
	else if (!strcmp(what, "off"))
		status = turn_off();
	else if (strcmp(what, "status"))
		return usage_error("takeover: expected on, off or status");
	if (!status)
		print_status();
	return status;
}
