# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Compile the C programs of these tests into build/e2e, on the host.
#
# Offers	build_program
# Sets		no variables
# Wants		gcc, libc6-dev

# Compile a program or a shared object. Replaces the old one as a whole, since a
# test may be using it.
build_program() { # NAME GCC-ARGUMENT...
	local out

	out=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")/build/e2e
	mkdir -p "$out" &&
		gcc -O2 -Wall -Werror -o "$out/$1.$$" "${@:2}" &&
		mv "$out/$1.$$" "$out/$1"
}
