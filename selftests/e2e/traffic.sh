# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# TCP streams between the guest and the host's side of the tap, one per queue
# pair, all at the same time. In the guest, stream n is bound to CPU n and so to
# queue pair n. The data are VM/down<n> and VM/up<n>, and /tmp/down<n> and
# /tmp/up<n> in the guest.
#
# Offers	traffic_prepare, transfer, checksums_agree, await_listener
# Sets		constants STREAM_MIB, STREAM_BYTES, STREAM_PORT, STREAM_LIMIT
# Wants		agent.sh, qemu.sh

# A guest in an emulated machine, so emulated twice, takes 15 s for a MiB.
if [[ ${VHOST_ALT_MACHINE-} == qemu ]]; then
	readonly STREAM_MIB=2
else
	readonly STREAM_MIB=8
fi
readonly STREAM_BYTES=$((STREAM_MIB << 20)) STREAM_PORT=5000
# Both ends of a stream give up after so many seconds: 90 were not enough in
# emulation on a loaded host. The command that waits for a stream has a little
# more, so that the guest can still be asked what went wrong. Other commands
# have less: if the guest has frozen, all of it is reported before the time
# limit of the machine.
readonly STREAM_LIMIT=480

# The guest sends back what it received, after a line that shifts every byte: a
# plain echo could pass for the correct data, and random data made in the guest
# take 15 s of emulation.
traffic_prepare() { # VM STREAMS [BYTES]
	local i

	[[ -p $1/idle ]] || mkfifo "$1/idle"
	for ((i = 0; i < $2; i++)); do
		head -c "${3:-$STREAM_BYTES}" /dev/urandom >"$1/down$i" ||
			return
	done
	guest "$1" "test -p /tmp/idle || mkfifo /tmp/idle"
}

# Wait until something on the host listens on a TCP port.
await_listener() { # PORT
	local port deadline=$((SECONDS + 60))

	port=$(printf '%04X' "$1")
	until grep -qs "^ *[0-9]*: 0*:$port [0-9A-F:]* 0A " /proc/net/tcp*; do
		((SECONDS < deadline)) || return 1
		sleep 0.02
	done
}

# The host's end of a stream. The receiver must not close its half of the
# connection first, so its input is a pipe that stays empty.
stream() { # VM down|up INDEX
	local port=$((STREAM_PORT + $3))

	if [[ $2 == down ]]; then
		exec timeout "$STREAM_LIMIT" busybox nc -l -p "$port" \
			<"$1/down$3" >/dev/null
	else
		exec timeout "$STREAM_LIMIT" busybox nc -l -p "$port" \
			<>"$1/idle" >"$1/up$3"
	fi
}

# The guest's end of all streams.
guest_streams() { # VM down|up STREAMS
	local i redirect run='' join=true

	for ((i = 0; i < $3; i++)); do
		if [[ $2 == down ]]; then
			redirect="<>/tmp/idle >/tmp/down$i"
		else
			redirect="</tmp/up$i >/dev/null"
			run+="{ echo back $i; cat /tmp/down$i; } >/tmp/up$i; "
		fi
		run+="timeout $STREAM_LIMIT taskset $((1 << i)) "
		run+="nc $HOST_IP $((STREAM_PORT + i)) $redirect & "
		run+="p$i=\$!; "
		join+=" && wait \$p$i"
	done
	guest "$1" "$run $join" $((STREAM_LIMIT + 30))
}

# Move the streams of one direction.
transfer() { # VM down|up STREAMS
	local i status=0
	local -a servers=()

	for ((i = 0; i < $3; i++)); do
		(stream "$1" "$2" "$i") &
		servers+=($!)
		await_listener $((STREAM_PORT + i)) || status=1
	done
	((status)) || guest_streams "$@" || status=1
	((!status)) || kill "${servers[@]}" 2>/dev/null
	wait "${servers[@]}" || status=1
	return "$status"
}

# Check that both sides have the same bytes, and no fewer than there should be.
# Prints the checksums.
checksums_agree() { # VM down|up STREAMS [BYTES]
	local i sum

	for ((i = 0; i < $3; i++)); do
		(($(stat -c %s "$1/$2$i") >= ${4:-STREAM_BYTES})) || return
		sum=$(guest "$1" "sha256sum </tmp/$2$i")
		echo "$sum"
		[[ ${sum%% *} == "$(sha256sum <"$1/$2$i" | cut -d ' ' -f 1)" ]] ||
			return
	done
}
