# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Debian's own kernels, unpacked without installing them.

# debian_kernel KERNEL : set KERNEL_DIR to a directory with vmlinux and
# lib/modules, and RELEASE to the kernel's release name (uname -r).
debian_kernel() {
	local package version

	need qemu-system-x86 kmod xz-utils zstd iproute2
	suite_apt "$1"
	package=$(debian_newest "$1") || die "no package of a kernel $1"
	version=$(debian_version "$package")
	RELEASE=${package#linux-image-}
	KERNEL_ID=$package-$version
	need_busybox
	cache_get "kernel/$KERNEL_ID" debian_unpack "$package" "$RELEASE"
	KERNEL_DIR=$ENTRY
}

# The newest image of a kernel series: abi numbers rise.
debian_newest() {
	apt-cache "${APT[@]}" search --names-only \
		"^linux-image-${1//./\\.}\\.[0-9.]+[+-](deb)?[0-9]+-amd64\$" |
		cut -d ' ' -f 1 | sort -V | tail -n 1 | grep .
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
		grep -oE 'linux-(base|binary|modules)-.*-amd64') || return
	for deb in ./*.deb; do
		dpkg -x "$deb" . && rm "$deb" || return
	done
	[ -d lib ] || ln -s usr/lib lib
	depmod -b . "$2" && debian_vmlinux "$(find . -type f -name 'vmlinuz*')" >vmlinux
}

# debian_vmlinux FILE : print the kernel without its decompressor, which boots 2 s
# faster under TCG. The boot header has its offset, see
# Documentation/x86/boot.rst.
debian_vmlinux() {
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
