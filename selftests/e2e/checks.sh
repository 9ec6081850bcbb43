# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Checks of a client and its traffic. Each prints its result as TAP, beginning
# with the client's name. A command that is checked runs in this shell; what it
# prints is shown if it fails.
#
# Offers	check, skip, fail, note, explain, check_traffic, no_fallback,
#		no_worker, open_times
# Sets		the counters of tap.sh. Uses the property io_share of a VM: with
#		QEMU's own I/O below 1/io_share of the traffic, the kernel has
#		moved it
# Wants		tap.sh, client.sh, agent.sh, accounting.sh, counters.sh,
#		traffic.sh

check() { # CLIENT NAME COMMAND...
	local name start=$SECONDS result

	name="$(client_get "$1" name): ${2% }"
	"${@:3}" >"$1/check.log" 2>&1
	result=$?
	((SECONDS < start + 2)) || name+=" ($((SECONDS - start)) s)"
	if ((result)); then
		tail -n 3 "$1/agent.log" >>"$1/check.log" 2>/dev/null
		tap_not_ok "$name" "$1/check.log"
	else
		tap_ok "$name"
	fi
	return "$result"
}

skip() { # CLIENT NAME WHY
	tap_skip "$(client_get "$1" name): ${2% }" "$3"
}

fail() { # CLIENT NAME
	tap_not_ok "$(client_get "$1" name): $2"
}

# Print a measurement, as a comment.
note() { # CLIENT TEXT...
	echo "# $(client_get "$1" name): ${*:2}"
}

# Print what helps to find the cause of a failure, as comments.
explain() { # VM
	explain_vm "$1" >"$1/explain.log" 2>&1
	tap_detail "$1/explain.log"
}

explain_vm() { # VM
	local log fd

	for log in qemu.log console monitor.log; do
		[[ ! -s $1/$log ]] || { echo "$log:" && tail -n 20 "$1/$log"; }
	done
	client_alive "$1" || return
	for fd in $(device_fds "$1"); do
		echo "descriptor $fd:"
		tail -n +5 "/proc/$(client_get "$1" pid)/fdinfo/$fd"
	done
	echo "guest:"
	guest "$1" "ethtool -S eth0; grep virtio /proc/interrupts;
		netstat -tn" | grep -v ': 0$'
	echo "host:" && busybox netstat -tn && tap_counters "$1"
}

ping_both_ways() { # VM
	guest "$1" "ping -c 3 -i 0.2 -W 10 $HOST_IP" &&
		busybox ping -c 3 -i 0.2 -W 10 "$GUEST_IP"
}

# Move data to the guest and back, and check that it is the expected datapath
# that moved them.
check_traffic() { # VM WHEN [STREAMS]
	local vm=$1 when=$2 streams direction mib
	local -A before=() moved=()
	local -A words=([down]="to the guest" [up]="from the guest")

	streams=${3:-$(client_get "$vm" queues)}
	mib=$(client_get "$vm" stream_mib)
	: "${mib:=$STREAM_MIB}"
	check "$vm" "ping both ways $when" ping_both_ways "$vm" || return
	check "$vm" "test data is ready $when" \
		traffic_prepare "$vm" "$streams" $((mib << 20)) || return
	accounting_read "$vm" before
	for direction in down up; do
		check "$vm" "$streams × $mib MiB ${words[$direction]} $when" \
			transfer "$vm" "$direction" "$streams" || return
		check "$vm" "checksums ${words[$direction]} $when" \
			checksums_agree "$vm" "$direction" "$streams" $((mib << 20))
	done
	accounting_read "$vm" moved
	accounting_subtract moved before
	check_datapath "$vm" "$when" "$streams" moved $((streams * mib << 20))
}

# Check the witnesses of the datapath. Of the tap and vhostctl both directions
# count.
check_datapath() { # VM WHEN STREAMS ARRAY BYTES
	local vm=$1 when=$2 bytes=$5
	local -n moved_array=$4
	local -a tap ctl

	read -ra tap <<<"${moved_array[tap]}"
	read -ra ctl <<<"${moved_array[vhostctl]}"
	note "$vm" "tap counters: ${tap[*]};" \
		"QEMU's own I/O: ${moved_array[io]:-?} bytes;" \
		"workers ran ${moved_array[worker_runs]} times," \
		"${moved_array[worker_ns]} ns"
	check "$vm" "the tap counted the traffic $when" \
		at_least "$bytes" "${tap[0]}" "${tap[2]}"
	if [[ $(client_get "$vm" vhost) == off ]]; then
		check "$vm" "QEMU is found to have moved it $when" \
			moved_by_qemu "$bytes" "$4"
		return
	fi
	check "$vm" "vhost's workers were busy $when" workers_busy "$3" "$4"
	if ((${#ctl[@]})); then
		check "$vm" "vhostctl counted the traffic $when" \
			at_least "$bytes" "${ctl[@]}"
	else
		skip "$vm" "vhostctl counted the traffic $when" \
			"not built, or no vhost_alt"
	fi
	if [[ ${moved_array[io]} ]]; then
		check "$vm" "QEMU did not move the traffic $when" \
			io_below "${moved_array[io]}" \
			$((bytes / $(client_get "$vm" io_share)))
	else
		skip "$vm" "QEMU did not move the traffic $when" \
			"no TASK_IO_ACCOUNTING"
	fi
}

io_below() { # BYTES LIMIT
	echo "QEMU moved $1 bytes, expected less than $2"
	(($1 < $2))
}

# Each queue pair has a worker. 20 runs and a millisecond are far below what 16
# MiB take, and far above what starting and stopping does. User-mode Linux
# cannot measure a millisecond: see worker_ns().
workers_busy() { # WORKERS ARRAY
	local -n busy_array=$2
	local i
	local -a runs ns

	read -ra runs <<<"${busy_array[worker_runs]}"
	read -ra ns <<<"${busy_array[worker_ns]}"
	echo "workers ran ${runs[*]} times, ${ns[*]} ns"
	((${#runs[@]} >= $1)) || return
	for ((i = 0; i < $1; i++)); do
		((runs[i] >= 20)) || return
		((ns[i] >= 1000000)) || [[ ${VHOST_ALT_MACHINE-} == uml* ]] ||
			return
	done
}

moved_by_qemu() { # BYTES ARRAY
	local -n qemu_array=$2

	[[ -z ${qemu_array[worker_ns]} ]] &&
		((${qemu_array[io]:-2 * $1} >= 2 * $1))
}

# Check how many times a client has the device open.
open_times() { # CLIENT TIMES
	local opens

	opens=$(device_opens "$1")
	echo "$opens times"
	((opens == $2))
}

# Check that QEMU does not say that it uses its own datapath. vhostctl says
# which interface it has opened.
no_fallback() { # VM
	! grep -v '^vhostctl: interface ' "$1/qemu.log" |
		grep -iE 'vhost|falling back|userspace virtio'
}

# Check that no worker has outlived its client.
no_worker() { # CLIENT
	local tasks

	tasks=$(worker_tasks "$1")
	echo "$tasks"
	[[ -z $tasks ]]
}
