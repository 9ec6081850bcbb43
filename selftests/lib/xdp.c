// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "xdp.h"

#define INSN(op, dst, value) {						\
	.code = (op),							\
	.dst_reg = (dst),						\
	.imm = (value),							\
}

static int sys_bpf(int cmd, union bpf_attr *attr)
{
	int ret = syscall(__NR_bpf, cmd, attr, sizeof(*attr));

	return ret < 0 ? -errno : ret;
}

static int load(const struct bpf_insn *insn, size_t n)
{
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_XDP,
		.insns = (unsigned long)insn,
		.insn_cnt = n,
		.license = (unsigned long)"GPL",
	};

	return sys_bpf(BPF_PROG_LOAD, &attr);
}

int xdp_load_pass(void)
{
	struct bpf_insn insn[] = {
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, XDP_PASS),
		INSN(BPF_JMP | BPF_EXIT, 0, 0),
	};

	return load(insn, sizeof(insn) / sizeof(*insn));
}

int xdp_load_redirect(int ifindex)
{
	struct bpf_insn insn[] = {
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_1, ifindex),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_2, 0),
		INSN(BPF_JMP | BPF_CALL, 0, BPF_FUNC_redirect),
		INSN(BPF_JMP | BPF_EXIT, 0, 0),
	};

	return load(insn, sizeof(insn) / sizeof(*insn));
}

int xdp_attach(int prog, int ifindex, unsigned int flags)
{
	union bpf_attr attr = {
		.link_create.prog_fd = prog,
		.link_create.target_ifindex = ifindex,
		.link_create.attach_type = BPF_XDP,
		.link_create.flags = flags,
	};

	return sys_bpf(BPF_LINK_CREATE, &attr);
}

int xdp_run(int prog, const void *frame, size_t len)
{
	union bpf_attr attr = {
		.test.prog_fd = prog,
		.test.data_in = (unsigned long)frame,
		.test.data_size_in = len,
		.test.repeat = 1,
		.test.flags = BPF_F_TEST_XDP_LIVE_FRAMES,
	};

	return sys_bpf(BPF_PROG_TEST_RUN, &attr);
}
