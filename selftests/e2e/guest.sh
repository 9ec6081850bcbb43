# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # names shared through run
# One guest: an unmodified QEMU, the tap that it is attached to, and the line
# over which its agent (guest/init) takes commands.
#
# In: image, qemu, device, dir (scratch). Out of guest(): reply.
# Of a guest that is not the ordinary one: machine (options of QEMU), slot (the
# bus of its network device), kernel_options, bridge (that its tap is a port of), spied
# (whether what QEMU asks of vhost is to be written down: spy.sh).

tap=e2e0
machine=(-m 256M)
slot=''
kernel_options=''
bridge=''
spied=''
host_ip=192.0.2.1
guest_ip=192.0.2.2
# Cold boot of a guest under TCG in a machine under TCG: 27 s on a quiet host, 121 s
# seen on one with three runnable tasks per processor.
boot_limit=240
command_limit=120
command_id=0

append="console=ttyS0 quiet panic=-1 nokaslr mitigations=off tsc=reliable"
append+=" no_timer_check nowatchdog cryptomgr.notests random.trust_cpu=on"
# One processor boots a quarter faster under TCG than two: see guest_network.
append+=" maxcpus=1 noreplace-smp"

# The QEMU line is the one that the README gives to a user. With one queue pair
# the shell opens the device and QEMU the tap; with more, fdexec opens both.
guest_start() { # QUEUE-PAIRS NETDEV-OPTIONS DEVICE-OPTIONS
	local queues=$1 netdev=$2 props=$3
	local -a opener=()

	mkfifo "$dir"/{agent,monitor}.{in,out}
	: >"$dir/console"
	exec {agent_out}<>"$dir/agent.out" {agent_in}<>"$dir/agent.in"
	exec {monitor_out}<>"$dir/monitor.out" {monitor_in}<>"$dir/monitor.in"
	if ((queues > 1)); then
		read -ra opener <<<"$image/fdexec $(queue_openers "$queues") --"
		props+=,mq=on,vectors=$((2 * queues + 2))
	fi
	guest_tap "$queues"

	# Only QEMU is to hold the device, so it is opened in its shell.
	(
		[[ $netdev != *vhostfd=9* ]] || exec 9<>"$device"
		exec {agent_in}>&- {agent_out}>&- {monitor_in}>&- {monitor_out}>&-
		[[ -z $spied ]] || spy_on
		exec "${opener[@]}" "$qemu" \
			-accel tcg -smp "$queues" "${machine[@]}" \
			-nodefaults -no-user-config -display none \
			-serial "file:$dir/console" \
			-chardev "pipe,id=agent,path=$dir/agent" \
			-serial chardev:agent \
			-qmp "pipe:$dir/monitor" \
			-kernel "$image/vmlinux" -initrd "$image/initrd" \
			-append "$append $kernel_options" \
			-netdev "tap,id=net,$netdev" \
			-device "virtio-net-pci,id=nic,netdev=net,romfile=$slot$props"
	) </dev/null >"$dir/qemu.log" 2>&1 &
	qemu_pid=$!
}

guest_tap() { # QUEUE-PAIRS
	if (($1 == 1)); then
		ip tuntap add dev "$tap" mode tap
	else
		ip tuntap add dev "$tap" mode tap multi_queue vnet_hdr
	fi
	if [[ $bridge ]]; then
		ip link set "$tap" master "$bridge"
	else
		ip addr add "$host_ip/24" dev "$tap"
	fi
	ip link set "$tap" up
}

queue_openers() { # QUEUE-PAIRS
	local i

	for ((i = 0; i < $1; i++)); do
		printf '%s ' "$((20 + i))=tap:$tap" "$((40 + i))=$device"
	done
}

guest_netdev() { # QUEUE-PAIRS
	local i fds=20 vhostfds=40

	if (($1 == 1)); then
		echo "ifname=$tap,script=no,downscript=no,vhost=on,vhostfd=9"
		return
	fi
	for ((i = 1; i < $1; i++)); do
		fds+=:$((20 + i))
		vhostfds+=:$((40 + i))
	done
	echo "fds=$fds,vhost=on,vhostfds=$vhostfds"
}

# A line from QEMU into `line`. In slices of a second, to see at once when nobody
# is left to write it, and to send the agent a nudge, if one is given: be it empty.
pipe_line() { # FD DEADLINE (in $SECONDS) [NUDGE]
	local part

	line=
	until IFS= read -r -t 1 -u "$1" part; do
		line+=$part
		((SECONDS < $2)) || return
		kill -0 "$qemu_pid" 2>/dev/null || return
		(($# < 3 || SECONDS % 5)) || printf '%s\n' "$3" >&"$agent_in"
	done
	line+=$part
}

# The same from the agent.
guest_line() { # DEADLINE [NUDGE]
	if ! pipe_line "$agent_out" "$@"; then
		echo "no answer in time, but: $line" >>"$dir/agent.log"
		return 1
	fi
	echo "< $line" >>"$dir/agent.log"
}

# Until the agent says that it runs: also after the guest has rebooted.
guest_ready() {
	local deadline=$((SECONDS + boot_limit))

	while guest_line "$deadline"; do
		guest_release=${line#READY }
		[[ $line != READY* ]] || return 0
	done
	return 1
}

# Runs a command in the guest: its output in reply, its status returned. A guest
# with two processors now and then sleeps on in user-mode Linux, with the in-tree
# module too, until an interrupt wakes it: an empty line brings one.
guest() { # COMMAND
	local deadline=$((SECONDS + command_limit)) nudge

	reply=
	((++command_id))
	nudge=$(guest_command "$command_id" "$1")
	echo "> $nudge" >>"$dir/agent.log"
	echo "$nudge" >&"$agent_in"
	while guest_line "$deadline" "$nudge"; do
		case $line in
		"+ $command_id") nudge= ;;
		"= $command_id "*) reply+=${line#= "$command_id" }$'\n' ;;
		"! $command_id "*)
			reply=${reply%$'\n'}
			return "${line##* }"
			;;
		esac
	done
	reply+="the guest did not finish: $1"
	return 124
}

# A line, without the blanks that the guest's shell would drop.
guest_command() { # ID COMMAND
	local text=${2//[$'\n\t']/ }

	text=${text#"${text%%[! ]*}"} text=${text%"${text##*[! ]}"}
	echo "$1 ${#text} $text"
}

# One that ends the guest, and will not answer.
guest_last_command() { # COMMAND
	guest_command 0 "$1" >&"$agent_in"
}

# All processors first: the driver takes a queue pair for each.
guest_network() {
	guest "for c in /sys/devices/system/cpu/cpu*/online; do
		! grep -qs 0 \$c || echo 1 >\$c || exit; done" &&
		guest "for m in /modules/*; do insmod \$m || exit; done" &&
		guest "ip addr add $guest_ip/24 dev eth0 && ip link set eth0 up"
}

# Waits for a condition, and keeps the guest awake the while.
guest_await() { # SECONDS COMMAND…
	local deadline=$((SECONDS + $1)) nudge=$((SECONDS + 5))

	shift
	until "$@"; do
		((SECONDS < deadline)) || return
		kill -0 "$qemu_pid" 2>/dev/null || return
		if ((SECONDS >= nudge)); then
			echo >&"$agent_in"
			nudge=$((SECONDS + 5))
		fi
		sleep 0.1
	done
}

# The ordinary way to end: the guest powers off, QEMU exits by itself.
guest_poweroff() {
	local deadline=$((SECONDS + command_limit))

	guest_last_command "poweroff -f"
	while kill -0 "$qemu_pid" 2>/dev/null; do
		((SECONDS < deadline)) || return 1
		((SECONDS % 5)) || guest_last_command "poweroff -f"
		sleep 0.1
	done
	wait "$qemu_pid"
}

guest_clean() {
	if [[ -n ${qemu_pid-} ]]; then
		kill -KILL "$qemu_pid" 2>/dev/null
		wait "$qemu_pid" 2>/dev/null
		qemu_pid=
	fi
	[[ -z ${agent_in-} ]] ||
		exec {agent_in}>&- {agent_out}>&- {monitor_in}>&- {monitor_out}>&-
	agent_in=
	ip link del "$tap" 2>/dev/null
	find "$dir" -maxdepth 1 -not -type d -delete
}
