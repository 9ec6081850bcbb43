# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Traffic that goes on while something is done to the guest: a TCP connection in
# each direction that sends until it is told to stop, and a ping per second.
# Each end checksums what it sent and what it received.
#
# DIR is a directory for the state on the host. The guest may have moved to
# another VM between two calls.
#
# Offers	background_start, background_mark, background_moved,
#		background_continues, background_stop, background_intact,
#		background_clean
# Sets		constants BACKGROUND_DOWN_PORT, BACKGROUND_UP_PORT
# Wants		agent.sh, qemu.sh, accounting.sh, traffic.sh

readonly BACKGROUND_DOWN_PORT=5100 BACKGROUND_UP_PORT=5101

# The data are numbered copies of the same random bytes, so none can be taken
# for another. The rate leaves time for other work on the machine's processor.
background_start() { # VM DIR
	local -a groups

	rm -rf "$2" && mkdir "$2" && mkfifo "$2/idle" || return
	: >"$2/ping"
	head -c 65536 /dev/urandom >"$2/seed" || return
	# Each a process group, which can be ended as a whole.
	set -m
	background_send "$2" &
	groups=($!)
	background_receive "$2" &
	groups+=($!)
	set +m
	echo "${groups[*]}" >"$2/groups"
	await_listener "$BACKGROUND_DOWN_PORT" &&
		await_listener "$BACKGROUND_UP_PORT" || return
	background_start_guest "$1" || return
	busybox ping -i 1 "$GUEST_IP" >"$2/ping" 2>&1 &
	echo $! >"$2/ping.pid"
	background_mark "$1" "$2"
	guest_await "$1" 60 background_moved "$1" "$2"
}

background_send() { # DIR
	local n=0

	while [[ ! -e $1/stop ]]; do
		echo $((n++))
		cat "$1/seed"
		read -r -t 0.1 <>"$1/idle"
	done | tee >(sha256sum >"$1/down.sent") |
		busybox nc -l -p "$BACKGROUND_DOWN_PORT" >/dev/null
}

# The receiver must not close its half of the connection first: see stream().
background_receive() { # DIR
	busybox nc -l -p "$BACKGROUND_UP_PORT" <>"$1/idle" |
		sha256sum >"$1/up.received"
}

background_start_guest() { # VM
	guest "$1" "cd /tmp && rm -f flow.stop && mkfifo flow.idle flow.copy &&
		head -c 65536 /dev/urandom >seed" || return
	guest "$1" "cd /tmp; nc $HOST_IP $BACKGROUND_DOWN_PORT <>flow.idle |
		sha256sum >down.received &" || return
	guest "$1" "cd /tmp; sha256sum <flow.copy >up.sent &
		n=0; while ! test -e flow.stop; do
			echo \$n; cat seed; sleep 0.1; n=\$((n+1)); done |
		tee flow.copy | nc $HOST_IP $BACKGROUND_UP_PORT >/dev/null &"
}

# Note what has been moved until now.
background_mark() { # VM DIR
	tap_counters "$1" >"$2/mark.tap"
	background_pings "$2" >"$2/mark.pings"
}

background_pings() { # DIR
	grep -c 'bytes from' "$1/ping"
}

# Check whether half a MiB has passed the tap since the mark, in each direction.
background_moved() { # VM DIR
	local delta

	read -ra delta <<<"$(minus "$(tap_counters "$1")" "$(<"$2/mark.tap")")"
	((delta[0] >= 1 << 19 && delta[2] >= 1 << 19))
}

background_pinged() { # DIR
	(($(background_pings "$1") >= $(<"$1/mark.pings") + 2))
}

# Wait until both connections and the ping have made progress.
background_continues() { # VM DIR
	background_mark "$1" "$2"
	guest_await "$1" 120 background_moved "$1" "$2" &&
		guest_await "$1" 60 background_pinged "$2"
}

# Let both connections end in the ordinary way.
background_stop() { # VM DIR
	touch "$2/stop"
	guest "$1" "cd /tmp; touch flow.stop;
		until test -s down.received && test -s up.sent; do
			sleep 0.2; done" || return
	guest_await "$1" 60 [ -s "$2/down.sent" ] &&
		guest_await "$1" 60 [ -s "$2/up.received" ]
}

# Check that nothing was lost or changed. Prints the checksums of both sides.
background_intact() { # VM DIR
	local in_guest on_host

	in_guest=$(guest "$1" "cat /tmp/down.received /tmp/up.sent")
	on_host=$(cat "$2"/{down.sent,up.received})
	printf '%s\n' "guest:" "$in_guest" "host:" "$on_host"
	[[ $in_guest && $in_guest == "$on_host" ]]
}

# End what is left of the traffic, also after a failure.
background_clean() { # DIR
	local group ping
	local -a groups

	[[ -d $1 ]] || return 0
	if read -r ping 2>/dev/null <"$1/ping.pid"; then
		kill -INT "$ping" 2>/dev/null
		wait "$ping" 2>/dev/null
	fi
	read -ra groups 2>/dev/null <"$1/groups"
	for group in "${groups[@]}"; do
		kill -- "-$group" 2>/dev/null
		wait "$group" 2>/dev/null
	done
	rm -f "$1"/{idle,stop,{up,down}.*,{ping.,}pid,groups}
}
