# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Talk to the guest's agent, guest/init, over the guest's second serial port.
# The commands that it takes are for the guest's busybox sh, not bash. All that
# is said goes to VM/agent.log.
#
# Offers	guest, guest_await, guest_ready, guest_network,
#		guest_last_command, guest_poweroff, pipe_line
# Sets		the property release, the guest's kernel; constants
#		BOOT_LIMIT, COMMAND_LIMIT
# Wants		client.sh, qemu.sh

# Cold boot of a guest under TCG in a machine under TCG: 27 s on an idle host, 121 s
# with three runnable tasks per processor, 223 s on a slower host.
readonly BOOT_LIMIT=600 COMMAND_LIMIT=240

# Read a line from a pipe of QEMU into a variable. Waits in slices of a second,
# to notice soon if QEMU has ended, and to send the agent an empty line every
# five seconds, if asked to.
pipe_line() { # VM PIPE VARIABLE DEADLINE(in $SECONDS) [awake]
	local text='' part

	printf -v "$3" %s ''
	until IFS= read -r -t 1 part <>"$1/$2"; do
		text+=$part
		printf -v "$3" %s "$text"
		((SECONDS < $4)) && client_alive "$1" || return
		(($# < 5 || SECONDS % 5)) || agent_send "$1" ""
	done
	printf -v "$3" %s "$text$part"
}

agent_send() { # VM LINE
	printf '%s\n' "$2" 1<>"$1/agent.in"
}

# Read a line from the agent into a variable.
agent_line() { # VM VARIABLE DEADLINE [awake]
	if ! pipe_line "$1" agent.out "${@:2}"; then
		echo "no answer in time, but: ${!2}" >>"$1/agent.log"
		return 1
	fi
	echo "< ${!2}" >>"$1/agent.log"
}

# Wait until the agent says that it runs, also after the guest has rebooted.
guest_ready() { # VM
	local deadline=$((SECONDS + BOOT_LIMIT)) answer

	while agent_line "$1" answer "$deadline"; do
		[[ $answer == READY* ]] || continue
		client_set "$1" release="${answer#READY }"
		return 0
	done
	return 1
}

# Run a command in the guest. Prints its output, returns its exit status, or 124
# if the guest does not answer, or 125 if the command did not arrive whole.
#
# In user-mode Linux a guest with two processors occasionally sleeps on, with
# the in-tree module too, until an interrupt wakes it: an empty line causes one.
guest() { # VM COMMAND [SECONDS]
	local deadline=$((SECONDS + ${3:-COMMAND_LIMIT})) answer request
	local id=${EPOCHREALTIME//[!0-9]/}

	request=$(agent_request "$id" "$2")
	echo "> $request" >>"$1/agent.log"
	agent_send "$1" "$request"
	while agent_line "$1" answer "$deadline" awake; do
		case $answer in
		"= $id "*) printf '%s\n' "${answer#= "$id" }" ;;
		"! $id "*) return "${answer##* }" ;;
		"? "*) echo "the guest received: $answer" && return 125 ;;
		esac
	done
	echo "the guest did not finish: $2"
	return 124
}

# Print a command as the agent wants it: one line, its length before it, and
# without the blanks at both ends, which the guest's shell would drop.
agent_request() { # ID COMMAND
	local text=${2//[$'\n\t']/ }

	text=${text#"${text%%[! ]*}"} text=${text%"${text##*[! ]}"}
	echo "$1 ${#text} $text"
}

# Send a command that ends the guest and so has no answer.
guest_last_command() { # VM COMMAND
	agent_send "$1" "$(agent_request 0 "$2")"
}

# Bring up the guest's network. All processors first: the driver takes a queue
# pair for each.
guest_network() { # VM
	guest "$1" "for c in /sys/devices/system/cpu/cpu*/online; do
		! grep -qs 0 \$c || echo 1 >\$c || exit; done" &&
		guest "$1" "for m in /modules/*; do insmod \$m || exit; done" &&
		guest "$1" "ip addr add $GUEST_IP/24 dev eth0 &&
			ip link set eth0 up"
}

# Wait for a condition, and keep the guest awake meanwhile: see guest().
guest_await() { # VM SECONDS COMMAND...
	local vm=$1 deadline=$((SECONDS + $2)) next_line=$((SECONDS + 5))

	shift 2
	until "$@"; do
		((SECONDS < deadline)) && client_alive "$vm" || return
		if ((SECONDS >= next_line)); then
			agent_send "$vm" ""
			next_line=$((SECONDS + 5))
		fi
		sleep 0.1
	done
}

# End the ordinary way: the guest powers off, and QEMU exits by itself.
guest_poweroff() { # VM
	guest_last_command "$1" "poweroff -f"
	guest_await "$1" "$COMMAND_LIMIT" false
	! client_alive "$1" && wait "$(client_get "$1" pid)"
}
