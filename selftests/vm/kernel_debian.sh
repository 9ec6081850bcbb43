# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Debian's own kernels, unpacked without installing them.

# debian_kernel KERNEL : set KERNEL_DIR to a directory with vmlinux and
# lib/modules, and RELEASE to the kernel's release name (uname -r). Takes the next
# kernel if the suites no longer have that one.
debian_kernel() {
	need qemu-system-x86 kmod xz-utils zstd iproute2
	need_busybox
	suite_apt "$1"
	with_new_lists "RELEASE KERNEL_ID KERNEL_DIR ROOT" debian_get "$1" ||
		die "cannot get Linux $1"
	say_if_newer "$1"
}

# say_if_newer KERNEL
say_if_newer() {
	[ "$(series_of "$RELEASE")" = "$1" ] ||
		say "no packages of Linux $1 any more: taking $RELEASE"
}

# Get the kernel, and the root in which modules are built for it, so that both come
# from the same package lists.
debian_get() {
	debian_release "$1"
	debian_image
	ROOT=
	[ "$1" = 6.1 ] || { need mmdebstrap && trixie_root_get; }
}

# debian_release KERNEL : set RELEASE to the newest one in the lists.
debian_release() {
	RELEASE=$(debian_releases "$1" | newest_from "$1") ||
		die "no packages of Linux $1 or newer"
}

# Set KERNEL_ID and KERNEL_DIR to the image of RELEASE.
debian_image() {
	local package=linux-image-$RELEASE

	KERNEL_ID=$package-$(debian_version "$package")
	cache_get "kernel/$KERNEL_ID" debian_unpack "$package" "$RELEASE"
	KERNEL_DIR=$ENTRY
}

# debian_releases [KERNEL] : print all releases of its flavour of which there are an
# image and the headers: a suite keeps images for longer.
debian_releases() {
	local flavour=$MACHINE_ARCH

	[[ ${1-} != *-16k ]] || flavour+=-16k
	apt-cache "${APT[@]}" search --names-only \
		"^linux-(image|headers)-[0-9.]+[+-](deb)?[0-9.]+-$flavour\$" |
		sed -n 's/^linux-[a-z]*-\([^ ]*\).*/\1/p' | sort | uniq -d
}

# newest_from KERNEL : of the releases on stdin, print the newest one of that kernel,
# or, if there is none, of the oldest kernel after it.
newest_from() {
	local wanted=$1 release found='' series

	while read -r release; do
		series=$(series_of "$release")
		[ "$(printf '%s\n' "$wanted" "$series" | sort -V | head -n 1)" = "$wanted" ] ||
			continue
		[ -z "$found" ] || [ "$(series_of "$found")" = "$series" ] || break
		found=$release
	done < <(sort -V)
	[ -n "$found" ] && echo "$found"
}

# Print the kernel that a release belongs to: 6.12 for 6.12.107+deb13-amd64, and
# 6.12-16k for 6.12.107+deb13-arm64-16k.
series_of() {
	local flavour=

	[[ $1 != *-16k ]] || flavour=-16k
	echo "$(grep -oE '^[0-9]+\.[0-9]+' <<<"$1")$flavour"
}

debian_version() {
	apt-cache "${APT[@]}" show --no-all-versions "$1" |
		sed -n 's/^Version: //p'
}

debian_unpack() {
	local deb

	say "downloading $1"
	# Newer packages have the files in packages that they depend on.
	# shellcheck disable=SC2046
	apt_download "$1" $(apt-cache "${APT[@]}" depends "$1" |
		grep -oE "linux-(base|binary|modules)-.*-$MACHINE_ARCH.*") || return
	for deb in ./*.deb; do
		dpkg -x "$deb" . && rm "$deb" || return
	done
	[ -d lib ] || ln -s usr/lib lib
	depmod -b . "$2" &&
		"vmlinux_$MACHINE_ARCH" "$(find . -type f -name 'vmlinuz*')" >vmlinux
}

# vmlinux_amd64 FILE : print the kernel without its decompressor, which boots 2 s
# faster under TCG. The boot header has its offset, see
# Documentation/x86/boot.rst.
vmlinux_amd64() {
	local setup offset length

	setup=$(od -An -tu1 -j $((0x1f1)) -N 1 "$1")
	offset=$(od -An -tu4 -j $((0x248)) -N 4 "$1")
	length=$(od -An -tu4 -j $((0x24c)) -N 4 "$1")
	offset=$(((setup + 1) * 512 + offset))
	# The last 4 bytes are the uncompressed size.
	dd if="$1" of=compressed bs=1M iflag=skip_bytes,count_bytes status=none \
		skip="$offset" count=$((length - 4)) &&
		{ xz -dc compressed 2>/dev/null || zstd -dc compressed; } &&
		rm compressed
}
