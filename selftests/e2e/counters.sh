# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # names shared through run
# What the module counted: lines "<queue>.<counter>: <value>" in the fdinfo of
# each open device. The in-tree module has none.

# The descriptors under which QEMU has the device, the first queue pair first.
device_fds() {
	local fd

	for fd in /proc/"$qemu_pid"/fd/*; do
		[[ $(readlink "$fd") != "$device" ]] || echo "${fd##*/}"
	done | sort -n
}

counters_known() { # FD
	grep -qs '^tx\.packets:' "/proc/$qemu_pid/fdinfo/$1"
}

counter() { # FD QUEUE.NAME
	awk -v name="$2:" '$1 == name { print $2 }' "/proc/$qemu_pid/fdinfo/$1"
}

# Frames that the module could not carry, whatever the reason.
counter_drops() { # FD QUEUE
	awk -v name="^$2\\\\.drop\\\\." '$1 ~ name { n += $2 } END { print n + 0 }' \
		"/proc/$qemu_pid/fdinfo/$1"
}
