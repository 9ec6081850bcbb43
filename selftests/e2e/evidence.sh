# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # names shared through run
# Who carried the packets? Four witnesses: the descriptors that QEMU holds, the
# CPU time of the kernel's worker threads, the bytes that QEMU itself read and
# wrote, and the counters of the tap.

# How often QEMU has the device open.
device_opens() {
	local fd count=0

	for fd in /proc/"$qemu_pid"/fd/*; do
		[[ $(readlink "$fd") != "$device" ]] || ((++count))
	done
	echo "$count"
}

# The workers of our QEMU, in the order of their creation: kernel threads of
# their own (6.1), or threads of QEMU's process (6.4 and later).
worker_tasks() {
	local comm name

	for comm in /proc/"$qemu_pid"/task/*/comm /proc/[0-9]*/comm; do
		name=
		read -r name 2>/dev/null <"$comm" || continue
		[[ $name != "vhost-$qemu_pid" && $name != "vhost-$qemu_pid"-* ]] ||
			echo "${comm%/comm}"
	done | sort -u -t / -k 5n -k 3n
}

# Nanoseconds that a task has run: exact where the kernel keeps scheduler
# statistics, else counted in clock ticks.
task_ns() { # /proc/…
	local ran rest
	local -a field

	if read -r ran rest 2>/dev/null <"$1/schedstat" && ((ran)); then
		echo "$ran"
		return
	fi
	rest=$(<"$1/stat") || return
	read -ra field <<<"${rest##*) }"
	echo $(((field[11] + field[12]) * (1000000000 / $(getconf CLK_TCK))))
}

workers_ns() {
	local task

	for task in $(worker_tasks); do
		task_ns "$task"
	done
}

# Bytes that QEMU moved by system calls of its own: in the kernel's path next
# to none, in QEMU's path every packet.
qemu_io_bytes() {
	awk '/^[rw]char:/ { n += $2 } END { print n + 0 }' \
		"/proc/$qemu_pid/io" 2>/dev/null
}

# Of the tap, as this side sees it: bytes from the guest, packets from it,
# bytes to the guest, packets to it.
tap_counters() {
	sed -n "s/^ *$tap: *//p" /proc/net/dev | awk '{ print $1, $2, $9, $10 }'
}

# Differences, element by element, of two lists of numbers.
minus() { # "LATER" "EARLIER"
	local -a later earlier
	local i

	read -ra later <<<"${1//$'\n'/ }"
	read -ra earlier <<<"${2//$'\n'/ }"
	for i in "${!later[@]}"; do
		echo $((later[i] - ${earlier[i]:-0}))
	done
}

sum() {
	local n=0 i

	for i; do
		((n += i))
	done
	echo "$n"
}

evidence_before() {
	before_workers=$(workers_ns)
	before_io=$(qemu_io_bytes)
	before_tap=$(tap_counters)
}

# Leaves the differences in worker_ns (one element per worker), io_bytes and
# tap_delta.
evidence_after() {
	mapfile -t worker_ns < <(minus "$(workers_ns)" "$before_workers")
	io_bytes=$(minus "$(qemu_io_bytes)" "$before_io")
	mapfile -t tap_delta < <(minus "$(tap_counters)" "$before_tap")
}
