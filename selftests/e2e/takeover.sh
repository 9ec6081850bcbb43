# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Takeover: clients that open /dev/vhost-net by themselves get the module under
# test. The in-tree module is unloaded meanwhile.
#
# Offers	takeover_begin, takeover_end, machine_modprobe
# Sets		no variables
# Wants		counters.sh

takeover_begin() {
	if grep -q '^vhost_net ' /proc/modules; then
		rmmod vhost_net || return
	fi
	echo 1 >/sys/module/vhost_alt/parameters/takeover && takeover_is_on
}

takeover_end() {
	echo 0 >/sys/module/vhost_alt/parameters/takeover &&
		machine_modprobe vhost_net
}

# A test machine has the kernel's modules elsewhere than other hosts.
machine_modprobe() { # MODULE...
	local VM_KERNEL_DIR=''

	# shellcheck source=/dev/null
	[[ ! -e /run/vm/settings ]] || . /run/vm/settings
	modprobe ${VM_KERNEL_DIR:+-d "$VM_KERNEL_DIR"} -a "$@"
}
