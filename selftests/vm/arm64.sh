# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Stock arm64 kernels on a host of another architecture: their modules and the
# selftests are cross-compiled, and their programs come out of packages that are not
# installed.

CROSS=aarch64-linux-gnu-

# kernel_arm64 KERNEL : set RELEASE, and KERNEL_DIR as debian_kernel() does. Set
# BUSYBOX_INSIDE to the machine's own.
kernel_arm64() {
	need qemu-system-arm kmod xz-utils iproute2 mmdebstrap
	arm64_release "$1"
	with_new_lists "KERNEL_ID KERNEL_DIR" debian_image || die "cannot get Linux $1"
	arm64_root
	BUSYBOX_INSIDE=/bin/busybox
}

# arm64_release KERNEL : set RELEASE.
arm64_release() {
	suite_apt "$1"
	with_new_lists RELEASE debian_release "$1" || die "no packages of Linux $1"
	say_if_newer "$1"
}

vmlinux_arm64() {
	cat "$1"
}

# Set HEADERS to a directory with the headers of RELEASE, whose programs are those of
# the host's architecture.
arm64_headers() {
	with_new_lists HEADERS arm64_headers_get ||
		die "cannot get the headers of Linux $RELEASE"
}

arm64_headers_get() {
	local package=linux-headers-$RELEASE

	cache_get "kernel/$package-$(debian_version "$package")" arm64_headers_unpack "$package"
	HEADERS=$ENTRY/usr/src/$package
}

arm64_headers_unpack() {
	local depends

	mapfile -t depends < <(apt-cache "${APT[@]}" depends "$1" |
		sed -nE 's/.*Depends: (linux-headers-.*-common)$/\1/p
			s/.*Depends: (linux-kbuild-.*)$/\1:amd64/p' | sort -u)
	package_unpack "$1" "${depends[@]}" || return
	# A Makefile names its directory and that of the common headers.
	sed -i "s|/usr/src/|$ENTRY&|" "usr/src/$1/Makefile"
}

# arm64_make DIR [MAKE ARGUMENTS…] : build a module.
arm64_make() {
	local arguments=(ARCH=arm64 "CROSS_COMPILE=$CROSS" "M=$1")

	suite_apt "$KERNEL"
	arm64_headers
	set -- -s -C "$HEADERS" "${arguments[@]}" "${@:2}" modules
	if [ "$KERNEL" = 6.1 ]; then
		need gcc-12-aarch64-linux-gnu
		make "$@"
	else
		MACHINE_ARCH=amd64 trixie_root
		in_trixie_root make "$@"
	fi
}

# Set ARM64_ROOT to a directory with Debian 12's shell and tools for arm64, and the
# library that the selftests need.
arm64_root() {
	local hash

	hash=$(declare -f arm64_root_make | sha256sum)
	cache_get "root/arm64-${hash:0:12}" arm64_root_make
	ARM64_ROOT=$ENTRY/root
}

arm64_root_make() {
	local packages=bash,busybox-static,coreutils,findutils,grep,iproute2,kmod
	local mirror

	packages+=,jq,libc-bin,libjson-c-dev,libmnl-dev,libncurses-dev,mawk,mount,sed
	packages+=,util-linux
	mirror=$(debian_mirror) || die "no Debian mirror in the machine's apt sources"
	say "unpacking programs for arm64"
	mmdebstrap --variant=extract --architectures=arm64 --include="$packages" \
		--aptopt='APT::Install-Recommends "false"' bookworm root "$mirror" 2>log ||
		{ tail -n 30 log >&2 && return 1; }
	ln -s mawk root/usr/bin/awk && ln -sf bash root/bin/sh
	# The cross compiler has a C library of its own.
	rm -f root/usr/lib/*/lib{c,m}.so root/usr/lib/*/*.[ao]
	find root/usr/include -mindepth 1 -maxdepth 1 ! -name libmnl ! -name json-c \
		! -name '*curses*' ! -name 'term*.h' ! -name unctrl.h -exec rm -rf {} +
	# This link is absolute.
	ln -sf libtinfo.so.6 root/usr/lib/aarch64-linux-gnu/libtinfo.so
	ln -s ../../../lib/aarch64-linux-gnu/libtinfo.so.6 root/usr/lib/aarch64-linux-gnu/
	# An initramfs is memory.
	rm -rf root/usr/share/{doc,info,locale,man,perl5} root/usr/lib/*/gconv \
		root/usr/bin/perl* root/dev
}

# Compile the selftests and vhostctl, and put them where the machine looks for them.
arm64_selftests() {
	local out=$TOP/build/arm64

	need gcc-aarch64-linux-gnu libc6-dev-arm64-cross gcc-arm-linux-gnueabihf \
		libc6-dev-armhf-cross linux-source-6.1 make pkg-config
	mkdir -p "$out/tools" "$TOP/build/selftests" "$TOP/build/tools"
	(
		flock -w 600 9 || die "$out stays locked"
		(exec 9>&- && arm64_compile "$out/selftests" && arm64_tools "$out") >&2
	) 9>"$out/.lock" || die "the selftests do not build for arm64"
}

# arm64_compile DIR : all programs, and what is also run as a 32-bit program.
arm64_compile() {
	make -s -C "$TOP/selftests" OUT="$1" CC="${CROSS}gcc" \
		NL_CFLAGS="-isystem $ARM64_ROOT/usr/include" \
		NL_LIBS="-L$ARM64_ROOT/usr/lib/aarch64-linux-gnu -lmnl" &&
		make -s -C "$TOP/selftests" OUT="$1/armhf" KSFT="$1/kselftest" \
			CC=arm-linux-gnueabihf-gcc "$1/armhf/ioctl_owner"
}

# arm64_tools DIR : vhostctl, and the guest of its tests, in DIR/tools and DIR/selftests.
arm64_tools() {
	local libraries=$ARM64_ROOT/usr/lib/aarch64-linux-gnu
	local more=$ARM64_ROOT/lib/aarch64-linux-gnu

	PKG_CONFIG_LIBDIR=$libraries/pkgconfig PKG_CONFIG_SYSROOT_DIR=$ARM64_ROOT \
		make -s -C "$TOP/selftests/vhostctl" OUT="$1/selftests" TOOLS="$1/tools" \
		CC="${CROSS}gcc" AR="${CROSS}ar" NL_CFLAGS="-isystem $ARM64_ROOT/usr/include" \
		LDFLAGS="-L$libraries -L$more -Wl,-rpath-link=$libraries:$more"
}

qemu_processor_arm64() {
	# An emulated processor is fast without real pointer authentication.
	local cpu=${CPU:-max,pauth-impdef=on}

	QEMU_ARGS+=(-accel "tcg,thread=single" -cpu "$cpu" -smp 2 -m "${MEMORY:-2G}")
}

qemu_icount_processor_arm64() {
	QEMU_ARGS+=(
		-accel tcg -icount "shift=0,sleep=off" -cpu "${CPU:-max,pauth-impdef=on}"
		-smp 1 -m "${MEMORY:-1G}" -rtc "base=2026-01-01,clock=vm" -seed 1
	)
}

# The board has one serial line. The others are on a card, whose first one is not used,
# so that the rest have the names that they have on other machines.
qemu_icount_output_arm64() {
	local name n=2 card=pci-serial-4x,chardev1=unused

	mkdir -p "$RUN/root/bin"
	cp "$ARM64_ROOT/bin/busybox" "$RUN/root/bin"
	QEMU_ARGS+=(-serial "file:$RUN/log" -chardev "null,id=unused")
	for name in stdout stderr status; do
		QEMU_ARGS+=(-chardev "file,id=$name,path=$RUN/$name")
		card+=,chardev$n=$name
		n=$((n + 1))
	done
	QEMU_ARGS+=(-device "$card")
}
