// SPDX-License-Identifier: GPL-2.0-only
/* vhostctl exec: open a tap and the device, and run QEMU with both. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bridge.h"
#include "vhostctl.h"

#define NETDEV		"vhostctl0"
#define MAX_QUEUES	256
#define MAC_LEN		18
#define TAP_FLAGS	(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)

/* A network card: a tap and a vhost descriptor for each queue pair */
struct nic {
	const struct options *opt;
	unsigned int queues;
	char mac[MAC_LEN];
	char ifname[IFNAMSIZ];
	int tap[MAX_QUEUES];
	int vhost[MAX_QUEUES];
};

static int tap_error(const char *name, unsigned int queues)
{
	switch (errno) {
	case EINVAL:
		return kernel_error("tap %s: not a tap created with vnet_hdr and %s multi_queue",
				    name, queues > 1 ? "with" : "without");
	case EBUSY:
		return kernel_error("tap %s: in use; see vhostctl show ifname %s",
				    name, name);
	case EPERM:
		return kernel_error("tap %s: not permitted: try sudo, or create it for your user",
				    name);
	}
	return kernel_error("tap %s: %s", name, strerror(errno));
}

/* Open one queue of the tap. The first one determines the tap's name. */
static int open_tap(struct nic *nic, unsigned int i)
{
	struct ifreq req = { .ifr_flags = TAP_FLAGS };

	if (nic->queues > 1)
		req.ifr_flags |= IFF_MULTI_QUEUE;
	memcpy(req.ifr_name, nic->ifname, sizeof(req.ifr_name));
	nic->tap[i] = open("/dev/net/tun", O_RDWR);
	if (nic->tap[i] < 0)
		return kernel_error("/dev/net/tun: %s%s", strerror(errno),
				    errno == ENOENT || errno == ENODEV ?
				    "; try modprobe tun" : "");
	if (ioctl(nic->tap[i], TUNSETIFF, &req))
		return tap_error(nic->ifname, nic->queues);
	memcpy(nic->ifname, req.ifr_name, sizeof(req.ifr_name));
	return 0;
}

static int open_vhost(struct nic *nic, unsigned int i, const char *path)
{
	nic->vhost[i] = open(path, O_RDWR);
	if (nic->vhost[i] >= 0)
		return 0;
	if (errno == ENOENT && !strcmp(path, DEVICE_PATH))
		return kernel_error("%s: module not loaded; try modprobe vhost_alt",
				    path);
	return kernel_error("%s: %s%s", path, strerror(errno),
			    errno == EACCES ? "; try sudo" : "");
}

/* Bring the tap up. Addresses and bridges are left to the user. */
static int set_tap_up(const struct nic *nic)
{
	struct ifreq req = { 0 };
	int fd, err;

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return kernel_error("socket: %s", strerror(errno));
	memcpy(req.ifr_name, nic->ifname, sizeof(req.ifr_name));
	err = ioctl(fd, SIOCGIFFLAGS, &req);
	if (!err && !(req.ifr_flags & IFF_UP)) {
		req.ifr_flags |= IFF_UP;
		err = ioctl(fd, SIOCSIFFLAGS, &req);
	}
	close(fd);
	if (err)
		return kernel_error("tap %s: cannot bring it up: %s; try ip link set %s up as root",
				    nic->ifname, strerror(errno),
				    nic->ifname);
	return 0;
}

static int open_all(struct nic *nic)
{
	unsigned int i;
	int err = 0;

	/* The device first: a missing module is the most likely error. */
	for (i = 0; !err && i < nic->queues; i++)
		err = open_vhost(nic, i, nic->opt->device);
	for (i = 0; !err && i < nic->queues; i++)
		err = open_tap(nic, i);
	if (!err && nic->opt->bridge)
		err = bridge_add_port(nic->opt->bridge, nic->ifname);
	return err ? err : set_tap_up(nic);
}

/* For a dry run: the descriptors that open_all() would get. */
static void number_all(struct nic *nic)
{
	unsigned int i;

	for (i = 0; i < nic->queues; i++)
		nic->vhost[i] = open("/dev/null", O_RDWR);
	for (i = 0; i < nic->queues; i++)
		nic->tap[i] = open("/dev/null", O_RDWR);
}

/*
 * QEMU gives the same address to the first card of each guest, so that two of
 * them could not share a bridge.
 */
static int choose_mac(struct nic *nic)
{
	unsigned char b[6];

	if (nic->opt->mac) {
		snprintf(nic->mac, sizeof(nic->mac), "%s", nic->opt->mac);
		return 0;
	}
	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		return kernel_error("random numbers: %s", strerror(errno));
	/* Locally administered, of one station */
	b[0] = (b[0] & 0xfc) | 2;
	snprintf(nic->mac, sizeof(nic->mac), "%02x:%02x:%02x:%02x:%02x:%02x",
		 b[0], b[1], b[2], b[3], b[4], b[5]);
	return 0;
}

/* Print a list of descriptors: "7:8:9". */
static void print_fds(FILE *to, const int *fd, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		fprintf(to, "%s%d", i ? ":" : "", fd[i]);
}

static char *netdev_option(const struct nic *nic)
{
	const char *s = nic->queues > 1 ? "s" : "";
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	if (!to)
		return NULL;
	fprintf(to, "tap,id=" NETDEV ",fd%s=", s);
	print_fds(to, nic->tap, nic->queues);
	fprintf(to, ",vhost=on,vhostfd%s=", s);
	print_fds(to, nic->vhost, nic->queues);
	if (nic->opt->poll_us)
		fprintf(to, ",poll-us=%u", nic->opt->poll_us);
	fclose(to);
	return text;
}

/* What QEMU's command line says about the machine */
struct machine {
	const char *type;
	size_t len;
	bool pcie;
};

/* Machines of QEMU whose virtio devices are on virtio-mmio */
static const char *const mmio_machines[] = {
	"microvm", "vexpress-a9", "vexpress-a15",
};

/* Note a word of -machine: "type=TYPE" or "PROPERTY=VALUE". */
static void read_property(struct machine *machine, const char *word, size_t len)
{
	static const char type[] = "type=", pcie[] = "pcie=";

	if (len >= strlen(type) && !strncmp(word, type, strlen(type))) {
		machine->type = word + strlen(type);
		machine->len = len - strlen(type);
	} else if (len > strlen(pcie) && !strncmp(word, pcie, strlen(pcie))) {
		machine->pcie = !strncmp(word + strlen(pcie), "on", 2);
	}
}

/* Note what an argument of -machine says. The type may come first, as such. */
static void read_machine(struct machine *machine, const char *word)
{
	size_t len = strcspn(word, ",");

	if (!memchr(word, '=', len)) {
		machine->type = word;
		machine->len = len;
	}
	for (; *word; word += len + !!word[len]) {
		len = strcspn(word, ",");
		read_property(machine, word, len);
	}
}

/* Check whether the machine lacks a PCI bus. */
static bool has_mmio(int argc, char **argv)
{
	struct machine machine = { .type = "" };
	unsigned int i;
	int arg;

	/* Options may be repeated, and have one dash or two. */
	for (arg = 1; arg + 1 < argc; arg++) {
		const char *option = argv[arg] + !strncmp(argv[arg], "--", 2);

		if (!strcmp(option, "-M") || !strcmp(option, "-machine"))
			read_machine(&machine, argv[++arg]);
	}
	for (i = 0; i < ARRAY_SIZE(mmio_machines); i++) {
		if (machine.len == strlen(mmio_machines[i]) &&
		    !memcmp(machine.type, mmio_machines[i], machine.len))
			return !machine.pcie;
	}
	return false;
}

static char *device_option(const struct nic *nic, bool mmio)
{
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	if (!to)
		return NULL;
	fprintf(to, "%s,netdev=" NETDEV ",mac=%s",
		mmio ? "virtio-net-device" : "virtio-net-pci", nic->mac);
	if (nic->opt->packed)
		fputs(",packed=on", to);
	if (nic->queues > 1)
		fputs(",mq=on", to);
	/* One vector per queue, one each for configuration and control. */
	if (nic->queues > 1 && !mmio)
		fprintf(to, ",vectors=%u", 2 * nic->queues + 2);
	fclose(to);
	return text;
}

/* Print an argument so that a shell reads it as one word. */
static void print_word(const char *word)
{
	const char *c = word;

	while (isalnum((unsigned char)*c) || (*c && strchr("%+,-./:=@_", *c)))
		c++;
	if (*word && !*c) {
		fputs(word, stdout);
		return;
	}
	putchar('\'');
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*word);
	}
	putchar('\'');
}

static int print_command(char **args)
{
	unsigned int i;

	for (i = 0; args[i]; i++) {
		if (i)
			putchar(' ');
		print_word(args[i]);
	}
	putchar('\n');
	return EXIT_OK;
}

static int run_qemu(const struct nic *nic, int argc, char **argv)
{
	char **args = calloc(argc + 5, sizeof(*args));
	char *netdev = netdev_option(nic);
	char *device = device_option(nic, has_mmio(argc, argv));

	if (!args || !netdev || !device)
		return kernel_error("out of memory");
	memcpy(args, argv, argc * sizeof(*args));
	args[argc++] = "-netdev";
	args[argc++] = netdev;
	args[argc++] = "-device";
	args[argc++] = device;
	if (nic->opt->dry_run)
		return print_command(args);
	fprintf(stderr, "vhostctl: interface %s\n", nic->ifname);
	execvp(args[0], args);
	return kernel_error("%s: %s%s", args[0], strerror(errno),
			    errno == ENOENT ?
			    "; try apt-get install qemu-system-x86" : "");
}

int cmd_exec(const struct options *opt, int argc, char **argv)
{
	static struct nic nic;
	int err;

	if (!argc)
		return usage_error("exec: expected -- QEMU [ARGUMENT...]");
	nic.opt = opt;
	nic.queues = opt->queues;
	snprintf(nic.ifname, sizeof(nic.ifname), "%s", opt->tap ?: "tap%d");
	err = choose_mac(&nic);
	if (!err && opt->dry_run)
		number_all(&nic);
	else if (!err)
		err = open_all(&nic);
	return err ? err : run_qemu(&nic, argc, argv);
}
