# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # names shared through run
# QEMU's monitor: commands and answers are JSON, a line each, on the pipes that
# guest_start made. Events come in between, and are in monitor.log.

monitor_id=0

# One command; what it returns, as JSON, in reply.
monitor() { # COMMAND [ARGUMENTS]
	local deadline=$((SECONDS + command_limit))

	reply=
	((++monitor_id))
	echo "{\"execute\": \"$1\", \"arguments\": ${2:-{\}}, \"id\": $monitor_id}" |
		tee -a "$dir/monitor.log" >&"$monitor_in"
	while pipe_line "$monitor_out" "$deadline"; do
		echo "$line" >>"$dir/monitor.log"
		[[ $line =~ \"id\":\ ${monitor_id}[^0-9] ]] || continue
		reply=$line
		[[ $line != *'"error": {'* ]]
		return
	done
	reply="the monitor did not answer: $1"
	return 1
}

# Needed once, before any other command.
monitor_begin() {
	monitor qmp_capabilities
}

# A word or a number out of the last answer.
monitor_value() { # NAME
	sed -nE 's/.*"'"$1"'": "?([^",}]*).*/\1/p' <<<"$reply"
}

monitor_run_state() { # STATE
	monitor query-status && [[ $(monitor_value status) == "$1" ]]
}
