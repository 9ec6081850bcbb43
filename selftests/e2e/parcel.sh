# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # names shared through run
# Bytes that vhost has written into the guest's memory, and that nobody there has
# touched since: they lie in the receive queue of a connection whose reader is
# stopped. Whether they survive a migration depends on vhost's log alone, while
# most of what is received is soon written over by the guest itself.
#
# In: work (scratch).

parcel_port=5200
# Many pages, for the guest may have written to some shortly before. The queue has
# to have room for them.
parcel_bytes=524288
parcel_room="4096 8388608 8388608"

parcel_prepare() {
	rm -f "$work/parcel.in" && mkfifo "$work/parcel.in" &&
		head -c "$parcel_bytes" /dev/urandom >"$work/parcel" || return
	exec {parcel_in}<>"$work/parcel.in"
	busybox nc -l -p "$parcel_port" <"$work/parcel.in" >/dev/null &
	parcel_pid=$!
	await_listener "$parcel_port" || return
	guest "echo '$parcel_room' >/proc/sys/net/ipv4/tcp_rmem &&
		cd /tmp && rm -f parcel.* && mkfifo parcel.pipe &&
		{ { head -c $parcel_bytes <parcel.pipe | sha256sum >parcel.part;
			mv parcel.part parcel.sum; } & } &&
		{ nc $host_ip $parcel_port <>flow.idle >parcel.pipe & } &&
		echo \$! >parcel.pid" &&
		guest_await 60 parcel_queued 0 && guest "kill -STOP \$(cat /tmp/parcel.pid)"
}

# In the guest: the connection is there, and that much waits to be read.
parcel_queued() { # BYTES
	guest "grep -q '$(printf ':%04X 01 [0-9A-F]*:%08X' "$parcel_port" "$1")' \
		/proc/net/tcp"
}

parcel_send() {
	cat "$work/parcel" >&"$parcel_in" && guest_await 60 parcel_queued "$parcel_bytes"
}

parcel_intact() {
	guest "cd /tmp; kill -CONT \$(cat parcel.pid);
		until test -e parcel.sum; do sleep 0.2; done; cat parcel.sum;
		kill \$(cat parcel.pid)" &&
		[[ ${reply%% *} == "$(sha256sum <"$work/parcel" | cut -d ' ' -f 1)" ]]
}

parcel_clean() {
	[[ -n ${parcel_pid-} ]] || return
	kill "$parcel_pid" 2>/dev/null
	wait "$parcel_pid" 2>/dev/null
	exec {parcel_in}>&-
	parcel_pid=
}
