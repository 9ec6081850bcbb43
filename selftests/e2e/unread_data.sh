# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Data that vhost has written into the guest's memory, and that nothing in the
# guest has touched since: it lies in the receive queue of a TCP connection
# whose reader is stopped. Whether it survives a migration depends on vhost's
# dirty log alone. Most of what is received is soon overwritten by the guest.
#
# DIR is a directory for the state on the host. The guest may have moved to
# another VM between two calls.
#
# Offers	unread_prepare, unread_send, unread_intact, unread_clean
# Sets		constants UNREAD_PORT, UNREAD_BYTES, UNREAD_QUEUE
# Wants		agent.sh, qemu.sh, traffic.sh, background_traffic.sh: uses its
#		flow.idle in the guest

readonly UNREAD_PORT=5200
# Many pages, since the guest may have written to some shortly before. The
# receive queue (tcp_rmem) has to have room for them.
readonly UNREAD_BYTES=524288 UNREAD_QUEUE="4096 8388608 8388608"

# Open the connection, and stop its reader in the guest.
unread_prepare() { # VM DIR
	rm -rf "$2" && mkdir "$2" && mkfifo "$2/in" &&
		head -c "$UNREAD_BYTES" /dev/urandom >"$2/data" || return
	busybox nc -l -p "$UNREAD_PORT" <>"$2/in" >/dev/null &
	echo $! >"$2/pid"
	await_listener "$UNREAD_PORT" || return
	guest "$1" "echo '$UNREAD_QUEUE' >/proc/sys/net/ipv4/tcp_rmem &&
		cd /tmp && rm -f unread.* && mkfifo unread.pipe &&
		{ { head -c $UNREAD_BYTES <unread.pipe | sha256sum >unread.part;
			mv unread.part unread.sum; } & } &&
		{ nc $HOST_IP $UNREAD_PORT <>flow.idle >unread.pipe & } &&
		echo \$! >unread.pid" &&
		guest_await "$1" 60 unread_queued "$1" 0 &&
		guest "$1" "kill -STOP \$(cat /tmp/unread.pid)"
}

# Check whether the connection exists in the guest, and holds so many bytes.
unread_queued() { # VM BYTES
	local pattern

	pattern=$(printf ':%04X 01 [0-9A-F]*:%08X' "$UNREAD_PORT" "$2")
	guest "$1" "grep -q '$pattern' /proc/net/tcp"
}

unread_send() { # VM DIR
	cat "$2/data" 1<>"$2/in" &&
		guest_await "$1" 60 unread_queued "$1" "$UNREAD_BYTES"
}

# Have the guest read the data, and check that they are as they were sent.
unread_intact() { # VM DIR
	local sum

	sum=$(guest "$1" "cd /tmp; kill -CONT \$(cat unread.pid);
		until test -e unread.sum; do sleep 0.2; done; cat unread.sum;
		kill \$(cat unread.pid)")
	echo "$sum"
	[[ ${sum%% *} == "$(sha256sum <"$2/data" | cut -d ' ' -f 1)" ]]
}

unread_clean() { # DIR
	local pid

	read -r pid 2>/dev/null <"$1/pid" || return 0
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	rm -f "$1"/*
}
