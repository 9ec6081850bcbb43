# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # names shared through run
# Who carried the packets? Four witnesses: the descriptors that QEMU holds, the
# CPU time of the kernel's worker threads, the bytes that QEMU itself read and
# wrote, and the counters of the tap.

# How often QEMU has the device open.
device_opens() {
	device_fds | grep -c .
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

# How long each worker has run, in nanoseconds. User-mode Linux keeps this clock
# in ticks of 10 ms, too coarse for a single transfer.
workers_ns() {
	local task ran rest

	for task in $(worker_tasks); do
		read -r ran rest <"$task/schedstat" && echo "$ran"
	done
}

# How often each worker was given the CPU: exact everywhere.
workers_runs() {
	local task

	for task in $(worker_tasks); do
		awk '/ctxt_switches/ { n += $2 } END { print n }' "$task/status"
	done
}

# Bytes that QEMU moved by system calls of its own: in the kernel's path next
# to none, in QEMU's path every packet. What it wrote about itself, if it was
# asked to, does not count.
qemu_io_bytes() {
	awk -v log_bytes="$(stat -c %s "$dir/trace.log" 2>/dev/null)" \
		'/^[rw]char:/ { n += $2 } END { print n - log_bytes }' \
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
		((later[i] -= ${earlier[i]:-0}))
	done
	echo "${later[*]}"
}

evidence_before() {
	before_ns=$(workers_ns)
	before_runs=$(workers_runs)
	before_io=$(qemu_io_bytes)
	before_tap=$(tap_counters)
	before_vhostctl=$(vhostctl_bytes)
}

# Leaves the differences in worker_ns and worker_runs (one element per worker),
# io_bytes, tap_delta and vhostctl_delta; io_bytes is empty where the kernel does not account for it.
evidence_after() {
	read -ra worker_ns <<<"$(minus "$(workers_ns)" "$before_ns")"
	read -ra worker_runs <<<"$(minus "$(workers_runs)" "$before_runs")"
	io_bytes=$(minus "$(qemu_io_bytes)" "$before_io")
	read -ra tap_delta <<<"$(minus "$(tap_counters)" "$before_tap")"
	read -ra vhostctl_delta <<<"$(minus "$(vhostctl_bytes)" "$before_vhostctl")"
}
