# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Part of selftests/static: what has passed before. The name of each file in the
# cache is a hash of all that a result depends on; failures are not remembered.

PASSED=${XDG_CACHE_HOME:-$HOME/.cache}/vhost_alt/static

# passed_before FILE... : hash stdin and these files into PASSED_KEY, and succeed if
# a check of the same has passed.
passed_before() {
	PASSED_KEY=$(cat - "$@" | sha256sum)
	PASSED_KEY=${PASSED_KEY%% *}
	[ -e "$PASSED/$PASSED_KEY" ] && touch "$PASSED/$PASSED_KEY"
}

# Remember that a check of PASSED_KEY has passed. Forget what nobody asked for in
# a month.
passed_now() {
	mkdir -p "$PASSED" && : >"$PASSED/$PASSED_KEY" &&
		find "$PASSED" -type f -mtime +30 -delete
}
