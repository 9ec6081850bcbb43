# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # names shared through run
# More than one QEMU: what guest.sh knows of the one that it talks to is put aside
# under a name, and taken up again.

declare -A seats
seat_parts=(device dir tap qemu_pid agent_in agent_out monitor_in monitor_out)

seat_leave() { # NAME
	local part

	for part in "${seat_parts[@]}"; do
		seats[$1.$part]=${!part-}
	done
}

seat_take() { # NAME
	local part

	for part in "${seat_parts[@]}"; do
		printf -v "$part" %s "${seats[$1.$part]}"
	done
}

# An empty one, for another QEMU on the given device.
seat_new() { # NAME DEVICE
	device=$2 dir=$work/$1 tap=e2e-$1
	qemu_pid='' agent_in='' agent_out='' monitor_in='' monitor_out=''
	mkdir -p "$dir"
}
