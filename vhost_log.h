/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The dirty log: a bitmap in the owner's memory, one bit for each 4 KiB page of
 * guest-physical memory, in which the device records what it has written. The
 * owner reads and clears it while it copies a running guest to another host.
 */
#ifndef VHOST_ALT_LOG_H
#define VHOST_ALT_LOG_H

#include <linux/bits.h>
#include <linux/types.h>

struct eventfd_ctx;
struct vha_iotlb;

/* Bytes that a bit stands for, whatever the size of the host's pages. */
#define VHA_LOG_PAGE_SHIFT	12
#define VHA_LOG_PAGE_SIZE	BIT_ULL(VHA_LOG_PAGE_SHIFT)

/**
 * struct vha_log - where a ring logs
 * @base: the bitmap; of unknown size, but checked to lie in user address space
 * @ctx: signalled after each write to the log, or NULL; the device's
 * @used: writes to the used area are logged
 * @used_addr: guest-physical address of the used area
 * @bytes: counts the bytes of guest memory that are logged
 */
struct vha_log {
	u8 __user *base;
	struct eventfd_ctx *ctx;
	bool used;
	u64 used_addr;
	u64 *bytes;
};

void vha_log_reset(struct vha_log *log);
bool vha_log_range_ok(const u8 __user *base, u64 addr, u64 size);
bool vha_log_access_ok(const u8 __user *base, const struct vha_iotlb *memory);
int vha_log_write(const struct vha_log *log, u64 addr, u64 len);
int vha_log_write_user(const struct vha_log *log,
		       const struct vha_iotlb *memory, u64 uaddr, u64 len);
void vha_log_written(const struct vha_log *log, size_t len);

#endif /* VHOST_ALT_LOG_H */
