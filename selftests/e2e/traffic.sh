# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # names shared through run
# Streams over TCP between the guest and this side of the tap. One stream per
# queue pair, all at once; in the guest stream n is bound to CPU n, and thereby
# to queue pair n.

stream_bytes=$((8 << 20))
first_port=5000
# Both ends of a stream give up after this: in emulation on a loaded host 90 s have
# been too few. The command that waits for a stream gets a little more, so that the
# guest can still be asked what went wrong. Others do not, so that of a guest that
# has frozen all is told before the run is ended from outside.
stream_limit=240

# The guest sends back what it got with a line before it, so that no byte is in its
# old place: an echo could pass for the truth, and random data of the guest's own
# costs 15 s of emulation.
traffic_prepare() { # STREAMS
	local i

	[[ -p $dir/idle ]] || mkfifo "$dir/idle"
	for ((i = 0; i < $1; i++)); do
		head -c "$stream_bytes" /dev/urandom >"$dir/down$i" || return
	done
	guest "test -p /tmp/idle || mkfifo /tmp/idle"
}

await_listener() { # PORT
	local port deadline=$((SECONDS + 60))

	port=$(printf '%04X' "$1")
	until grep -qs "^ *[0-9]*: 0*:$port [0-9A-F:]* 0A " /proc/net/tcp*; do
		((SECONDS < deadline)) || return 1
		sleep 0.02
	done
}

# Who receives must not end its own half of the connection first, so its input
# is a pipe on which nothing ever comes.
stream() { # down|up INDEX
	local port=$((first_port + $2))

	if [[ $1 == down ]]; then
		exec timeout "$stream_limit" busybox nc -l -p "$port" \
			<"$dir/down$2" >/dev/null
	else
		exec timeout "$stream_limit" busybox nc -l -p "$port" \
			<>"$dir/idle" >"$dir/up$2"
	fi
}

guest_streams() { # down|up STREAMS
	local i redirect run='' join=true
	local command_limit=$((stream_limit + 30))

	for ((i = 0; i < $2; i++)); do
		if [[ $1 == down ]]; then
			redirect="<>/tmp/idle >/tmp/down$i"
		else
			redirect="</tmp/up$i >/dev/null"
			run+="{ echo back $i; cat /tmp/down$i; } >/tmp/up$i; "
		fi
		run+="timeout $stream_limit taskset $((1 << i)) nc $host_ip $((first_port + i)) $redirect & "
		run+="p$i=\$!; "
		join+=" && wait \$p$i"
	done
	guest "$run $join"
}

# Moves the streams of one direction; the time taken is left in stream_us.
transfer() { # down|up STREAMS
	local i start status=0
	local -a servers=()

	for ((i = 0; i < $2; i++)); do
		(stream "$1" "$i") &
		servers+=($!)
		await_listener $((first_port + i)) || status=1
	done
	start=${EPOCHREALTIME/./}
	((status)) || guest_streams "$1" "$2" || status=1
	((!status)) || kill "${servers[@]}" 2>/dev/null
	wait "${servers[@]}" || status=1
	stream_us=$((${EPOCHREALTIME/./} - start))
	return "$status"
}

# Here and there the same bytes, and no fewer than there should be.
checksums_agree() { # down|up STREAMS
	local i

	for ((i = 0; i < $2; i++)); do
		(($(stat -c %s "$dir/$1$i") >= stream_bytes)) || return
		guest "sha256sum </tmp/$1$i" || return
		[[ ${reply%% *} == "$(sha256sum <"$dir/$1$i" | cut -d ' ' -f 1)" ]] ||
			return
	done
}
