# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Shared by all scripts here: messages, paths, packages, cleaning up.

VM=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
TOP=$(cd "$VM/../.." && pwd -P)
# Without HOME, as in containers and services, ~ is still the home directory.
CACHE=${XDG_CACHE_HOME:-~/.cache}/vhost_alt

# Exit statuses of run itself, not of the command.
EXIT_LOG=97
EXIT_TIME=98
EXIT_BOOT=99

say() {
	printf 'vm: %s\n' "$*" >&2
}

die() {
	say "$@"
	exit "$EXIT_BOOT"
}

# at_exit COMMAND… : run it at exit, last registered first. A signal is turned into
# an exit, and a second one does not interrupt these commands.
declare -a EXIT_COMMANDS=()
at_exit() {
	EXIT_COMMANDS=("$*" "${EXIT_COMMANDS[@]}")
}

run_exit_commands() {
	local status=$? c

	trap - EXIT
	for c in "${EXIT_COMMANDS[@]}"; do
		eval "$c"
	done
	exit "$status"
}

# Ignore signals first: timeout signals its child twice, and a second exit would
# skip the rest of the commands.
exit_by_signal() {
	trap '' HUP INT TERM
	exit "$1"
}
trap run_exit_commands EXIT
trap 'exit_by_signal 129' HUP
trap 'exit_by_signal 130' INT
trap 'exit_by_signal 143' TERM

quoted() {
	printf '%q ' "$@"
}

# need PACKAGE… : install the Debian packages that are missing.
need() {
	local missing=()

	mapfile -t missing < <(packages_missing "$@")
	[ "${#missing[@]}" -gt 0 ] || return 0
	[ "$(id -u)" = 0 ] || die "please install: ${missing[*]}"
	say "installing: ${missing[*]}"
	apt_install "${missing[@]}" || die "apt-get could not install: ${missing[*]}"
}

packages_missing() {
	local p

	for p; do
		dpkg-query -W -f '${db:Status-Abbrev}' "$p" 2>/dev/null |
			grep -q '^ii' || echo "$p"
	done
}

# One at a time: apt-get does not wait while another one updates the lists. What a
# package starts must not inherit the lock.
apt_install() {
	local lock_fd

	mkdir -p "$CACHE/lock"
	exec {lock_fd}>"$CACHE/lock/apt"
	flock "$lock_fd"
	(exec {lock_fd}>&- && apt_install_locked "$@")
	set -- $?
	exec {lock_fd}>&-
	return "$1"
}

apt_install_locked() {
	local apt=(apt-get -qq -y -o DPkg::Lock::Timeout=600)

	export DEBIAN_FRONTEND=noninteractive
	"${apt[@]}" install --no-install-recommends "$@" >/dev/null 2>&1 && return
	# A freshly installed host has no package lists, or old ones.
	"${apt[@]}" update >&2 &&
		"${apt[@]}" install --no-install-recommends "$@" >/dev/null
}
