# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The module's counters: lines "<queue>.<counter>: <value>" in the fdinfo of
# each open device. Queue 0 receives and queue 1 transmits, from the guest's
# point of view. The in-tree module has none.
#
# Offers	device_fds, device_opens, takeover_is_on, counter,
#		vhostctl_bytes
# Sets		constant COUNTER_QUEUE
# Wants		client.sh; selftests/e2e as the working directory

declare -rA COUNTER_QUEUE=([rx]=queue0 [tx]=queue1)

# Print the descriptors under which the client has the device open, that of the
# first queue pair first.
device_fds() { # CLIENT
	find "/proc/$(client_get "$1" pid)/fd" \
		-lname "$(client_get "$1" device)" -printf '%f\n' | sort -n
}

# Print how many times the client has the device open.
device_opens() { # CLIENT
	device_fds "$1" | grep -c .
}

# Check whether /dev/vhost-net is the module's.
takeover_is_on() {
	grep -qs Y /sys/module/vhost_alt/parameters/takeover
}

# Print the value of a counter, or nothing if there is no such counter.
counter() { # CLIENT FD rx|tx NAME
	awk -v name="${COUNTER_QUEUE[$3]}.$4:" '$1 == name { print $2 }' \
		"/proc/$(client_get "$1" pid)/fdinfo/$2"
}

# Print "RX TX": the bytes that vhostctl shows for all devices of the client.
# Nothing if vhostctl is not built, or the device is another module's.
vhostctl_bytes() { # CLIENT
	local vhostctl=../../build/tools/vhostctl

	[[ -x $vhostctl ]] || return 0
	[[ $(client_get "$1" device) == /dev/vhost-net-alt ]] ||
		takeover_is_on || return 0
	"$vhostctl" -j -s show pid "$(client_get "$1" pid)" | python3 -c '
import json, sys
total = {"rx": 0, "tx": 0}
for queue in sum((device["queues"] for device in json.load(sys.stdin)["devices"]), []):
	total[queue["name"]] += queue["counters"]["bytes"]
print(total["rx"], total["tx"])'
}
