# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# A root directory with Debian 13: the compiler and libc that the headers of newer
# kernels need, and a newer QEMU than the host's.

# The kernels whose headers are there: those that the host's compiler is too old for.
TRIXIE_KERNELS=(6.12 7.2 7.3)

# trixie_root : make it, and set ROOT to it.
trixie_root() {
	need mmdebstrap
	private_apt trixie
	with_new_lists ROOT trixie_root_get || die "cannot make a Debian 13 root"
}

# From the lists in APT.
trixie_root_get() {
	local headers=() k releases release hash MACHINE_ARCH=amd64

	releases=$(debian_releases)
	for k in "${TRIXIE_KERNELS[@]}"; do
		release=$(newest_from "$k" <<<"$releases") ||
			die "no packages of Linux $k or newer"
		headers+=("linux-headers-$release")
	done
	mapfile -t headers < <(printf '%s\n' "${headers[@]}" | sort -uV)
	hash=$({ echo "${headers[@]}" && declare -f trixie_root_make; } | sha256sum)
	cache_get "root/trixie-${hash:0:12}" trixie_root_make "${headers[@]}"
	ROOT=$ENTRY/root
	# A fixed name, for machines where apt cannot tell the hash.
	ln -sfn "$(basename "$ENTRY")" "$CACHE/root/trixie"
}

trixie_root_make() {
	local apt_dir=$CACHE/apt/trixie include hook

	say "making a Debian 13 root, for $*"
	include=make,perl,kmod,sparse,gcc-14-aarch64-linux-gnu,qemu-system-x86
	include+=,$(IFS=, && echo "$*")
	# shellcheck disable=SC2016
	hook='printf "Package: qemu-* seabios\nPin: release n=trixie-backports\n'
	# shellcheck disable=SC2016
	hook+='Pin-Priority: 900\n" >"$1/etc/apt/preferences.d/qemu"'
	mmdebstrap --variant=apt --include="$include" --setup-hook="$hook" \
		--aptopt='APT::Install-Recommends "false"' \
		--dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		trixie root "$apt_dir/sources.list" |& tee log |
		sed -un 's/^I: /vm: Debian 13 root: /p' >&2 && return
	tail -n 30 log >&2
	return 1
}

# in_trixie_root COMMAND… : run it in the root, with the work tree and the cached
# kernels mounted at their own paths.
in_trixie_root() {
	# shellcheck disable=SC2016
	local script='mount --bind "$1" "$3$1" && mount --bind "$2" "$3$2" &&
		mount -t proc proc "$3/proc" && mount --bind /dev "$3/dev" &&
		cd / && exec chroot "$3" "${@:4}"'

	mkdir -p "$ROOT$TOP" "$ROOT$CACHE/kernel" "$CACHE/kernel"
	unshare --mount --propagation private bash -c "$script" sh \
		"$TOP" "$CACHE/kernel" "$ROOT" "$@"
}
