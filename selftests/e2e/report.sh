# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # names shared through run
# Results as TAP: a line for each check, the plan last, and a sum for a person.

passed=0 failed=0 skipped=0

report_pass() { # NAME
	((++passed))
	echo "ok $((passed + failed + skipped)) - $1"
}

report_skip() { # NAME REASON
	((++skipped))
	echo "ok $((passed + failed + skipped)) - $1 # SKIP $2"
}

report_fail() { # NAME
	((++failed))
	echo "not ok $((passed + failed + skipped)) - $1"
}

# Standard input, as the explanation of the result before it.
report_detail() {
	sed 's/^/#   /'
}

report_end() {
	echo "1..$((passed + failed + skipped))"
	echo "$passed passed, $failed failed, $skipped skipped"
	((failed == 0 && passed > 0))
}
