# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # names shared through run
# Traffic that goes on while something is done to the guest: a TCP connection in
# each direction, sending until told to stop, and a ping a second. Each end sums
# up what it sent and what it received.
#
# In: work (scratch, for as long as the flow lasts).

flow_down_port=5100
flow_up_port=5101

# Numbered copies of the same random bytes: none may be taken for another. No more
# of them than leave time for other work on the machine's processor.
flow_start() {
	mkfifo "$work/idle"
	: >"$work/ping"
	head -c 65536 /dev/urandom >"$work/seed" || return
	# Each a process group, to end it whole.
	set -m
	flow_send_down &
	flow_groups=($!)
	flow_receive_up &
	flow_groups+=($!)
	set +m
	await_listener "$flow_down_port" && await_listener "$flow_up_port" || return
	flow_start_guest || return
	busybox ping -i 1 "$guest_ip" >"$work/ping" 2>&1 &
	ping_pid=$!
	flow_mark
	guest_await 60 flow_moved
}

flow_send_down() {
	local n=0

	while [[ ! -e $work/flow.stop ]]; do
		echo $((n++))
		cat "$work/seed"
		read -r -t 0.1 <>"$work/idle"
	done | tee >(sha256sum >"$work/down.sent") |
		busybox nc -l -p "$flow_down_port" >/dev/null
}

# Who receives must not end its own half of the connection first: see stream().
flow_receive_up() {
	busybox nc -l -p "$flow_up_port" <>"$work/idle" |
		sha256sum >"$work/up.received"
}

flow_start_guest() {
	guest "cd /tmp && rm -f flow.stop && mkfifo flow.idle flow.copy &&
		head -c 65536 /dev/urandom >seed" || return
	guest "cd /tmp; nc $host_ip $flow_down_port <>flow.idle |
		sha256sum >down.received &" || return
	guest "cd /tmp; sha256sum <flow.copy >up.sent &
		n=0; while ! test -e flow.stop; do echo \$n; cat seed; sleep 0.1; n=\$((n+1)); done |
		tee flow.copy | nc $host_ip $flow_up_port >/dev/null &"
}

# Has a good deal passed the tap since the mark, both ways?
flow_mark() {
	flow_mark_tap=$(tap_counters)
	flow_mark_ping=$(grep -c 'bytes from' "$work/ping")
}
flow_moved() {
	local delta

	read -ra delta <<<"$(minus "$(tap_counters)" "$flow_mark_tap")"
	((delta[0] >= 1 << 19 && delta[2] >= 1 << 19))
}
flow_pinged() {
	(($(grep -c 'bytes from' "$work/ping") >= flow_mark_ping + 2))
}

traffic_goes_on() {
	flow_mark
	guest_await 120 flow_moved && guest_await 60 flow_pinged
}

# Lets both connections end in the ordinary way.
flow_stop() {
	touch "$work/flow.stop"
	guest "cd /tmp; touch flow.stop;
		until test -s down.received && test -s up.sent; do sleep 0.2; done" ||
		return
	guest_await 60 [ -s "$work/down.sent" ] &&
		guest_await 60 [ -s "$work/up.received" ]
}

flow_sums_agree() {
	guest "cat /tmp/down.received /tmp/up.sent" &&
		[[ ${reply//$'\n'/ } == "$(cat "$work"/{down.sent,up.received} |
			paste -sd ' ')" ]]
}

# Also after a failure; what is left of the flow ends in any case.
flow_clean() {
	local group

	[[ -z ${ping_pid-} ]] || kill -INT "$ping_pid" 2>/dev/null
	wait "${ping_pid-}" 2>/dev/null
	for group in "${flow_groups[@]}"; do
		kill -- "-$group" 2>/dev/null
	done
	wait "${flow_groups[@]}" 2>/dev/null
	ping_pid='' flow_groups=()
	rm -f "$work"/{idle,flow.stop,{up,down}.*}
}
