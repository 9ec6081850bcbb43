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

# All that the client set the device's features to, the first 64 of them.
spied_features() {
	sed -nE 's/^[0-9.]+ SET_FEATURES(_ARRAY)? 0 ([^ ]*).*/\2/p' "$dir/spy"
}

# Whether vhost offered a feature.
spied_offer() { # BIT
	local bits

	bits=$(sed -nE 's/^[0-9.]+ GET_FEATURES(_ARRAY)? 0 ([^ ]*).*/\2/p' "$dir/spy" |
		head -n 1)
	((bits >> $1 & 1))
}

# Whether vhost was ever told of a feature.
spied_feature() { # BIT
	local bits

	while read -r bits; do
		((!(bits >> $1 & 1))) || return 0
	done < <(spied_features)
	return 1
}
