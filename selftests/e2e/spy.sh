# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # names shared through run
# What a client asks of vhost, seen from outside: spy.c writes it down.

spy_on() {
	export LD_PRELOAD=$image/spy.so VHOST_SPY=$dir/spy
}

# How often the client gave a command, with success. The pattern is for what
# follows the command's name.
spied_times() { # COMMAND [PATTERN]
	grep -cE "^[0-9.]+ $1 0 ${2-}" "$dir/spy"
}

# What SET_FEATURES was last told to.
spied_features() {
	sed -nE 's/^[0-9.]+ SET_FEATURES 0 //p' "$dir/spy" | tail -n 1
}

# Whether vhost was ever told of a feature.
spied_feature() { # BIT
	local bits

	while read -r bits; do
		((!(bits >> $1 & 1))) || return 0
	done < <(sed -nE 's/^[0-9.]+ SET_FEATURES 0 //p' "$dir/spy")
	return 1
}
