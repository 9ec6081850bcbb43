# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Debian suites other than the host's, through a private apt directory.

# suite_apt KERNEL : set APT to the options that make apt find the packages of
# that kernel.
suite_apt() {
	case $MACHINE_ARCH-$1 in
	arm64-6.1) private_apt host-arm64 ;;
	arm64-*) private_apt trixie-arm64 ;;
	*-6.1) host_apt ;;
	*) private_apt trixie ;;
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
		cache_renew "apt/$APT_LISTS" apt_lists "$APT_LISTS"
	fi
}

# A freshly installed host has no package lists.
host_apt() {
	APT=()
	[ -z "$(apt-cache show --no-all-versions linux-image-amd64 2>/dev/null)" ] ||
		return 0
	lists_renew || die "please run apt-get update"
}

# private_apt LISTS : set APT to the package lists of that name.
private_apt() {
	APT_LISTS=$1
	cache_get "apt/$1" apt_lists "$1"
	APT=(-c "$ENTRY/apt.conf" -o Dir::Etc::sourcelist="$ENTRY/sources.list"
		-o Dir::State::Lists="$ENTRY/lists" -o Dir::Cache="$ENTRY/cache")
}

# apt_lists LISTS : fetch them into the current directory.
apt_lists() {
	say "fetching the package lists for $1"
	"sources_${1%-arm64}" >sources.list ||
		die "no Debian mirror in the machine's apt sources"
	cat >apt.conf <<-END
		Dir::Etc::sourceparts "-";
		Dir::State::status "/dev/null";
		APT::Sandbox::User "root";
		APT::Install-Recommends "false";
		END
	[ "$1" = "${1%-arm64}" ] || apt_architectures arm64 amd64 >>apt.conf
	mkdir lists cache
	apt-get -qq -c apt.conf -o Dir::Etc::sourcelist="$PWD/sources.list" \
		-o Dir::State::Lists="$PWD/lists" -o Dir::Cache="$PWD/cache" update >&2
}

# Print the settings for the first one, and packages of the others by name. Those of
# the host, and of its dpkg, are not touched.
apt_architectures() {
	local all

	printf -v all ' "%s";' "$@"
	echo "APT::Architecture \"$1\";"
	echo "APT::Architectures {$all };"
}

sources_trixie() {
	sources_of trixie trixie-backports
}

sources_forky() {
	sources_of forky
}

sources_of() {
	local mirror key=/usr/share/keyrings/debian-archive-keyring.gpg suite

	mirror=$(debian_mirror) || return
	for suite; do
		echo "deb [signed-by=$key] $mirror $suite main"
	done
}

# The host's own suites, which may come from several mirrors.
sources_host() {
	local key=/usr/share/keyrings/debian-archive-keyring.gpg

	host_repositories | sort -u | sed -nE "s|^Debian[^ ]* (.*)|deb [signed-by=$key] \1 main|p"
}

# Print label, mirror and suite of what the host itself uses.
host_repositories() {
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(LABEL) $(REPO_URI) $(CODENAME)' \
		'Created-By: Packages'
}

debian_mirror() {
	host_repositories | sed -nE 's/^Debian ([^ ]*) .*/\1/p' | head -n 1 | grep .
}
