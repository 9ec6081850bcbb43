# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Files out of Debian packages that are not installed.

# A static busybox: for the initramfs, and to power machines off.
busybox() {
	cache_get tool/busybox package_unpack busybox-static
	BUSYBOX=$ENTRY/bin/busybox
}

package_unpack() {
	say "downloading $*"
	package_download "$@" || return
	for p in ./*.deb; do
		dpkg -x "$p" . && rm "$p" || return
	done
}

package_download() {
	apt-get -qq download "$@" >/dev/null 2>&1 && return
	[ "$(id -u)" = 0 ] && apt-get -qq update >&2
	apt-get -qq download "$@" >/dev/null
}
