# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Files from Debian packages that are not installed.

# Set BUSYBOX to a static busybox, for the initramfs and to power machines off.
need_busybox() {
	[ -d "$CACHE/tool/busybox" ] || host_apt
	cache_get tool/busybox package_unpack busybox-static
	BUSYBOX=$ENTRY/bin/busybox
}

# Set HERD to a command, in words, that runs herd7. Debian has it since 14, so it comes
# with the libraries of that release.
need_herd() {
	local lib

	[ -d "$CACHE/tool/herd7" ] || private_apt forky
	cache_get tool/herd7 herd_unpack
	lib=$ENTRY/usr/lib/x86_64-linux-gnu
	HERD=("$lib/ld-linux-x86-64.so.2" --library-path "$lib" "$ENTRY/usr/bin/herd7"
		-set-libdir "$ENTRY/usr/share/herdtools7/herd")
}

# The package has 250 MB, most of it other programs.
herd_unpack() {
	package_unpack herdtools7 libc6 libgmp10 &&
		find usr/bin -type f ! -name herd7 -delete
}

# packages_and_libraries PACKAGE… : print them, and the packages of all their
# libraries, except libc: not only what is missing here, since another host may share
# the cache.
packages_and_libraries() {
	printf '%s\n' "$@"
	LC_ALL=C apt-get "${APT[@]}" -s -o Dir::State::status=/dev/null \
		--no-install-recommends install "$@" |
		sed -nE 's/^Inst (lib[^ ]*|zlib1g|ibverbs-providers) \(.*/\1/p' |
		grep -vE -- '-(dev|perl|bin|common|minimal|stdlib|modules)$|^libc6$|^libperl'
}

package_unpack() {
	say "downloading $1${2:+ and others}"
	apt_download "$@" || return
	for p in ./*.deb; do
		dpkg -x "$p" . && rm "$p" || return
	done
}
