# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Kernel sources: Debian's linux-source packages, unpacked in the cache.

# kernel_source KERNEL : set SOURCE to the unpacked tree, SOURCE_ID to its name, and
# SOURCE_KERNEL to its kernel. Takes the installed package if there is one, else the
# newest of the suites, else what the cache has, else the next kernel.
kernel_source() {
	need xz-utils
	source_installed "$1" && return
	suite_apt "$1"
	with_new_lists "SOURCE SOURCE_ID SOURCE_KERNEL" source_get "$1" ||
		die "cannot get the source of Linux $1"
	[ "$SOURCE_KERNEL" = "$1" ] ||
		say "no source of Linux $1 any more: taking $SOURCE_KERNEL"
}

source_installed() {
	local version

	version=$(dpkg-query -W -f '${Version}' "linux-source-$1" 2>/dev/null)
	[ -n "$version" ] && source_cache "$1" "$version"
}

source_get() {
	SOURCE_KERNEL=$(source_kernels | newest_from "$1") ||
		die "no source of Linux $1 or newer"
	[ "$SOURCE_KERNEL" = "$1" ] || ! source_cached "$1" || return 0
	source_cache "$SOURCE_KERNEL" "$(debian_version "linux-source-$SOURCE_KERNEL")"
}

# source_cache KERNEL VERSION
source_cache() {
	SOURCE_KERNEL=$1
	SOURCE_ID=$1-$2
	cache_get "source/$SOURCE_ID" source_unpack "linux-source-$1"
	SOURCE=$ENTRY
}

# Print the kernels of which the suites have the source.
source_kernels() {
	apt-cache "${APT[@]}" search --names-only '^linux-source-[0-9]+\.[0-9]+$' |
		sed -n 's/^linux-source-\([^ ]*\).*/\1/p'
}

# Take the newest source of a kernel that the cache has.
source_cached() {
	SOURCE=$(find "$CACHE/source" -maxdepth 1 -name "$1-*" ! -name '*.tmp.*' | sort -V |
		tail -n 1 | grep .) || return
	SOURCE_ID=$(basename "$SOURCE")
	SOURCE_KERNEL=$1
}

source_unpack() {
	local tar=/usr/src/$1.tar.xz

	if [ ! -e "$tar" ]; then
		package_unpack "$1" || return
		tar=./$tar
	fi
	say "unpacking $1"
	tar -xf "$tar" --strip-components=1 && rm -rf usr/src usr/share
}
