# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The part of run that tests "vhostctl exec": QEMU's command line, taps and bridges.

part_exec() {
	table <<-'END'
		0 | exec -- echo qemu -m 1G | ^qemu -m 1G -netdev tap,id=vhostctl0,fd=[0-9]+,vhost=on,vhostfd=[0-9]+ -device virtio-net-pci,netdev=vhostctl0,mac=[0-9a-f][26ae](:[0-9a-f]{2}){5}$
		0 | exec --tap tap7 -- echo | ^vhostctl: interface tap7$
		0 | exec --queues 2 -- echo | -netdev tap,id=vhostctl0,fds=[0-9]+:[0-9]+,vhost=on,vhostfds=[0-9]+:[0-9]+ -device virtio-net-pci,netdev=vhostctl0,mac=[0-9a-f:]{17},mq=on,vectors=6$
		0 | exec -- echo -M microvm -m 1G | ^-M microvm -m 1G -netdev .* -device virtio-net-device,netdev=vhostctl0,mac=[0-9a-f:]{17}$
		0 | exec --queues 2 -- echo --machine microvm,rtc=on | -device virtio-net-device,netdev=vhostctl0,mac=[0-9a-f:]{17},mq=on$
		0 | exec -- echo -machine rtc=on,type=vexpress-a15 | -device virtio-net-device,netdev=vhostctl0,mac=[0-9a-f:]{17}$
		0 | exec -- echo -machine microvm,rtc=on,pcie=on | -device virtio-net-pci,netdev=vhostctl0,mac=[0-9a-f:]{17}$
		0 | exec -- echo -M microvm -machine pcie=on | -device virtio-net-pci,netdev=vhostctl0,mac=[0-9a-f:]{17}$
		0 | exec -- echo -M microvm -M q35 -name microvm | -device virtio-net-pci,netdev=vhostctl0,mac=[0-9a-f:]{17}$
		0 | exec -- echo -M virt,gic-version=3 | -device virtio-net-pci,netdev=vhostctl0,mac=[0-9a-f:]{17}$
		0 | exec --mac 52:54:00:12:34:56 -- echo | ,netdev=vhostctl0,mac=52:54:00:12:34:56$
		0 | exec --poll-us 50 -- echo | ,vhostfd=[0-9]+,poll-us=50 -device
		0 | exec --packed --queues 2 -- echo | ,mac=[0-9a-f:]{17},packed=on,mq=on,vectors=6$
		0 | exec --dry-run --tap tap7 --bridge none -- /nowhere | ^/nowhere -netdev tap,id=vhostctl0,fd=4,vhost=on,vhostfd=3 -device
		0 | exec --dry-run --queues 2 -- qemu -name it's | ^qemu -name 'it'\\''s' -netdev tap,id=vhostctl0,fds=5:6,vhost=on,vhostfds=3:4 -device
		2 | exec -- /nowhere | ^vhostctl: /nowhere: No such file or directory
		2 | exec --device /nowhere -- echo | ^vhostctl: /nowhere: No such file or directory$
		2 | exec --tap lo -- echo | ^vhostctl: tap lo: not a tap created with vnet_hdr and without multi_queue$
	END
	"$VHOSTCTL" exec -- bash -c 'ls -l /proc/$$/fd; exit 3' >"$KEPT/fds" 2>&1
	result $(($? != 3)) "exec exits as QEMU does"
	grep -q '/dev/net/tun$' "$KEPT/fds" && grep -q '/dev/vhost-net-alt$' "$KEPT/fds"
	result $? "exec leaves tap and device open" "$(cat "$KEPT/fds")"
	ip tuntap add tap8 mode tap vnet_hdr
	expect 0 '^vhostctl: interface tap8$' exec --tap tap8 -- echo
	expect 2 'tap8: not a tap created with vnet_hdr and with multi_queue$' exec --queues 2 --tap tap8 -- echo
	exec_random_mac
	exec_bridge
	part_exec_qemu
	ip link show tap8 | grep -q UP
	result $? "exec sets the tap up"
	ip link del tap8
}

exec_mac() {
	"$VHOSTCTL" exec --dry-run -- qemu | grep -o 'mac=.*'
}

exec_random_mac() {
	local one two

	one=$(exec_mac) two=$(exec_mac)
	[ -n "$one" ] && [ "$one" != "$two" ]
	result $? "exec: a MAC address for each guest" "$one $two"
	! ip link show tap7 2>"$KEPT/tap7"
	result $? "exec --dry-run creates no tap" "$(cat "$KEPT/tap7")"
}

# The tap of an earlier test joins a bridge whose MTU differs.
exec_bridge() {
	ip link add br7 mtu 9000 type bridge
	ip link add br8 type bridge
	table <<-'END'
		0 | exec --tap tap8 --bridge br7 -- echo | ^vhostctl: interface tap8$
		0 | exec --tap tap8 --bridge br7 -- echo | ^vhostctl: interface tap8$
		2 | exec --tap tap8 --bridge br8 -- echo | ^vhostctl: tap tap8: in another bridge; try ip link set tap8 nomaster$
		2 | exec --bridge br9 -- echo | ^vhostctl: bridge br9: no such interface; try ip link add br9 type bridge$
		2 | exec --bridge lo -- echo | ^vhostctl: bridge lo: not a bridge$
	END
	ip -o link show tap8 | grep 'mtu 9000 .*master br7 ' | grep -q 'link/ether fe:'
	result $? "exec --bridge: the tap has the MTU of its bridge" "$(ip link show tap8)"
	ip link del br7
	ip link del br8
}

# is_shown NUMBER SELECTOR... : show lists so many devices.
is_shown() {
	local number=$1

	shift
	[ "$("$VHOSTCTL" show "$@" | grep -c '^[0-9]')" -eq "$number" ]
}

part_exec_qemu() {
	local machine

	for machine in q35 microvm; do
		if command -v qemu-system-x86_64 >/dev/null; then
			exec_qemu $machine
		else
			tap_skip "exec with QEMU, $machine" "qemu-system-x86_64 is not installed"
		fi
	done
}

# exec_qemu MACHINE : a QEMU that does not run its guest.
exec_qemu() {
	local qemu

	"$VHOSTCTL" exec --tap tap9 --queues 2 -- qemu-system-x86_64 -S -M "$1" -accel tcg \
		-m 64M -nodefaults -display none >"$KEPT/qemu" 2>&1 &
	qemu=$!
	# QEMU becomes the owner of one after the other.
	until_true is_shown 2 pid $qemu
	result $? "exec: a device for each pair of queues, $1" \
		"$("$VHOSTCTL" show; cat "$KEPT/qemu")"
	expect 0 "^[0-9]+ +- +stopped +$qemu +qemu-system-x86 +0 +0 +0$" show pid $qemu
	keep qemu show pid $qemu -sd
	kill $qemu
	wait $qemu 2>/dev/null
}
