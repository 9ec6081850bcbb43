# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Checking a kernel log.

# Matches lines that a healthy kernel does not print: warnings, crashes, lockdep,
# sanitizers, the debug-objects and slab checkers, stalls, leaks.
LOG_BAD='WARNING: |BUG: |BUG [a-z]|kernel BUG at|Oops|Kernel panic'
LOG_BAD+='|[Gg]eneral protection|[Uu]nable to handle|Segfault with no mm'
LOG_BAD+='|UBSAN: |KASAN: |KCSAN: |kmemleak: [0-9]+ new|unreferenced object'
LOG_BAD+='|ODEBUG: |refcount_t: |list_(add|del) corruption'
LOG_BAD+='|INFO: (task|rcu|possible|trying|suspicious)|blocked for more than'
LOG_BAD+='|rcu: .*stall|soft lockup|hard LOCKUP|suspicious RCU usage'
LOG_BAD+='|possible (circular|recursive|irq)|inconsistent lock state'
LOG_BAD+='|sleeping function called|scheduling while atomic'
LOG_BAD+='|unregister_netdevice: waiting|still has locks held'
LOG_BAD+='|DEBUG_LOCKS_WARN_ON|Bad page state|page allocation failure'

# log_show FILE : print the bad lines with their context; fail if there are none.
log_show() {
	grep -aqE "$LOG_BAD" "$1" || return
	say "the kernel log has:"
	grep -aE -B 2 -A 40 "$LOG_BAD" "$1" | head -n 600 | tr -d '\r' >&2
}

# log_has_stray_int3 FILE : the kernel has died of a breakpoint. It patches its code
# through breakpoints. A processor that QEMU emulates may execute one that it had
# translated after the kernel has removed it, and has no use for it any more.
log_has_stray_int3() {
	[ "$MACHINE" = qemu ] && [ "${ACCEL:-tcg}" = tcg ] &&
		grep -aqE 'Oops: int3: ' "$1"
}
