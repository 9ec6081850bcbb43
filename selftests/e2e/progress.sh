# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Show progress on the terminal while a command runs.
#
# Offers	with_progress
# Sets		descriptor 3 to the standard output of the program, since the
#		output of with_progress itself may be redirected

exec 3>&1

# Print a dot every two seconds until the command ends.
with_progress() { # COMMAND...
	local dots status

	while sleep 2; do printf .; done >&3 &
	dots=$!
	"$@"
	status=$?
	kill "$dots"
	wait "$dots" 2>/dev/null || echo >&3
	return "$status"
}
