# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Something to see on the terminal while a command takes its time, also if its own
# output goes elsewhere.

exec 3>&1

with_dots() { # COMMAND…
	local dots status

	while sleep 2; do printf .; done >&3 &
	dots=$!
	"$@"
	status=$?
	kill "$dots"
	wait "$dots" 2>/dev/null || echo >&3
	return "$status"
}
