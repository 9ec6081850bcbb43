# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Takeover: clients that open /dev/vhost-net by themselves get the module under
# test. The in-tree module is unloaded meanwhile.
#
# Offers	takeover_begin, takeover_end
# Sets		no variables
# Wants		counters.sh

takeover_begin() {
	if grep -q '^vhost_net ' /proc/modules; then
		rmmod vhost_net || return
	fi
	echo 1 >/sys/module/vhost_alt/parameters/takeover && takeover_is_on
}

# The test machine has the kernel's modules elsewhere.
takeover_end() {
	local directory

	echo 0 >/sys/module/vhost_alt/parameters/takeover || return
	# shellcheck source=/dev/null
	directory=$([[ ! -e /run/vm/settings ]] || . /run/vm/settings && echo "${VM_KERNEL_DIR-}")
	modprobe ${directory:+-d "$directory"} vhost_net
}
