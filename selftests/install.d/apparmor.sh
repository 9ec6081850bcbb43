# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Part of selftests/install: libvirt's AppArmor profile of a guest, with the packages'
# file and as docs/install.md says. It is compiled for no kernel: what one makes of it
# is not tested.

quick_apparmor() {
	local own=$WORK/root/etc/apparmor.d/abstractions/libvirt-qemu.d/vhost-alt library

	host_apt
	cache_get tool/apparmor-12 package_unpack apparmor libvirt-daemon-system
	apparmor_profile 12
	apparmor_admits 12 "$own" local/abstractions/libvirt-qemu "$ENTRY/sbin/apparmor_parser"

	private_apt trixie
	cache_get tool/apparmor-13 package_unpack apparmor libc6 libvirt-daemon-driver-qemu
	apparmor_profile 13
	# Through the libraries of its own system, which are newer than the host's.
	library=$ENTRY/usr/lib/x86_64-linux-gnu
	apparmor_admits 13 "$own" abstractions/libvirt-qemu.d/vhost-alt \
		"$library/ld-linux-x86-64.so.2" --library-path \
		"$library:/usr/lib/x86_64-linux-gnu" "$ENTRY/usr/sbin/apparmor_parser"
}

# apparmor_profile DEBIAN : a copy of the policy in ENTRY, and a guest's profile, as
# libvirt makes it from its template.
apparmor_profile() {
	POLICY=$WORK/apparmor-$1
	cp -r "$ENTRY/etc/apparmor.d" "$POLICY"
	# The package makes it when it is installed.
	mkdir -p "$POLICY/local/abstractions"
	touch "$POLICY/local/abstractions/libvirt-qemu"
	sed 's/LIBVIRT_TEMPLATE/libvirt-test/' "$POLICY/libvirt/TEMPLATE.qemu" >"$POLICY/guest"
}

# apparmor_admits DEBIAN FILE PLACE PARSER... : the device is admitted by FILE in PLACE,
# and not without it.
apparmor_admits() {
	local parser=("${@:4}" -Q -K -b "$POLICY") rule='/dev/vhost-net-alt rw,'

	! "${parser[@]}" -p "$POLICY/guest" 2>&1 | grep -F "$rule" >"$WORK/apparmor"
	tap_result $? "Debian $1: libvirt's profile does not name the device" "$WORK/apparmor"
	mkdir -p "$(dirname "$POLICY/$3")"
	cp "$2" "$POLICY/$3"
	"${parser[@]}" -p "$POLICY/guest" 2>&1 | grep -qF "$rule" &&
		"${parser[@]}" -S "$POLICY/guest" >/dev/null 2>"$WORK/apparmor"
	tap_result $? "Debian $1: $3 admits it, and the profile compiles" "$WORK/apparmor"
}
