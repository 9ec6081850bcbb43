# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # names shared through run
# What the module counted: lines "<queue>.<counter>: <value>" in the fdinfo of
# each open device, whose queue 0 receives and queue 1 transmits, as the guest sees
# it. The in-tree module has none.

declare -A counted_queue=([rx]=queue0 [tx]=queue1)

# The descriptors under which QEMU has the device, the first queue pair first.
device_fds() {
	find "/proc/$qemu_pid/fd" -lname "$device" -printf '%f\n' | sort -n
}

# Nothing where there is no such counter.
counter() { # FD rx|tx NAME
	awk -v name="${counted_queue[$2]}.$3:" '$1 == name { print $2 }' \
		"/proc/$qemu_pid/fdinfo/$1"
}

vhostctl=$(realpath ../..)/build/tools/vhostctl

# "RX TX": the bytes that vhostctl says were moved for QEMU, of all its devices.
# Nothing where there is no vhostctl, or another module.
vhostctl_bytes() {
	[[ -x $vhostctl && $device == /dev/vhost-net-alt ]] || return 0
	"$vhostctl" -j -s show pid "$qemu_pid" | python3 -c '
import json, sys
moved = {"rx": 0, "tx": 0}
for device in json.load(sys.stdin):
    for queue in device["queues"]:
        moved[queue["name"]] += queue["counters"]["bytes"]
print(moved["rx"], moved["tx"])'
}
