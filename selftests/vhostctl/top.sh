# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The part of run that tests "vhostctl top", in a terminal of tmux.

screen() {
	tmux -L vhostctl capture-pane -p -t top
}

on_screen() {
	screen | grep -qE "$1"
}

keys() {
	tmux -L vhostctl send-keys -t top "$@"
}

# shows REGEX NAME : the screen shows a line that matches.
shows() {
	until_true on_screen "$1"
	result $? "top: $2" "$(screen)"
}

narrow() {
	[ "$(screen | awk 'length > n { n = length } END { print n }')" -le "$1" ]
}

# top_rows : the third column of the rows, in order.
top_rows() {
	screen | awk -v dev="$DEV" '$1 == dev { printf "%s ", $3 }'
}

rows_are() {
	[ "$(top_rows)" = "$1 " ]
}

top_keys() {
	keys '>'
	shows '; by PKT/S' "> sorts by the next column"
	keys '<' '<'
	shows '; by CALL/PKT' "< sorts by the previous one"
	keys '>' r
	shows '; by device, reversed' "r reverses the order"
	until_true rows_are "w0 tx rx"
	result $? "top: the order is reversed" "$(screen)"
	keys r
	until_true rows_are "rx tx w0"
	result $? "top: and reversed again" "$(screen)"
	keys N
	shows "^$DEV +tap0 +tx +running +[0-9]+ +[0-9]+ " "N shows exact numbers"
	keys '?'
	shows '^space p +pause and go on' "? shows help"
	keys x
	shows '^vhostctl top' "any key ends it"
	keys d 0.05 Enter
	shows '^every 0.05 s' "d sets the interval"
	keys s never Enter
	shows '^every 0.05 s; h help' "s too, but only to an interval"
	keys p
	shows '; PAUSED$' "p pauses"
	guest open
	keys r
	shows '^vhostctl top: 1 devices,.*, reversed; PAUSED$' "keys work in a pause, and no device comes"
	keys Space
	shows '^vhostctl top: 2 devices,.*, reversed *$' "space goes on"
	keys r
}

part_top() {
	GUEST_ARGS=(-name guest=web)
	start_guest
	expect 0 "^$DEV +tap0 +rx " top -n 1 -i 0.1
	expect 0 "^$DEV +tap0 +w0 +- +- +- +- +[0-9.]+ +- +- +-  web$" top -n 1 -i 0.1
	table <<-END
		0 | stats -n 1 -i 0.1 -j | "queues":\[\{"dev":$DEV,"queue":0,.*"worker":0,"guest":"web"
		0 | stats -n 1 -i 0.1 -j | "workers":\[\{"dev":$DEV,"worker":0,"guest":"web","cpu_percent":[0-9.]+\}\]
	END
	keep rates stats -n 1 -i 0.1
	if ! command -v tmux >/dev/null; then
		tap_skip "top on a terminal" "tmux is not installed"
		return
	fi
	guest load
	tmux -L vhostctl -f /dev/null new-session -d -s top -x 100 -y 20 \
		"$VHOSTCTL top -i 0.2; echo exit status \$?; cat" || { result 1 "tmux" && return; }
	shows '^vhostctl top: 1 devices, .* packets/s, .* bit/s; by device' "sums"
	shows '^DEV +IF +Q +STATE +PKT/S +BIT/S +DROP/S +CPU% +PKT/BATCH +KICK/PKT +CALL/PKT  GUEST' \
		"titles"
	shows "^$DEV +tap0 +tx +running +[0-9.k]+ +[0-9.kM]+ +0 +- +1\.[0-9] .*  web$" \
		"a row for each queue"
	shows "^$DEV +tap0 +w0 +- +- +- +- +[0-9.]+ +- +- +-  web$" "a row for each worker"
	top_keys
	tmux -L vhostctl resize-window -t top -x 40 -y 8
	until_true narrow 40
	result $? "top: follows the size of the terminal" "$(screen)"
	shows '^vhostctl top' "is still there"
	tmux -L vhostctl resize-window -t top -x 110 -y 4
	shows "CPU%" "follows it up again"
	tmux -L vhostctl resize-window -t top -x 80 -y 20
	keys q
	shows '^exit status 0' "q quits"
	tmux -L vhostctl kill-server
	guest tx 1
}
