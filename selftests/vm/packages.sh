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

package_unpack() {
	say "downloading $*"
	apt_download "$@" || return
	for p in ./*.deb; do
		dpkg -x "$p" . && rm "$p" || return
	done
}
