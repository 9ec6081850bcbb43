# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Results with their explanation, a guest that takes commands, and waiting for
# conditions.

# result STATUS NAME [TEXT] : like tap_result, with TEXT instead of a file.
result() {
	tap_result "$1" "$2" ${3:+-} <<<"${3-}"
}

# until_true COMMAND... : wait until it succeeds, for at most a minute.
until_true() {
	local end=$((SECONDS + 60))

	until "$@"; do
		[ $SECONDS -lt $end ] || return
		sleep 0.1
	done
}

# guest_begin [ARGUMENT...] : start a guest, see guest.c, with GUEST_ARGS and these
# arguments, which it ignores. Its process is $GUEST.
guest_begin() {
	coproc GUEST_IO { exec "$BIN/selftests/vhostctl/guest" "${GUEST_ARGS[@]}" "$@"; }
	GUEST=$GUEST_IO_PID
	to_guest=${GUEST_IO[1]} from_guest=${GUEST_IO[0]}
}

# guest COMMAND [NUMBER] : a failure is a result.
guest() {
	local answer=''

	echo "$*" >&"$to_guest"
	read -r -t 120 answer <&"$from_guest"
	[ "$answer" = ok ] || result 1 "guest: $*" "$answer"
}

# guest_end : end the guest, if there is one. Its devices go with it.
guest_end() {
	[ -n "$GUEST" ] || return
	exec {to_guest}>&- {from_guest}<&-
	wait "$GUEST"
	GUEST=
}

# expect STATUS REGEX ARGUMENT... : vhostctl exits with STATUS, and one line of
# its two outputs matches REGEX. An empty REGEX: it prints nothing. "!REGEX": no
# line matches.
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

# table : call expect with each line "STATUS | ARGUMENTS | REGEX" of stdin. The
# space before REGEX is not part of it.
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

# keep NAME COMMAND [ARGUMENT...] : keep what it prints with -j. All that a part
# has kept is parsed when the part ends.
keep() {
	local name=$1 command=$2

	shift
	"$VHOSTCTL" -j "$@" >"$KEPT/$name.$command.json"
}

# parse_kept : have verify judge each file that was kept.
parse_kept() {
	local files verdict name

	shopt -s nullglob
	files=("$KEPT"/*.json "$KEPT"/*.prom "$KEPT"/*.openmetrics)
	shopt -u nullglob
	[ "${#files[@]}" -gt 0 ] || return 0
	if [ ! -x /usr/bin/python3 ]; then
		tap_skip "what was printed is parsed" "no python3 in the machine"
		return
	fi
	while read -r verdict name; do
		[ "$verdict" = ok ]
		result $? "parsed: ${name%%:*}" "$name"
	done < <("$HERE/verify" tools/vhostctl.schema.json "${files[@]}" 2>&1 ||
		echo "bad verify: exit status $?")
}
