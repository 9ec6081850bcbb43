/* SPDX-License-Identifier: GPL-2.0-only */
/* What modprobe.d(5) says about the takeover */
#ifndef VHOSTCTL_MODPROBE_CONF_H
#define VHOSTCTL_MODPROBE_CONF_H

#include <limits.h>
#include <stdbool.h>

/**
 * struct modprobe_conf - which module gets /dev/vhost-net after a reboot
 * @takeover: vhost_alt is loaded with takeover=1
 * @install: vhost_alt is loaded in place of vhost_net
 * @options_file: the file with the last value of takeover; empty: none has it
 * @install_file: the file with the command for vhost_net; empty: none has it
 */
struct modprobe_conf {
	bool takeover, install;
	char options_file[PATH_MAX];
	char install_file[PATH_MAX];
};

void modprobe_conf_read(struct modprobe_conf *conf);

#endif
