# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Debian suites other than the host's, through a private apt directory.

# suite_apt KERNEL : set APT to the options with which apt knows that kernel's
# packages.
suite_apt() {
	case $1 in
	6.1) host_apt ;;
	*) private_apt ;;
	esac
}

# Packages into the current directory, as the caller: apt's own user may not
# write here.
apt_download() {
	local get=(apt-get "${APT[@]}" -qq -o APT::Sandbox::User=root download)

	"${get[@]}" "$@" >/dev/null && return
	apt_refresh && "${get[@]}" "$@" >/dev/null
}

# What old package lists name may be gone from the mirror.
apt_refresh() {
	if [ "${#APT[@]}" = 0 ]; then
		[ "$(id -u)" = 0 ] && apt-get -qq update >&2
	else
		rm -rf "$CACHE/apt"
		say "package lists were old, perhaps: they are forgotten, try again"
		return 1
	fi
}

# A fresh machine's apt knows no package at all.
host_apt() {
	APT=()
	[ -z "$(apt-cache show --no-all-versions linux-image-amd64 2>/dev/null)" ] ||
		return 0
	apt_refresh || die "please run apt-get update"
}

private_apt() {
	cache_get apt/trixie apt_lists
	APT=(-c "$ENTRY/apt.conf" -o Dir::Etc::sourcelist="$ENTRY/sources.list"
		-o Dir::State::Lists="$ENTRY/lists" -o Dir::Cache="$ENTRY/cache")
}

apt_lists() {
	local mirror key=/usr/share/keyrings/debian-archive-keyring.gpg suite

	mirror=$(debian_mirror) || die "no Debian mirror in the machine's apt sources"
	say "fetching the package lists of trixie and trixie-backports"
	for suite in trixie trixie-backports; do
		echo "deb [signed-by=$key] $mirror $suite main"
	done >sources.list
	cat >apt.conf <<-END
		Dir::Etc::sourceparts "-";
		Dir::State::status "/dev/null";
		APT::Sandbox::User "root";
		APT::Install-Recommends "false";
		END
	mkdir lists cache
	apt-get -qq -c apt.conf -o Dir::Etc::sourcelist="$PWD/sources.list" \
		-o Dir::State::Lists="$PWD/lists" -o Dir::Cache="$PWD/cache" update >&2
}

# Where the host itself gets Debian from.
debian_mirror() {
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' |
		sed -n 's/^Debian //p' | head -n 1 | grep .
}
