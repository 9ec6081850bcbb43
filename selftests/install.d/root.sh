# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Part of selftests/install: roots of stock Debian systems, in the cache.

# suite_use SUITE : set APT, as in vm/apt.sh, SOURCES to a sources.list, and NEWER to
# the options by which apt-get installs newer kernels, with what they depend on.
suite_use() {
	SOURCES=$OUT/$1.list NEWER=()
	case $1 in
	bookworm)
		host_apt
		# shellcheck disable=SC2016
		apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
			'Created-By: Packages' 'Origin: Debian' | grep " $1" >"$SOURCES"
		;;
	trixie)
		private_apt trixie
		cp "$ENTRY/sources.list" "$SOURCES"
		NEWER=(-t trixie-backports)
		;;
	esac
}

# suite_kernels KERNEL : set FIRST to the newest release of KERNEL, SECOND to the
# newest of all that dkms.conf accepts, and THIRD to the newest of the others, which
# gets no headers.
suite_kernels() {
	local accepted releases

	accepted=$(sed -n 's/^BUILD_EXCLUSIVE_KERNEL="\(.*\)"$/\1/p' "$TOP/dkms.conf")
	releases=$(debian_releases | grep -E "$accepted" | sort -V)
	FIRST=$(newest_from "$1" <<<"$releases") || return
	releases=$(grep -vxF "$FIRST" <<<"$releases")
	SECOND=$(tail -n 1 <<<"$releases")
	THIRD=$(tail -n 2 <<<"$releases" | head -n 1)
	[ -n "$SECOND" ] && [ "$SECOND" != "$THIRD" ]
}

# system_root SUITE : set ROOT to a system with the kernel FIRST, its headers, and
# the packages of the other kernels, so that no network is needed later.
system_root() {
	local kernel=6.1 hash

	[ "$1" = bookworm ] || kernel=6.12
	suite_use "$1"
	with_new_lists "FIRST SECOND THIRD" suite_kernels "$kernel" || return
	hash=$({ echo "$FIRST $SECOND $THIRD" && declare -f system_make &&
		cat "$TOP/selftests/install.d/hook"; } | sha256sum)
	cache_get "install/$1-${hash:0:12}" system_make "$1"
	ROOT=$ENTRY/root
}

system_make() {
	local include=systemd-sysv,udev,kmod,dkms,openssl,initramfs-tools,libmnl0,libjson-c5
	local hook=$TOP/selftests/install.d/hook

	need mmdebstrap
	say "making a stock system, $1 with $FIRST"
	include+=",libncurses6,linux-image-$FIRST,linux-headers-$FIRST"
	mmdebstrap --variant=apt --include="$include" --skip=cleanup/apt \
		--setup-hook="'$hook' setup \"\$1\"" \
		--customize-hook="'$hook' download \"\$1\" ${NEWER[*]} linux-image-$SECOND \
			linux-headers-$SECOND linux-image-$THIRD" \
		--aptopt='APT::Install-Recommends "false"' \
		--dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-include=/usr/share/doc/vhost*' \
		"$1" root "$SOURCES" >log 2>&1 && return
	tail -n 30 log >&2
	return 1
}
