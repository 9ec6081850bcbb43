# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Print test results as TAP, and count them. To be sourced.
#
#	. selftests/tap.sh
#	tap_begin
#	grep -q ready log
#	tap_result $? "the log says ready" log
#	tap_skip "migration" "QEMU is too old"
#	tap_end
#
# A FILE explains a failure: its text is printed as comment lines. "-" is
# standard input. Set TAP_DETAIL_LINES to limit the number of these lines.

TAP_PASSED=0 TAP_FAILED=0 TAP_SKIPPED=0 TAP_COUNT=0

# tap_begin : print the version line.
tap_begin() {
	echo "TAP version 13"
}

# tap_ok NAME
tap_ok() {
	((++TAP_PASSED, ++TAP_COUNT))
	echo "ok $TAP_COUNT - $1"
}

# tap_not_ok NAME [FILE]
tap_not_ok() {
	((++TAP_FAILED, ++TAP_COUNT))
	echo "not ok $TAP_COUNT - $1"
	[ -z "${2-}" ] || tap_detail "$2"
}

# tap_skip NAME WHY
tap_skip() {
	((++TAP_SKIPPED, ++TAP_COUNT))
	echo "ok $TAP_COUNT - $1 # SKIP $2"
}

# tap_result STATUS NAME [FILE] : passed if STATUS is 0.
tap_result() {
	if [ "$1" -eq 0 ]; then
		tap_ok "$2"
	else
		tap_not_ok "${@:2}"
	fi
}

# tap_detail FILE : print its text as comment lines.
tap_detail() {
	awk -v most="${TAP_DETAIL_LINES:-0}" '
		{ print "#   " $0 }
		NR == most { exit }' "$1"
}

# tap_end : print the plan, and last the counts. Fails if any test failed.
tap_end() {
	echo "1..$TAP_COUNT"
	echo "$TAP_PASSED passed, $TAP_FAILED failed, $TAP_SKIPPED skipped"
	[ "$TAP_FAILED" -eq 0 ]
}
