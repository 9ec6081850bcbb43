# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What a client asked of vhost, from CLIENT/ioctl.log, which ioctl_log.c writes.
#
# Offers	ioctl_log_enable, ioctl_log_count, ioctl_log_offered,
#		ioctl_log_acked
# Sets		LD_PRELOAD and VHOST_IOCTL_LOG in ioctl_log_enable()
# Wants		selftests/e2e as the working directory

# Log the ioctls of the programs that this shell starts.
ioctl_log_enable() { # CLIENT
	LD_PRELOAD=$(realpath ../../build/e2e/ioctl_log.so)
	export LD_PRELOAD VHOST_IOCTL_LOG=$1/ioctl.log
}

# Print how many times the client gave a command with success. The pattern is
# for the arguments.
ioctl_log_count() { # CLIENT COMMAND [PATTERN]
	if [[ -e $1/ioctl.log ]]; then
		grep -cE "^[0-9.]+ $2 0 ${3-}" "$1/ioctl.log"
	else
		echo 0
	fi
}

# Check whether vhost offered a feature.
ioctl_log_offered() { # CLIENT BIT
	local bits

	bits=$(ioctl_log_features "$1" GET | head -n 1)
	((bits >> $2 & 1))
}

# Check whether the client ever set a feature.
ioctl_log_acked() { # CLIENT BIT
	local bits

	while read -r bits; do
		((!(bits >> $2 & 1))) || return 0
	done < <(ioctl_log_features "$1" SET)
	return 1
}

# Print the first 64 feature bits of each command that got or set them.
ioctl_log_features() { # CLIENT GET|SET
	sed -nE "s/^[0-9.]+ $2_FEATURES(_ARRAY)? 0 ([^ ]*).*/\2/p" \
		"$1/ioctl.log"
}
