# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A client of vhost: a process that has the device open, QEMU or DPDK's
# testpmd. It is named by a directory, which other parts take as their first
# argument: CLIENT, or VM if it has to be QEMU. The directory holds the
# client's logs and pipes and its properties, a file each:
#
#	name	what its test results begin with
#	device	the vhost device
#	tap	the interface
#	pid	its process, a child of the program; empty before it is started
#
# qemu.sh has further properties. A property that was never set is empty.
#
# Offers	client_create, client_copy, client_set, client_get,
#		client_alive, client_await, client_kill, minus, at_least
# Sets		no variables

# Make an empty client with these properties.
client_create() { # CLIENT [PROPERTY=VALUE]...
	rm -rf "$1" && mkdir -p "$1/properties" && client_set "$1" pid= "${@:2}"
}

# Make an empty client with the properties of another one.
client_copy() { # CLIENT FROM
	client_create "$1" && cp "$2"/properties/* "$1/properties" &&
		client_set "$1" pid=
}

client_set() { # CLIENT [PROPERTY=VALUE]...
	local dir=$1/properties assignment

	for assignment in "${@:2}"; do
		printf '%s\n' "${assignment#*=}" >"$dir/${assignment%%=*}"
	done
}

client_get() { # CLIENT PROPERTY
	[[ ! -e $1/properties/$2 ]] || printf '%s\n' "$(<"$1/properties/$2")"
}

client_alive() { # CLIENT
	local pid

	read -r pid <"$1/properties/pid"
	[[ $pid ]] && kill -0 "$pid" 2>/dev/null
}

# Wait for a condition, as long as the client lives.
client_await() { # CLIENT SECONDS COMMAND...
	local deadline=$((SECONDS + $2))

	until "${@:3}"; do
		((SECONDS < deadline)) && client_alive "$1" || return
		sleep 0.1
	done
}

client_kill() { # CLIENT
	local pid

	pid=$(client_get "$1" pid)
	[[ $pid ]] || return 0
	kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	client_set "$1" pid=
}

# Print the differences of two lists of numbers, element by element. What is
# missing in the earlier list counts as 0.
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

# Check that no number is below a minimum. Prints them for a failed check.
at_least() { # MINIMUM NUMBER...
	local number

	echo "expected at least $1: ${*:2}"
	for number in "${@:2}"; do
		((number >= $1)) || return
	done
}
