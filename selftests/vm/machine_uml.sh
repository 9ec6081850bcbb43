# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Booting an ARCH=um kernel, a process whose terminals are files here.

uml_prepare() {
	uml_kernel
	uml_xstate
	VM_STDOUT=/dev/tty1
	VM_STDERR=/dev/tty2
}

uml_prepare_build() {
	uml_prepare
}

# Set XSTATE to the library that xstate.c explains. 7.2 asks the host how many
# registers it has.
uml_xstate() {
	XSTATE=
	[ "$KERNEL" != 7.2 ] || return 0
	tool xstate -D_GNU_SOURCE -shared -fPIC
	XSTATE=$TOOL
}

# Start the machine in the background, its output in the files of $RUN.
uml_start() {
	local args=(
		"mem=${MEMORY:-2G}" "uml_dir=$RUN/" umid=uml
		rootfstype=hostfs rootflags=/ ro "init=$VM/guest/init-uml" "VM_RUN=$RUN"
		con=null "con0=null,fd:1" "con1=null,fd:7" "con2=null,fd:8"
		ignore_loglevel panic=-1 kasan_multi_shot
	)
	# Its processors are threads, which ptrace does not support. The second
	# one frees memory before RCU watches it, which makes kmemleak warn.
	[ "$MACHINE" != uml-smp ] || args+=(ncpus=2 seccomp=on kmemleak=off)

	LD_PRELOAD=$XSTATE TMPDIR=$(uml_memory_dir) \
		machine_exec "$KERNEL_DIR/linux" "${args[@]}" \
		</dev/null >>"$RUN/log" 2>&1 7>>"$RUN/stdout" 8>>"$RUN/stderr" &
	MACHINE_PID=$!
}

# Print a directory for the memory, a sparse file: if /dev/shm is too small, the
# kernel dies of SIGBUS later.
uml_memory_dir() {
	local free

	free=$(df --output=avail /dev/shm 2>/dev/null | tail -n 1)
	if [ "${free:-0}" -ge 4000000 ]; then
		echo /dev/shm
	else
		echo "${TMPDIR:-/tmp}"
	fi
}
