// SPDX-License-Identifier: GPL-2.0-only
/*
 * Setting bits in the dirty log. The owner may take a word out of it at any
 * time by exchanging it for 0. So a bit is set by an atomic operation, for
 * which the page of the log is pinned. Most bits are set already, so the word
 * is read first, which is cheap.
 */

#include <linux/eventfd.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/uaccess.h>
#include <linux/vhost.h>

#include "compat.h"
#include "vhost_iotlb.h"
#include "vhost_log.h"

/* The byte of the log that has the bit of @addr. */
static u64 log_byte(u64 addr)
{
	return addr >> (VHA_LOG_PAGE_SHIFT + 3);
}

/**
 * vha_log_reset() - stop logging
 * @log: the log; it keeps counting in @bytes
 */
void vha_log_reset(struct vha_log *log)
{
	*log = (struct vha_log){ .bytes = log->bytes };
}

/**
 * vha_log_range_ok() - check that the log of a memory range lies in user memory
 * @base: the log
 * @addr: guest-physical address of the range
 * @size: its bytes, not 0
 *
 * Return: true if it does. Whether it is mapped shows when it is written.
 */
bool vha_log_range_ok(const u8 __user *base, u64 addr, u64 size)
{
	u64 first = log_byte(addr), last = log_byte(addr + size - 1);

	return addr + size - 1 >= addr &&
	       last <= ULONG_MAX - (unsigned long)base &&
	       access_ok(base + first, last - first + 1);
}

/**
 * vha_log_access_ok() - check that the log of all memory lies in user memory
 * @base: the log
 * @memory: the table
 *
 * Return: true if it does.
 */
bool vha_log_access_ok(const u8 __user *base, const struct vha_iotlb *memory)
{
	const struct vha_region *region;

	list_for_each_entry(region, &memory->regions, link) {
		if (!vha_log_range_ok(base, region->start,
				      region->span + 1))
			return false;
	}
	return true;
}

static int set_bit_user(unsigned long __user *word, unsigned int bit)
{
	unsigned long uaddr = (unsigned long)word;
	struct page *page;
	void *kaddr;

	if (pin_user_pages_fast(uaddr & PAGE_MASK, 1, FOLL_WRITE, &page) != 1)
		return -EFAULT;
	kaddr = kmap_local_page(page);
	/* After the barrier in vha_log_write(). Litmus test: dirty-log. */
	set_bit(bit, kaddr + offset_in_page(uaddr));
	kunmap_local(kaddr);
	unpin_user_pages_dirty_lock(&page, 1, true);
	return 0;
}

/* The owner reads the log as words, so bits are counted within a word. */
static int log_page(u8 __user *base, u64 addr)
{
	unsigned long uaddr = (unsigned long)base + log_byte(addr);
	unsigned long __user *word =
		(void __user *)ALIGN_DOWN(uaddr, sizeof(*word));
	unsigned int bit = (uaddr % sizeof(*word)) * BITS_PER_BYTE +
			   (addr >> VHA_LOG_PAGE_SHIFT) % BITS_PER_BYTE;
	unsigned long old;

	if (get_user(old, word))
		return -EFAULT;
	return old & BIT(bit) ? 0 : set_bit_user(word, bit);
}

/**
 * vha_log_write() - record that memory has been written
 * @log: the log
 * @addr: guest-physical address of the memory
 * @len: its bytes; 0 records nothing
 *
 * Return: 0, or -EFAULT if the log cannot be written.
 */
int vha_log_write(const struct vha_log *log, u64 addr, u64 len)
{
	u64 page = addr & ~(VHA_LOG_PAGE_SIZE - 1);
	u64 left = len ? len + (addr - page) : 0;
	int err = 0;

	/*
	 * Write the memory before reading the bit: if the owner clears a bit
	 * that is found set here, it sees what was written. So it does if it
	 * clears one that is set here. Pairs with the barrier of the owner's
	 * exchange of the log's words. Litmus test: dirty-log.
	 */
	smp_mb();
	for (; !err && left; left -= min(left, VHA_LOG_PAGE_SIZE)) {
		err = log_page(log->base, page);
		page += VHA_LOG_PAGE_SIZE;
	}
	return err;
}

/**
 * vha_log_write_user() - record that memory has been written, by user address
 * @log: the log
 * @memory: the memory table
 * @uaddr: the owner's address of what was written
 * @len: its bytes; 0 records nothing
 *
 * Memory that the guest sees at several addresses is logged at all of them.
 * Memory outside of all regions does not migrate with the guest, and is not
 * logged.
 *
 * Return: 0, or -EFAULT if the log cannot be written.
 */
int vha_log_write_user(const struct vha_log *log,
		       const struct vha_iotlb *memory, u64 uaddr, u64 len)
{
	const struct vha_region *region;
	u64 first, last;
	int err;

	if (!len)
		return 0;
	list_for_each_entry(region, &memory->regions, link) {
		first = max(uaddr, region->uaddr);
		last = min(uaddr + len - 1,
			   region->uaddr + region->span);
		if (first > last)
			continue;
		err = vha_log_write(log,
				    region->start + (first - region->uaddr),
				    last - first + 1);
		if (err)
			return err;
	}
	return 0;
}

/**
 * vha_log_written() - count what was logged, and tell the owner
 * @log: the log
 * @len: bytes of guest memory
 */
void vha_log_written(const struct vha_log *log, size_t len)
{
	*log->bytes += len;
	if (log->ctx)
		compat_eventfd_signal(log->ctx);
}
