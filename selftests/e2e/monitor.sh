# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# QEMU's monitor: commands and answers are JSON, one per line, on the pipes
# that qemu_start() made. Events come in between. All of it goes to
# VM/monitor.log.
#
# Offers	monitor, monitor_begin, monitor_value, monitor_run_state
# Sets		no variables
# Wants		client.sh, agent.sh

# Run one command. Prints the answer; fails if it is an error.
monitor() { # VM COMMAND [ARGUMENTS]
	local deadline=$((SECONDS + COMMAND_LIMIT)) answer
	local id=${EPOCHREALTIME//[!0-9]/}

	echo "{\"execute\": \"$2\", \"arguments\": ${3:-{\}}, \"id\": $id}" |
		tee -a "$1/monitor.log" 1<>"$1/monitor.in"
	while pipe_line "$1" monitor.out answer "$deadline"; do
		echo "$answer" >>"$1/monitor.log"
		[[ $answer =~ \"id\":\ ${id}[^0-9] ]] || continue
		printf '%s\n' "$answer"
		[[ $answer != *'"error": {'* ]]
		return
	done
	echo "the monitor did not answer: $2"
	return 1
}

# Needed once, before any other command.
monitor_begin() { # VM
	monitor "$1" qmp_capabilities
}

# Print a word or a number of an answer, which is read from standard input.
monitor_value() { # NAME
	sed -nE 's/.*"'"$1"'": "?([^",}]*).*/\1/p'
}

# Check the run state of the guest.
monitor_run_state() { # VM STATE
	[[ $(monitor "$1" query-status | monitor_value status) == "$2" ]]
}
