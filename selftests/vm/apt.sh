# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Debian suites other than the host's, through a private apt directory.

# suite_apt KERNEL : set APT to the options that make apt find the packages of
# that kernel.
suite_apt() {
	case $1 in
	6.1) host_apt ;;
	*) private_apt ;;
	esac
}

# apt_download PACKAGE… : into the current directory, as the calling user, since
# apt's own user may not write there.
apt_download() {
	local get=(apt-get "${APT[@]}" -qq -o APT::Sandbox::User=root download)

	"${get[@]}" "$@" >/dev/null && return
	lists_renew && "${get[@]}" "$@" >/dev/null
}

# with_new_lists VARIABLES FUNCTION [ARGS…] : call FUNCTION, which takes names of
# packages from the lists in APT, and sets VARIABLES. If it fails, the mirror may have
# other packages by now: renew the lists, and call it once more.
with_new_lists() {
	local result

	result=$(lists_attempt "$@") ||
		{ lists_renew && result=$(lists_attempt "$@"); } || return
	eval "$result"
}

# Call FUNCTION in this subshell, and print the assignments to VARIABLES.
lists_attempt() {
	EXIT_COMMANDS=()
	trap run_exit_commands EXIT
	# shellcheck disable=SC2086
	"${@:2}" >&2 && declare -p $1 | sed 's/^declare -- //'
}

lists_renew() {
	say "renewing the package lists"
	if [ "${#APT[@]}" = 0 ]; then
		[ "$(id -u)" = 0 ] && apt-get -qq update >&2
	else
		cache_renew apt/trixie apt_lists
	fi
}

# A freshly installed host has no package lists.
host_apt() {
	APT=()
	[ -z "$(apt-cache show --no-all-versions linux-image-amd64 2>/dev/null)" ] ||
		return 0
	lists_renew || die "please run apt-get update"
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

# Print the mirror that the host itself uses.
debian_mirror() {
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' |
		sed -n 's/^Debian //p' | head -n 1 | grep .
}
