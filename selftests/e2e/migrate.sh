# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Live migration: the guest moves from one QEMU to another on the same host,
# each with a tap of its own on one bridge, under traffic.
#
# There are two VMs, which are source and target in turn: VM and VM.2. What
# belongs to the guest wherever it runs is in VM.background and VM.unread.
#
# Offers	test_migration
# Sets		the VMs' properties; constant BRIDGE. Uses the property
#		migrations: how many times the guest goes along the route
# Wants		client.sh, qemu.sh, agent.sh, monitor.sh, checks.sh,
#		variants.sh, background_traffic.sh, unread_data.sh, ioctl_log.sh

readonly BRIDGE=e2e-bridge

# Run a guest and migrate it to each of the devices, as many times as asked.
# QEMU 7.2 corrupts the guest's memory while it migrates under TCG, with vhost
# or without.
test_migration() { # VM DEVICE...
	local device

	use_newer_qemu "$1" || return
	for device in "${@:2}"; do
		[[ -c $device ]] && continue
		skip "$1" "the variant" "not both modules are loaded"
		return
	done
	bridge_start
	client_set "$1" log_ioctls=yes bridge="$BRIDGE"
	! boot_guest "$1" || migrate_along "$@"
	ip link del "$BRIDGE"
}

# On Debian's kernels the bridge is a module.
bridge_start() {
	local dir

	# shellcheck source=/dev/null
	dir=$([[ ! -r /run/vm/settings ]] ||
		(. /run/vm/settings && echo "$VM_KERNEL_DIR"))
	modprobe ${dir:+-d "$dir"} -q bridge
	ip link add "$BRIDGE" type bridge &&
		ip addr add "$HOST_IP/24" dev "$BRIDGE" &&
		ip link set "$BRIDGE" up
}

migrate_along() { # VM DEVICE...
	local vm=$1 state=$1 sum

	check "$vm" "the guest has data to keep" fill_memory "$vm" || return
	sum=$(tail -n 1 "$vm/check.log")
	check "$vm" "the guest's memory changes all the time" \
		dirty_memory_start "$vm" || return
	if ! check "$vm" "traffic flows" \
		background_start "$vm" "$state.background" ||
		! migrate_rounds "$@"; then
		background_clean "$state.background"
		unread_clean "$state.unread"
		return
	fi
	vm=$(migrated_to "$vm")
	check "$vm" "the traffic ends in order" \
		background_stop "$vm" "$state.background" &&
		check "$vm" "no byte was lost or changed" \
			background_intact "$vm" "$state.background"
	background_clean "$state.background"
	note "$vm" "ping: $(grep transmitted "$state.background/ping")"
	dirty_memory_stop "$vm"
	check "$vm" "the guest's memory is as it was" memory_intact "$vm" "$sum"
	check_traffic "$vm" "after the migrations"
	end_guest "$vm"
}

migrate_rounds() { # VM DEVICE...
	local source=$1 target=$1.2 device round number=0 rounds

	rounds=$(client_get "$1" migrations)
	for ((round = 0; round < rounds; round++)); do
		for device in "${@:2}"; do
			migrate_once "$source" "$target" "$device" "$1" \
				$((++number)) || return
			source=$(migrated_to "$1") target=$1
			[[ $source != "$1" ]] || target=$1.2
		done
	done
}

# Print which of the two VMs the guest is in.
migrated_to() { # VM
	if [[ -d $1 ]]; then
		echo "$1"
	else
		echo "$1.2"
	fi
}

# STATE is what the directories of the guest's state begin with.
migrate_once() { # SOURCE TARGET DEVICE STATE NUMBER
	local source=$1 target=$2 path=$4.migration when="migration $5"
	local traffic=$4.background unread=$4.unread

	rm -f "$path"
	client_copy "$target" "$source"
	client_set "$target" device="$3" incoming="unix:$path" \
		tap="e2e$(($5 % 2))"
	qemu_start "$target"
	check "$target" "another QEMU waits: $when, to ${3##*/}" \
		target_ready "$target" "$path" || return

	check "$source" "a connection is open for unread data: $when" \
		unread_prepare "$source" "$unread" &&
		check "$source" "the migration begins: $when" \
			migration_begin "$source" "$traffic" "$path" &&
		check "$source" "vhost is told to log: $when" \
			guest_await "$source" 60 told_to_log "$source" &&
		check "$source" "traffic flows meanwhile: $when" \
			guest_await "$source" 120 migration_with_traffic \
			"$source" "$traffic" &&
		check "$source" "all memory was sent once: $when" \
			guest_await "$source" "$COMMAND_LIMIT" \
			migration_passes "$source" 2 &&
		check "$source" "the guest holds unread data: $when" \
			unread_send "$source" "$unread" &&
		check_logged "$source" "$when" &&
		check "$source" "the migration completes: $when" \
			migration_finish "$source" || return
	migration_report "$source"
	source_end "$source"

	check "$target" "the guest runs on: $when" \
		guest_await "$target" 60 monitor_run_state "$target" running &&
		check "$target" "the traffic continues: $when" \
			background_continues "$target" "$traffic" &&
		check "$target" "the unread data are intact: $when" \
			unread_intact "$target" "$unread" || return
	unread_clean "$unread"
}

target_ready() { # VM SOCKET
	client_await "$1" "$COMMAND_LIMIT" [ -S "$2" ] &&
		monitor_begin "$1" && monitor_run_state "$1" inmigrate
}

# At such a low rate the guest dirties its memory faster than it can be sent,
# and what little a slow guest dirties is still more than a downtime of 1 ms
# allows for: the migration ends when it is told to, and not before. A QEMU that
# was the target of a migration has had its monitor begun.
migration_begin() { # VM TRAFFIC SOCKET
	background_mark "$1" "$2"
	bytes_logged "$1" >"$1/logged"
	[[ $(client_get "$1" incoming) ]] || monitor_begin "$1" || return
	monitor "$1" migrate-set-parameters \
		'{"max-bandwidth": 8000000, "downtime-limit": 1}' &&
		monitor "$1" migrate "{\"uri\": \"unix:$3\"}" &&
		guest_await "$1" 60 migration_state "$1" active
}

migration_state() { # VM STATE
	[[ $(monitor "$1" query-migrate | monitor_value status) == "$2" ]]
}

# LOG_ALL, and the flag in the addresses of both rings.
told_to_log() { # VM
	(($(ioctl_log_count "$1" SET_LOG_BASE) > 0 &&
		$(ioctl_log_count "$1" SET_VRING_ADDR "ring=0 flags=1") > 0 &&
		$(ioctl_log_count "$1" SET_VRING_ADDR "ring=1 flags=1") > 0)) &&
		ioctl_log_acked "$1" 26
}

migration_with_traffic() { # VM TRAFFIC
	migration_state "$1" active && background_moved "$1" "$2"
}

# Print the bytes that each ring has logged. The in-tree module does not count
# them: then nothing.
bytes_logged() { # VM
	local fd

	fd=$(device_fds "$1" | head -n 1)
	counter "$1" "$fd" rx log_bytes
	counter "$1" "$fd" tx log_bytes
}

check_logged() { # VM WHEN
	local delta

	if [[ ! -s $1/logged ]]; then
		skip "$1" "vhost logged both rings: $2" \
			"this module does not count what it logs"
		return
	fi
	read -ra delta <<<"$(minus "$(bytes_logged "$1")" "$(<"$1/logged")")"
	note "$1" "bytes logged, receive and transmit: ${delta[*]}"
	check "$1" "vhost logged both rings: $2" at_least 1 "${delta[@]}"
}

# With a downtime that any machine can keep; otherwise it might never end.
migration_finish() { # VM
	monitor "$1" migrate-set-parameters \
		'{"max-bandwidth": 1000000000, "downtime-limit": 60000}' &&
		guest_await "$1" "$COMMAND_LIMIT" migration_state "$1" completed
}

# Check how many times QEMU has begun to go through the memory for what has
# changed.
migration_passes() { # VM NUMBER
	local answer

	answer=$(monitor "$1" query-migrate)
	[[ $(monitor_value status <<<"$answer") == active ]] &&
		(($(monitor_value dirty-sync-count <<<"$answer") >= $2))
}

migration_report() { # VM
	local answer

	answer=$(monitor "$1" query-migrate)
	note "$1" "$(monitor_value dirty-sync-count <<<"$answer") passes," \
		"downtime $(monitor_value downtime <<<"$answer") ms," \
		"$(monitor_value total-time <<<"$answer") ms in all"
}

source_end() { # VM
	monitor "$1" quit >/dev/null
	wait "$(client_get "$1" pid)"
	qemu_clean "$1"
}

# Fill 16 MiB of the guest's memory, which nothing is to touch. Prints their
# checksum.
fill_memory() { # VM
	guest "$1" "cd /tmp && head -c 262144 /dev/urandom >block &&
		for i in \$(seq 64); do echo \$i; cat block; done >memory &&
		sha256sum <memory"
}

memory_intact() { # VM CHECKSUM
	local sum

	sum=$(guest "$1" "sha256sum </tmp/memory")
	printf '%s\n' "$sum" "expected: $2"
	[[ $sum == "$2" ]]
}

# Keep 4 MiB of the guest's memory changing: see migration_begin().
dirty_memory_start() { # VM
	guest "$1" "cd /tmp && head -c 4194304 memory >dirty &&
		{ while test -e dirty; do
			dd if=memory of=dirty bs=4k count=1024 conv=notrunc \
				2>/dev/null;
			sleep 0.1; done & }"
}

dirty_memory_stop() { # VM
	guest "$1" "rm -f /tmp/dirty"
}
