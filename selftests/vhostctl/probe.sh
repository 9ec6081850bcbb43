# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The part of run that tests "vhostctl probe", on devices of this host and others.

part_probe() {
	table <<-'END'
		0 | probe | ^/dev/vhost-net-alt$
		0 | probe | ^    40  ring_reset$
		0 | probe | ^    1   iotlb_msg_v2$
		0 | probe | ^  features_array yes$
		0 | probe | ^  max_mem_regions [1-9][0-9]*$
		0 | probe | ^  max_iotlb_entries [1-9][0-9]*$
		0 | probe -N | !mrg_rxbuf
		2 | probe /dev/null | ^vhostctl: /dev/null: not a vhost device
		2 | probe /nowhere | ^vhostctl: /nowhere: No such file or directory$
	END
	keep ours probe
	keep ours_numeric probe -N
	compare_devices
	if [ ! -e /dev/vhost-net ]; then
		tap_skip "probe /dev/vhost-net" "the in-tree module is not loaded"
		return
	fi
	expect 0 '^    15  mrg_rxbuf$' probe /dev/vhost-net
	keep tree probe /dev/vhost-net
	may_migrate 3 ' cannot migrate to /dev/vhost-net if it uses .*ring_packed' \
		/dev/vhost-net-alt /dev/vhost-net
}

# edit_offer NAME FILTER : the device, as another host might have it.
edit_offer() {
	jq -c "$2" "$KEPT/ours.probe.json" >"$KEPT/$1"
}

# may_migrate STATUS REGEX FROM TO : what probe says of these devices.
may_migrate() {
	expect "$1" "$2" probe "$3" "$4"
	keep "$(basename "$3")_$(basename "$4")" probe "$3" "$4"
}

compare_devices() {
	local ours=/dev/vhost-net-alt

	edit_offer same .
	edit_offer new '.features += ["bit_100"] | .backend_features += ["suspend"]'
	edit_offer old '.features -= ["ring_packed", "in_order"] | .max_mem_regions = 64'
	edit_offer nohdr '.features -= ["virtio_net_hdr"] | .max_iotlb_entries = 100'
	edit_offer nolog '.features -= ["log_all"]'
	edit_offer next '.schema = 2'
	edit_offer odd '.features += [null]'
	echo '[]' >"$KEPT/list"
	may_migrate 0 "^a guest of $ours can migrate to $ours$" $ours $ours
	may_migrate 0 "^a guest of $ours can migrate to $KEPT/same$" $ours "$KEPT/same"
	may_migrate 0 '^  the new device also offers bit_100$' $ours "$KEPT/new"
	may_migrate 0 "^  only $KEPT/new has the backend features suspend, which" $ours "$KEPT/new"
	may_migrate 3 ' cannot migrate to /dev/vhost-net-alt if it uses bit_100$' "$KEPT/new" $ours
	may_migrate 3 ' if it uses ring_packed, in_order or more than 64 memory regions$' \
		$ours "$KEPT/old"
	may_migrate 0 ' can migrate to ' "$KEPT/old" $ours
	may_migrate 0 ': max_iotlb_entries is 100, not [0-9]+$' $ours "$KEPT/nohdr"
	may_migrate 3 "^a guest of $KEPT/nolog cannot migrate: log_all" "$KEPT/nolog" $ours
	may_migrate 0 ' can migrate to ' "$KEPT/ours_numeric.probe.json" $ours
	expect 2 'next: neither a device nor the output of vhostctl probe -j$' \
		probe $ours "$KEPT/next"
	expect 2 'odd: neither a device nor the output of' probe "$KEPT/odd" $ours
	expect 2 'list: neither a device nor the output of' probe "$KEPT/list" $ours
	expect 2 '^vhostctl: /nowhere: No such file or directory$' probe $ours /nowhere
}
