# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Situations, each made on a real tap with a guest that may misbehave, and what
# vhostctl explain has to name in it: that and nothing else. Beside each cause
# there is one that looks like it, in which it must stay silent.

# NAME | PROBLEM,... or none | STEP; ... [| REGEX]
# The text of a problem matches REGEX. A step is a function step_* of this file, or a
# command of the guest, or after "!" of the host, in the guest's network namespace. A
# step after ">" is made when explain has taken its first sample.
situations() {
	cat <<-'END'
		# ---- in order ----
		idle | none | start
		idle, packed ring | none | packed
		idle after traffic | none | start; tx 20; rx 20
		idle with buffers | none | start; refill 64; rx 3
		no event indices, idle after traffic | none | flags; tx 20; rx 20
		packed ring, idle after traffic | none | packed; tx 20; rx 20
		single packets both ways | none | start; load
		packets of 60 at a time | none | big; flood 100
		few packets | none | start; trickle
		IOMMU, translations answered | none | iommu; tx 5
		polling that finds packets (2 CPUs) | none | big; poll 50; load
		a queue that polls and has nothing to do | none | start; poll 50; tx 5
		dirty log on, nothing moved | none | start; dirty 1
		migration finished | none | start; dirty 1; tx 10; rx 10; dirty 0; load
		memory lost and found | none | start; lose; find; until_running; tx 5
		buffers ran out, and came again | none | start; inject 5; refill 16; take 5; rx 5
		ring broken and mended | none | start; break; mend; stop; run; tx 5
		chains that were bad before | none | start; bad 1; bad 4; tx 5
		tap in a bridge | none | start; bridge; trickle
		tap with an address | none | start; nopkt; !ip addr add 10.9.9.1 dev tap0; trickle
		tap that is captured | none | start; trickle
		nothing sent, nobody listens | none | start; nopkt
		send buffer limited, not full | none | start; sndbuf 1000000; tx 20
		XDP program that passes | none | start; xdp 2; load
		several queues | none | multi; pair; trickle
		queue detached and attached | none | multi; detach; attach; tx 5; rx 5
		drops of long ago | none | start; inject 500; refill 128; take 64
		cgroup limit not reached | none | limit 90000; start; trickle
		other processes sleep | none | start; sleeper; load

		# ---- the tap ----
		tap is down | tap_down | start; tx 5; !ip link set tap0 down
		tap is down, and the guest sends | tap_down | start; trickle; !ip link set tap0 down
		no carrier | tap_no_carrier | start; tx 5; carrier 0
		queue detached | tap_detached | multi; tx 5; detach
		one of two queues detached | tap_detached | multi; pair; detach
		left its bridge | tap_unbridged | start; bridge; trickle; > leave_bridge
		port disabled | tap_port_blocked | start; bridge; !bridge link set dev tap0 state 0
		port does not forward yet | tap_port_blocked | start; bridge_stp; trickle
		bridge is down | bridge_down | start; bridge; !ip link set br0 down
		in no bridge, without an address | tap_unconnected | start; nopkt; trickle
		another process reads the tap | tap_other_reader | start; reader; feed 100
		filter on the tap | tap_drops | start; filter; feed 100
		XDP program that drops | xdp_drops | start; xdp 1; trickle
		header of another length | header_mismatch | start; header 10
		MTU differs | mtu_mismatch | big; mtu tap0 9000; bridge; mtu br0 1500; flood 6000

		# ---- the scheduler ----
		a process computes | worker_starved | big; busy; flood 16000
		a process of real-time priority | worker_starved | big; busy_rt; flood 16000
		worker and vCPU on one CPU (2 CPUs) | worker_on_vcpu | big; vcpu; pin; flood 16000
		cgroup throttled | worker_throttled | limit 20000; big; flood 2000
		worker at its limit (2 CPUs) | cpu_bound | big; flood 16000
		one pair busy, one idle (2 CPUs) | one_pair_busy | multi; pair; flood 16000
		memory near (2 nodes) | cpu_bound | memory 1; big; on_cpu 0; flood 16000
		memory far (2 nodes) | cpu_bound,worker_far | memory 2; big; on_cpu 0; flood 16000
		memory on both (2 nodes) | cpu_bound | memory 3; big; on_cpu 0; flood 16000

		# ---- the VMM ----
		VMM stopped by a signal | vmm_stopped | start; tx 5; signal STOP
		VMM stopped while packets arrive | vmm_stopped | start; inject 10; signal STOP
		VMM in a debugger | vmm_traced | start; tx 5; trace
		IOTLB misses not answered | iotlb_miss | iommu; tx 5; deaf
		no call eventfd | no_call | start; tx 5; nocall
		no kick eventfd | no_kick | start; tx 5; nokick
		guest paused | stopped | start; tx 5; stop
		driver not started | stopped | start; stop
		no owner | no_owner | open
		owner has not begun | no_memory | open; own
		migration | migration | start; dirty 1; load

		# ---- the guest ----
		no receive buffers | no_buffers | start; inject 10
		no receive buffers, packed ring | no_buffers | packed; inject 10
		no receive buffers, no event indices | no_buffers | flags; inject 10
		too few receive buffers | no_buffers | start; refill 3; inject 10
		kick lost | lost_kick | start; tx 5; publish 3
		kick lost, packed ring | lost_kick | packed; tx 5; publish 3
		kick lost, no event indices | lost_kick | flags; tx 5; publish 3
		first kick lost | lost_kick | start; publish 1
		kick lost for buffers | lost_kick | start; inject 10; until_waiting; repost 8
		interrupts not taken | calls_not_taken | start; tx 5; send 100
		interrupt for one packet not taken | calls_not_taken | start; rx 5; leave 1
		kick storm | kick_storm | start; storm
		buffers of 128 bytes | small_buffers | start; tiny
		MTU exceeds the buffers | drops | narrow; feed 9000
		bulk without offloads | no_offload | big; mtu tap0 1500; flood 1514
		chain: readable after writable | drops | start; bad 3
		chain: loop | drops | start; bad 1
		chain: outside of its table | drops | start; bad 2
		chain: writable | drops | start; bad 0
		chain: outside of memory | drops | start; bad 4
		chain: indirect table of a bad size | drops | start; bad 5

		# ---- the module ----
		ring error | ring_error | start; tx 5; break
		ring error, packed ring | ring_error | packed; tx 5; break
		memory lost | ring_fault | start; tx 5; lose
		single packets fill a CPU | poor_batching | start; set adaptive-poll=1; singly | try
		the same, never polled | poor_batching | start; set adaptive-poll=off; singly | off:
		the same, polled in vain | poor_batching | start; polled_in_vain | in vain
		many packets fill a CPU | cpu_bound | big; xdp 100000; flood 100 | CPU: spread
		both ways | cpu_bound | big; both_ways seldom | workers=split
		both ways, shared again | cpu_bound | rxtx 1; big; share; both_ways seldom | split
		both ways at leisure | none | big; hear 5000; trickle
		rx waits for tx | queue_starved | big; both_ways often | for tx of device
		rx waits, VMM's workers | queue_starved | big; workers 1; both_ways often | WORKER
		it does not, split (2 CPUs) | cpu_bound | big; split; both_ways often | CPU: spread
		both ways, VMM's workers | cpu_bound | big; workers 1; both_ways seldom | NEW_WORKER
		polling that does not pay | polling_wasted | start; poll 5000; trickle
		polling without an end | polling_wasted | start; poll 1000000; trickle
	END
}

# ---- steps ----

step_bridge() {
	in_guest ip link add br0 type bridge &&
		in_guest ip link set tap0 master br0 && in_guest ip link set br0 up &&
		until_true is_forwarding
}

step_leave_bridge() {
	in_guest ip link set tap0 nomaster
}

# A port listens and learns for 30 s before it forwards.
step_bridge_stp() {
	in_guest ip link add br0 type bridge stp_state 1 &&
		in_guest ip link set tap0 master br0 && in_guest ip link set br0 up
}

is_forwarding() {
	in_guest bridge link show dev tap0 | grep -q 'state forwarding'
}

step_mtu() {
	in_guest ip link set "$1" mtu "$2"
}

step_signal() {
	kill -"$1" "$GUEST" && until_true grep -q "^State:.*stopped" "/proc/$GUEST/status"
}

step_trace() {
	mkfifo "$KEPT/hold"
	"$BIN/selftests/vhostctl/guest" trace "$GUEST" <"$KEPT/hold" >"$KEPT/traced" 2>&1 &
	HELPERS+=($!)
	exec {HOLD}>"$KEPT/hold"
	until_true grep -q ok "$KEPT/traced"
}

# A group of its own for the guest, with N of 100000 us of CPU time.
step_limit() {
	echo +cpu >/sys/fs/cgroup/cgroup.subtree_control
	mkdir -p /sys/fs/cgroup/limited &&
		echo "$1 100000" >/sys/fs/cgroup/limited/cpu.max &&
		echo "$GUEST" >/sys/fs/cgroup/limited/cgroup.procs
}

worker_tids() {
	"$VHOSTCTL" -j workers | jq '.workers[].tid'
}

# The guest and its worker have one CPU for themselves.
step_pin() {
	local tid

	while read -r tid; do
		taskset -apc 0 "$tid"
	done < <(echo "$GUEST"; worker_tids) >/dev/null
}

# The worker runs on CPU N, the guest on another one.
step_on_cpu() {
	local tid

	for tid in $(worker_tids); do
		taskset -pc "$1" "$tid"
	done >/dev/null
	taskset -apc $((!$1)) "$GUEST" >/dev/null
}

# A woken worker runs at once. Where there is one CPU, a guest that waits for it
# does not use half of that.
step_urgent() {
	local tid

	for tid in $(worker_tids); do
		chrt -f -p 1 "$tid"
	done
}

# The guest sends all the time, and receives often or seldom.
step_both_ways() {
	case $1 in
	often) guest xdp 2000 && guest hear 1000 ;;
	seldom) guest xdp 90000 && guest hear 90000 ;;
	esac && guest flood 100
}

step_sleeper() {
	sleep 600 &
	HELPERS+=($!)
}

step_busy() {
	bash -c 'while :; do :; done' &
	HELPERS+=($!)
}

# It leaves some time to the others: the test is one of them.
step_busy_rt() {
	chrt -f 1 bash -c 'exec 3<> <(:)
		while :; do for ((i = 0; i < 20000; i++)); do :; done; read -r -t 0.03 -u 3; done' &
	HELPERS+=($!)
}

# Packets fill a CPU one by one.
step_singly() {
	guest xdp 200000
	step_urgent
	guest singles 100
}

step_set() {
	"$VHOSTCTL" set "$DEV" "$@"
}

step_split() {
	step_set workers=split && until_true is_served tx
}

# Whether the next owner has a worker for each queue.
step_rxtx() {
	echo "$1" >/sys/module/vhost_alt/parameters/rxtx_workers
}

step_share() {
	step_rxtx 0
	step_set workers=shared && until_true is_served rx,tx
}

# A trial begins where packets follow each other within a few times that time.
step_polled_in_vain() {
	step_set adaptive-poll=1000
	step_singly
	until_true counter_is poll_trials_failed '[1-9]'
}

step_until_running() {
	until_true is_running
}

step_until_waiting() {
	until_true counter_is no_buffers '[1-9]'
}

counter_is() {
	"$VHOSTCTL" -s show "$DEV" | grep -qE " $1 $2"
}

# ---- the judgement ----

in_guest() {
	nsenter -t "$GUEST" -n "$@"
}

# step WORD... : make one step. The device is known once the guest has it.
step() {
	case $1 in
	!*) in_guest bash -c "${*#!}" ;;
	*)
		if declare -F "step_$1" >/dev/null; then
			"step_$1" "${@:2}"
		else
			guest "$@"
		fi
		;;
	esac || result 1 "step: $*"
	[ -n "$DEV" ] || DEV=$("$VHOSTCTL" show | awk 'NR == 2 { print $1 }')
}

# Check whether explain sleeps, as it does between its samples: it has used no CPU
# time since the last check. True if it has ended.
sleeps() {
	local then=$used

	used=$(cut -d ' ' -f 2,3,14,15 "/proc/$1/stat" 2>/dev/null) || return 0
	[[ "$used" == "(vhostctl) S"* ]] && [ "$used" = "$then" ]
}

# explain_situation SECONDS [STEP] : write what explain says to files in $KEPT; make the
# step while it sleeps.
explain_situation() {
	local explain used=''

	nsenter -t "$GUEST" -n "$VHOSTCTL" -j explain -i "$1" \
		>"$KEPT/$NUMBER.explain.json" 2>"$KEPT/error" &
	explain=$!
	if [ $# -gt 1 ]; then
		until_true sleeps $explain
		# shellcheck disable=SC2086
		step $2
	fi
	wait $explain
}

# The problems that are there now, each once.
problems() {
	jq -r '[.devices[].findings[] | select(.now).problem] | unique | join(",") |
		if . == "" then "none" else . end' "$KEPT/$NUMBER.explain.json"
}

end_situation() {
	[ -z "$HOLD" ] || exec {HOLD}>&-
	kill -CONT "$GUEST"
	guest_end
	[ ${#HELPERS[@]} -eq 0 ] || kill "${HELPERS[@]}" 2>/dev/null
	wait
	[ ! -d /sys/fs/cgroup/limited ] || rmdir /sys/fs/cgroup/limited
	until_true no_devices
}

texts() {
	jq -r '.devices[].findings[].text' "$KEPT/$NUMBER.explain.json"
}

# situation NAME PROBLEMS STEPS [REGEX]
situation() {
	local steps one during='' got
	local HELPERS=() HOLD='' DEV=''

	guest_begin
	IFS=';' read -ra steps <<<"$3"
	for one in "${steps[@]}"; do
		one=${one# }
		if [ "${one#> }" != "$one" ]; then
			during=${one#> }
		else
			# shellcheck disable=SC2086
			step $one
		fi
	done
	if [ -n "$during" ]; then
		explain_situation 5 "$during"
	else
		explain_situation 0.5
		# A busy host may move too few packets in that time for a verdict.
		[ "$(problems)" != none ] || [ "$2" = none ] || explain_situation 4
	fi
	got=$(problems)
	[ "$got" = "$2" ] && { [ -z "${4-}" ] || texts | grep -qE -- "$4"; }
	result $? "$1: $2" "$got: $(texts)
		$(cat "$KEPT/error")"
	end_situation
}

# part_situations : all, or those whose names match $ONLY.
part_situations() {
	local name problems steps regex NUMBER=0

	while IFS='|' read -r name problems steps regex <&3; do
		NUMBER=$((NUMBER + 1))
		name=${name% } problems=${problems// /}
		case $name in
		'' | '#'*) continue ;;
		*"(2 CPUs)"*)
			[ "$(nproc)" -ge 2 ] || {
				tap_skip "$name" "this machine has one"
				continue
			}
			;;
		*"(2 nodes)"*)
			has_nodes || {
				tap_skip "$name" "this machine has no NUMA nodes"
				continue
			}
			;;
		esac
		[[ "$name" =~ ${ONLY-} ]] && situation "$name" "$problems" "${steps# }" "${regex# }"
	done 3< <(situations)
}
