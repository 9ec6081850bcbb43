# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Kernel sources: Debian's linux-source packages, unpacked in the cache.

# kernel_source 6.1 : set SOURCE to the unpacked tree, SOURCE_ID to its name.
kernel_source() {
	local package=linux-source-$1 version

	need "$package" xz-utils
	version=$(dpkg-query -W -f '${Version}' "$package")
	SOURCE_ID=$1-$version
	cache_get "source/$SOURCE_ID" source_unpack "$1"
	SOURCE=$ENTRY
}

source_unpack() {
	say "unpacking linux-source-$1"
	tar -xf "/usr/src/linux-source-$1.tar.xz" --strip-components=1
}
