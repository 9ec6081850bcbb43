# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Results as TAP, a guest that obeys, and waiting for conditions.

number=0 passed=0 failed=0 skipped=0

# result STATUS NAME [TEXT] : a line of TAP; TEXT is shown if it failed.
result() {
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		passed=$((passed + 1))
		echo "ok $number - $2"
	else
		failed=$((failed + 1))
		echo "not ok $number - $2"
		[ -z "${3-}" ] || printf '#   %s\n' "${3//$'\n'/$'\n'#   }"
	fi
}

skip() {
	number=$((number + 1)) skipped=$((skipped + 1))
	echo "ok $number - $1 # SKIP $2"
}

finish() {
	echo "1..$number"
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ]
}

# until_true COMMAND... : waits for a condition, up to a minute.
until_true() {
	local end=$((SECONDS + 60))

	until "$@"; do
		[ $SECONDS -lt $end ] || return
		sleep 0.1
	done
}

# The guest: see guest.c. Its process is $GUEST.
guest_begin() {
	coproc GUEST_IO { exec "$BIN/selftests/vhostctl/guest"; }
	GUEST=$GUEST_IO_PID
	to_guest=${GUEST_IO[1]} from_guest=${GUEST_IO[0]}
}

guest() {
	local answer=''

	echo "$*" >&"$to_guest"
	read -r -t 120 answer <&"$from_guest"
	[ "$answer" = ok ] || result 1 "guest: $*" "$answer"
}

guest_end() {
	exec {to_guest}>&- {from_guest}<&-
	wait "$GUEST"
}

# expect STATUS REGEX ARGUMENT... : what vhostctl exits with, and a line that it
# prints to either output; of no line at all: ''. "!REGEX": no line is so.
expect() {
	local want=$1 regex=$2 output status

	shift 2
	output=$("${AS[@]}" "$VHOSTCTL" "$@" 2>&1)
	status=$?
	result $((status != want)) "vhostctl $* exits with $want" "$status: $output"
	case $regex in
	'') [ -z "$output" ] ;;
	!*) ! grep -qE -- "${regex#!}" <<<"$output" ;;
	*) grep -qE -- "$regex" <<<"$output" ;;
	esac
	result $? "vhostctl $*: ${regex:-says nothing}" "$output"
}

# table : lines "STATUS | ARGUMENTS | REGEX" from stdin, as expect takes them. Of
# the regex the spaces around it are no part.
table() {
	local want arguments regex

	while IFS='|' read -r want arguments regex; do
		case $want in
		'' | '#'*) continue ;;
		esac
		regex=${regex# }
		# shellcheck disable=SC2086
		expect $want "$regex" $arguments
	done
}

# Keeps what a command prints with -j, for the parser that comes last.
keep() {
	local name=$1 command=$2

	shift
	"$VHOSTCTL" -j "$@" >"$KEPT/$name.$command.json"
}
