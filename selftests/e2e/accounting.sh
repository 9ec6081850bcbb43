# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Which datapath moved the packets: the CPU time of the kernel's worker threads,
# the bytes that QEMU itself read and wrote, and the counters of the tap.
#
# Offers	accounting_read, accounting_subtract, worker_tasks,
#		tap_counters
# Sets		the elements of an associative array that is passed by name:
#		worker_ns, worker_runs	lists, a number for each worker
#		io		bytes; empty without TASK_IO_ACCOUNTING
#		tap		see tap_counters()
#		vhostctl	see vhostctl_bytes()
# Wants		client.sh, counters.sh

# Print the directories in /proc of the client's workers, in the order of their
# creation: kernel threads of their own (6.1), or threads of the client's
# process (6.4 and later).
worker_tasks() { # CLIENT
	local comm name pid

	pid=$(client_get "$1" pid)
	for comm in /proc/"$pid"/task/*/comm /proc/[0-9]*/comm; do
		name=
		read -r name 2>/dev/null <"$comm" || continue
		[[ $name != "vhost-$pid" && $name != "vhost-$pid"-* ]] ||
			echo "${comm%/comm}"
	done | sort -u -t / -k 5n -k 3n
}

# Print how long each worker has run, in nanoseconds. User-mode Linux keeps this
# clock in ticks of 10 ms, too coarse for a single transfer.
worker_ns() { # CLIENT
	local task ran rest

	for task in $(worker_tasks "$1"); do
		read -r ran rest <"$task/schedstat" && echo "$ran"
	done
}

# Print how many times each worker was given the CPU: exact on all machines.
worker_runs() { # CLIENT
	local task

	for task in $(worker_tasks "$1"); do
		awk '/ctxt_switches/ { n += $2 } END { print n }' "$task/status"
	done
}

# Print the bytes that QEMU moved by system calls of its own: next to none if
# the kernel moves the packets, every packet otherwise. A trace that it was
# asked to write does not count.
qemu_io_bytes() { # CLIENT
	awk -v trace="$(stat -c %s "$1/trace.log" 2>/dev/null)" \
		'/^[rw]char:/ { n += $2 } END { print n - trace }' \
		"/proc/$(client_get "$1" pid)/io" 2>/dev/null
}

# Print the tap's counters as the host sees them: bytes from the guest, packets
# from it, bytes to the guest, packets to it.
tap_counters() { # CLIENT
	sed -n "s/^ *$(client_get "$1" tap): *//p" /proc/net/dev |
		awk '{ print $1, $2, $9, $10 }'
}

accounting_read() { # CLIENT ARRAY
	local -n read_into=$2

	read_into[worker_ns]=$(worker_ns "$1")
	read_into[worker_runs]=$(worker_runs "$1")
	read_into[io]=$(qemu_io_bytes "$1")
	read_into[tap]=$(tap_counters "$1")
	read_into[vhostctl]=$(vhostctl_bytes "$1")
}

# Leave in the first array what was added since the second one was read.
accounting_subtract() { # ARRAY EARLIER
	local -n later_array=$1 earlier_array=$2
	local name

	for name in "${!later_array[@]}"; do
		later_array["$name"]=$(minus "${later_array[$name]}" \
			"${earlier_array[$name]-}")
	done
}
