# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Programs that the host needs to run a machine, kept in the cache.

# tool NAME [OPTION…] : set TOOL to the program, or library, that NAME.c is
# compiled to.
tool() {
	local hash

	hash=$(sha256sum <"$VM/$1.c")
	cache_get "tool/$1/${hash:0:12}" tool_build "$@"
	TOOL=$ENTRY/$1
}

tool_build() {
	need gcc libc6-dev
	gcc -O2 -Wall "${@:2}" -o "$1" "$VM/$1.c" >&2
}
