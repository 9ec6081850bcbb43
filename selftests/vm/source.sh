# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Kernel sources: Debian's linux-source packages, unpacked in the cache.

# kernel_source KERNEL : set SOURCE to the unpacked tree, SOURCE_ID to its name.
# Takes the installed package if there is one, else downloads the newest.
kernel_source() {
	local package=linux-source-$1 version

	need xz-utils
	version=$(dpkg-query -W -f '${Version}' "$package" 2>/dev/null)
	if [ -z "$version" ]; then
		suite_apt "$1"
		version=$(debian_version "$package")
		[ -n "$version" ] || die "no package $package"
	fi
	SOURCE_ID=$1-$version
	cache_get "source/$SOURCE_ID" source_unpack "$package"
	SOURCE=$ENTRY
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
