# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Files from Debian packages that are not installed.

# Set BUSYBOX to a static busybox, for the initramfs and to power machines off.
need_busybox() {
	[ -d "$CACHE/tool/busybox" ] || host_apt
	cache_get tool/busybox package_unpack busybox-static
	BUSYBOX=$ENTRY/bin/busybox
}

package_unpack() {
	say "downloading $*"
	apt_download "$@" || return
	for p in ./*.deb; do
		dpkg -x "$p" . && rm "$p" || return
	done
}
