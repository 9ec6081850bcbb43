# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # names shared through run
# Checks of a guest: each prints its result, under the name of the variant.
#
# In: variant, queues, and what guest.sh and evidence.sh have.

pass() { report_pass "$variant: $1"; }
skip() { report_skip "$variant: ${1% }" "$2"; }
fail() { report_fail "$variant: $1"; }

check() { # NAME COMMAND…
	local name=${1% } start=$SECONDS

	shift
	reply=
	if "$@"; then
		pass "$name$(duration $((SECONDS - start)))"
		return
	fi
	fail "$name$(duration $((SECONDS - start)))"
	{
		[[ -z $reply ]] || echo "$reply"
		tail -n 3 "$dir/agent.log" 2>/dev/null
	} | report_detail
	return 1
}

duration() { # SECONDS
	(($1 < 2)) || echo " ($1 s)"
}

# Everything that a person would ask for next.
explain() {
	local fd

	{
		for log in qemu.log console; do
			[[ ! -s $dir/$log ]] || { echo "$log:" && tail -n 20 "$dir/$log"; }
		done
		kill -0 "$qemu_pid" 2>/dev/null || return
		for fd in $(device_fds); do
			echo "descriptor $fd:" && tail -n +5 "/proc/$qemu_pid/fdinfo/$fd"
		done
		guest "ethtool -S eth0; grep virtio /proc/interrupts; netstat -tn"
		echo "guest:" && grep -v ': 0$' <<<"$reply"
		echo "machine:" && busybox netstat -tn && tap_counters
	} | report_detail
}

ping_both_ways() {
	guest "ping -c 3 -i 0.2 -W 10 $host_ip" &&
		reply=$(busybox ping -c 3 -i 0.2 -W 10 "$guest_ip" 2>&1)
}

# Packets there and back, and whose work they were.
check_traffic() { # WHEN
	local when=$1 direction

	check "ping both ways $when" ping_both_ways || return
	check "data is ready $when" traffic_prepare "$queues" || return
	evidence_before
	for direction in down up; do
		check "$queues × 8 MiB ${direction_name[$direction]} $when" \
			transfer "$direction" "$queues" || return
		check "checksums ${direction_name[$direction]} $when" \
			checksums_agree "$direction" "$queues"
	done
	evidence_after
	check_carrier "$when"
}

declare -A direction_name=([down]="to the guest" [up]="from the guest")

check_carrier() { # WHEN
	local bytes=$((queues * stream_bytes))

	reply="tap counters: ${tap_delta[*]}; QEMU's own I/O: ${io_bytes:-?} bytes;"
	reply+=" workers ran ${worker_runs[*]} times, ${worker_ns[*]} ns"
	echo "# $variant: $reply"
	check "the tap counted it $1" tap_counted "$bytes"
	if [[ $variant == userspace ]]; then
		check "seen to be QEMU's own work $1" carried_by_qemu "$bytes"
	else
		check "vhost's workers did it $1" workers_busy
		if ((${#vhostctl_delta[@]})); then
			reply="vhostctl: ${vhostctl_delta[*]} bytes"
			check "vhostctl tells of it $1" vhostctl_counted "$bytes"
		else
			skip "vhostctl tells of it $1" "not built, or no vhost_alt"
		fi
		if [[ $io_bytes ]]; then
			check "QEMU did not $1" idle_qemu "$bytes"
		else
			skip "QEMU did not $1" "no TASK_IO_ACCOUNTING"
		fi
	fi
}

tap_counted() { # BYTES
	((tap_delta[0] >= $1 && tap_delta[2] >= $1))
}

vhostctl_counted() { # BYTES
	((vhostctl_delta[0] >= $1 && vhostctl_delta[1] >= $1))
}

# Each queue pair has a worker. 20 runs and a millisecond are far below what 16 MiB
# take, and far above what starting and stopping does.
workers_busy() {
	local i

	((${#worker_runs[@]} >= queues)) || return
	for ((i = 0; i < queues; i++)); do
		((worker_runs[i] >= 20)) || return
		((worker_ns[i] >= 1000000 || coarse_clock)) || return
	done
}

# With an IOMMU it answers vhost's questions, some for each packet, in messages of
# 72 bytes: had it moved the packets it would be at least twice BYTES.
idle_qemu() { # BYTES
	((io_bytes < $1 / own_io_share))
}

carried_by_qemu() { # BYTES
	((${#worker_ns[@]} == 0 && ${io_bytes:-2 * $1} >= 2 * $1))
}

no_fallback() {
	! reply=$(grep -iE 'vhost|falling back|userspace virtio' "$dir/qemu.log")
}

no_worker() {
	reply=$(worker_tasks)
	[[ -z $reply ]]
}
