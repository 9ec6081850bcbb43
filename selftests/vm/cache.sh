# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The cache: every entry is a directory, complete or absent.

# cache_get NAME FUNCTION [ARGS…] : set ENTRY to the directory of entry NAME. If
# it is absent, call FUNCTION ARGS… in a subshell, in a temporary directory that
# becomes the entry on success. A killed build leaves only the temporary
# directory, which the next build removes.
cache_get() {
	local name=$1

	shift
	ENTRY=$CACHE/$name
	[ -d "$ENTRY" ] || cache_build "$name" "$@"
}

# cache_renew NAME FUNCTION [ARGS…] : make an entry again. The old one stays if that
# fails.
cache_renew() {
	local old=$CACHE/$1.old

	rm -rf "$old"
	[ ! -d "$CACHE/$1" ] || mv -T "$CACHE/$1" "$old"
	if (cache_get "$@"); then
		rm -rf "$old"
	else
		[ -d "$CACHE/$1" ] || mv -T "$old" "$CACHE/$1"
		return 1
	fi
}

cache_build() {
	local name=$1 tmp

	shift
	mkdir -p "$(dirname "$ENTRY")" "$CACHE/lock"
	cache_lock "${name//\//_}"
	if [ ! -d "$ENTRY" ]; then
		rm -rf "$ENTRY".tmp.*
		tmp=$(mktemp -d "$ENTRY.tmp.XXXXXX")
		chmod 755 "$tmp"
		at_exit "rm -rf $(quoted "$tmp")"
		# Children do not inherit the lock. Those that outlive a killed
		# script write into a directory that is removed already.
		(exec {lock_fd}>&- && cd "$tmp" && "$@") ||
			die "could not make $name"
		mv -T "$tmp" "$ENTRY"
	fi
	cache_unlock
}

cache_lock() {
	exec {lock_fd}>"$CACHE/lock/$1"
	flock -n "$lock_fd" && return
	say "waiting for another run to finish with $1"
	flock -w 2400 "$lock_fd" || die "$1 stays locked"
}

cache_unlock() {
	exec {lock_fd}>&-
}

# progress WHAT LOG : copy stdin to LOG, and print the number of lines every 20 s.
# A build prints a line for each file.
progress() {
	local what=$1 log=$2 n=0 next=$((SECONDS + 20)) line

	while IFS= read -r line; do
		printf '%s\n' "$line"
		n=$((n + 1))
		if [ "$SECONDS" -ge "$next" ]; then
			say "$what: $n files"
			next=$((SECONDS + 20))
		fi
	done >"$log"
	say "$what: $n files, done"
}
