# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Part of selftests/install: what can be said of the packages without a machine.

part_quick() {
	WORK=$OUT/quick
	rm -rf "$WORK"
	mkdir -p "$WORK/root"
	quick_lintian
	quick_contents
	quick_manuals
	quick_apparmor
	quick_dkms
	rm -rf "$WORK"
}

quick_lintian() {
	need lintian
	lintian --allow-root -EvIL +pedantic "$DEBS"/*.changes 2>&1 |
		grep -E '^[EWIPX]:' >"$WORK/lintian"
	[ ! -s "$WORK/lintian" ]
	tap_result $? "lintian has nothing to say" "$WORK/lintian"
}

# Unpack the packages, and compare the names of their files with a list. Older
# debhelpers put units into /lib.
quick_contents() {
	local deb

	for deb in "$DEBS"/vhost-alt-dkms_*.deb "$DEBS"/vhostctl_*.deb; do
		dpkg -x "$deb" "$WORK/root"
	done
	(cd "$WORK/root" && find . -type f -not -path './usr/share/doc/*' \
		-not -path './usr/src/vhost_alt-*/*') | sed 's:^\./lib/:./usr/lib/:' |
		LC_ALL=C sort >"$WORK/files"
	diff "$TOP/selftests/install.d/files" "$WORK/files" >"$WORK/diff"
	tap_result $? "the packages have the files that they should have" "$WORK/diff"
}

quick_manuals() {
	need mandoc
	mandoc -Tlint -W warning "$TOP/docs/vhost_alt.4" "$TOP/tools/vhostctl.8" >"$WORK/mandoc"
	tap_result $? "the manual pages have no errors" "$WORK/mandoc"
}

# quick_dkms_command COMMAND [ARGUMENT...] : with directories of its own.
quick_dkms_command() {
	mkdir -p "$WORK/dkms"
	dkms "$1" -m vhost_alt -v "$VERSION" --sourcetree "$WORK/root/usr/src" \
		--dkmstree "$WORK/dkms" --installtree "$WORK/modules" "${@:2}" >"$WORK/log" 2>&1
}

quick_dkms() {
	local module

	need dkms kmod
	debian_kernel 6.1
	need "linux-headers-$RELEASE"
	VERSION=$(sed -n 's/^module_version := //p' "$TOP/Kbuild")
	quick_dkms_command add && quick_dkms_command build -k "$RELEASE"
	tap_result $? "dkms builds the module for $RELEASE" "$WORK/log"
	module=$(find "$WORK/dkms" -name 'vhost_alt.ko*' | head -n 1)
	[ -n "$module" ] && [ "$(modinfo -F version "$module")" = "$VERSION" ]
	tap_result $? "the module has version $VERSION"
	modinfo -F alias "$module" | grep -qx 'net-pf-16-proto-16-family-vhost_alt'
	tap_result $? "the netlink family has the module loaded"
	# dkms takes this status for a kernel to be left out, not for a failure.
	quick_dkms_command build -k 6.11.0-1-amd64 \
		--kernelsourcedir "/lib/modules/$RELEASE/build"
	[ $? = 77 ]
	tap_result $? "dkms leaves out a kernel that is not tested" "$WORK/log"
}
