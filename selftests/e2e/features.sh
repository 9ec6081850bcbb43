# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The feature bits of a virtio-net device by name.
#
# Offers	guest_features, has_feature, feature_names
# Sets		constant FEATURE_BIT: the bit of each name
# Wants		agent.sh

declare -rA FEATURE_BIT=(
	[CSUM]=0 [GUEST_CSUM]=1 [CTRL_GUEST_OFFLOADS]=2 [MTU]=3 [MAC]=5
	[GUEST_TSO4]=7 [GUEST_TSO6]=8 [GUEST_ECN]=9 [GUEST_UFO]=10
	[HOST_TSO4]=11 [HOST_TSO6]=12 [HOST_ECN]=13 [HOST_UFO]=14
	[MRG_RXBUF]=15 [STATUS]=16 [CTRL_VQ]=17 [CTRL_RX]=18 [CTRL_VLAN]=19
	[GUEST_ANNOUNCE]=21 [MQ]=22 [CTRL_MAC_ADDR]=23
	[NOTIFY_ON_EMPTY]=24 [ANY_LAYOUT]=27 [INDIRECT_DESC]=28 [EVENT_IDX]=29
	[VERSION_1]=32 [ACCESS_PLATFORM]=33 [RING_PACKED]=34 [IN_ORDER]=35
	[RING_RESET]=40 [GUEST_USO4]=54 [GUEST_USO6]=55 [HOST_USO]=56
)

# Print what the guest's driver negotiated: a string of 64 digits, bit 0 first.
guest_features() { # VM
	guest "$1" "cat /sys/bus/virtio/devices/virtio0/features"
}

# Check whether a string of guest_features() has a feature.
has_feature() { # FEATURES NAME
	[[ ${1:${FEATURE_BIT[$2]}:1} == 1 ]]
}

# Print the names of the features in a string of guest_features().
feature_names() { # FEATURES
	local name

	for name in "${!FEATURE_BIT[@]}"; do
		! has_feature "$1" "$name" ||
			printf '%s %s\n' "${FEATURE_BIT[$name]}" "$name"
	done | sort -n | cut -d ' ' -f 2 | paste -sd ' '
}
