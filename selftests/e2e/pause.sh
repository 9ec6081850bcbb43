# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # names shared through run
# A guest that is stopped and continued in the monitor while its traffic flows.

pause_guest() {
	local i

	check "the monitor answers" monitor_begin &&
		check "traffic flows" flow_start || return
	for i in 1 2 3; do
		pause_once "stop $i" || break
	done
	check "traffic ends as it should" flow_stop &&
		check "not a byte was lost or changed" flow_sums_agree
	flow_clean
	check_traffic "after $i stops"
}

pause_once() { # WHEN
	local stops

	stops=$(spied_times NET_SET_BACKEND "ring=[01] fd=-1")
	check "the guest stops: $1" monitor stop &&
		check "its run state says so: $1" monitor_run_state paused &&
		check "vhost lets go of both rings: $1" let_go_again "$stops" &&
		check "nobody answers a ping: $1" silent || return
	check "the guest goes on: $1" monitor cont &&
		check "traffic goes on: $1" traffic_goes_on
}

let_go_again() { # TIMES-BEFORE
	(($(spied_times NET_SET_BACKEND "ring=[01] fd=-1") == $1 + 2))
}

silent() {
	! reply=$(busybox ping -c 2 -W 2 "$guest_ip" 2>&1)
}
