# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Stop and continue a guest in the monitor, under traffic.
#
# Offers	pause_guest, rings_stopped
# Sets		no variables
# Wants		checks.sh, monitor.sh, background_traffic.sh, ioctl_log.sh

pause_guest() { # VM
	local vm=$1 traffic=$1/background i

	check "$vm" "the monitor answers" monitor_begin "$vm" || return
	if check "$vm" "traffic flows" background_start "$vm" "$traffic"; then
		for i in 1 2 3; do
			pause_once "$vm" "$traffic" "stop $i" || break
		done
		check "$vm" "the traffic ends in order" \
			background_stop "$vm" "$traffic" &&
			check "$vm" "no byte was lost or changed" \
				background_intact "$vm" "$traffic"
	fi
	background_clean "$traffic"
	check_traffic "$vm" "after the stops"
}

pause_once() { # VM TRAFFIC WHEN
	local vm=$1 traffic=$2 when=$3 stopped

	stopped=$(rings_stopped "$vm")
	check "$vm" "the guest stops: $when" monitor "$vm" stop &&
		check "$vm" "its run state is paused: $when" \
			monitor_run_state "$vm" paused &&
		check "$vm" "vhost stopped both rings: $when" \
			[ "$(rings_stopped "$vm")" = $((stopped + 2)) ] &&
		check "$vm" "a ping has no answer: $when" ping_fails || return
	check "$vm" "the guest continues: $when" monitor "$vm" cont &&
		check "$vm" "the traffic continues: $when" \
			background_continues "$vm" "$traffic"
}

# Print how many times vhost was told to stop a ring.
rings_stopped() { # VM
	ioctl_log_count "$1" NET_SET_BACKEND "ring=[01] fd=-1"
}

ping_fails() {
	! busybox ping -c 2 -W 2 "$GUEST_IP"
}
