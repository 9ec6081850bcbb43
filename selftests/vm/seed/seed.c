// SPDX-License-Identifier: GPL-2.0-only
/*
 * A deliberate bug, selected by a module parameter, to test that a machine
 * detects it.
 */
#include <linux/bug.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

static char *bug = "none";
module_param(bug, charp, 0);
MODULE_PARM_DESC(bug, "none, warn, uaf, inversion, atomic, leak, bounds or oops");

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);
static DEFINE_SPINLOCK(spin);

/* Keeps the compiler from removing allocations that nothing uses. */
static void *volatile sink;

static void seed_warn(void)
{
	WARN_ON(1);
}

static void seed_uaf(void)
{
	char *volatile p = kmalloc(64, GFP_KERNEL);

	if (!p)
		return;
	kfree(p);
	p[1] = 1;
}

/*
 * No deadlock: one thread takes the locks in both orders, which lockdep
 * records.
 */
static void seed_inversion(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);
	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static void seed_atomic(void)
{
	spin_lock(&spin);
	might_sleep();
	spin_unlock(&spin);
}

static void seed_leak(void)
{
	int i;

	/* Several: a stale pointer on some stack may hide one of them. */
	for (i = 0; i < 16; i++)
		sink = kmalloc(128, GFP_KERNEL);
	sink = NULL;
}

static void seed_bounds(void)
{
	static int table[4];
	volatile int i = 4;

	table[i] = 1;
}

static void seed_oops(void)
{
	*(int *volatile)NULL = 1;
}

static const struct {
	const char *name;
	void (*run)(void);
} seeds[] = {
	{ "warn", seed_warn },
	{ "uaf", seed_uaf },
	{ "inversion", seed_inversion },
	{ "atomic", seed_atomic },
	{ "leak", seed_leak },
	{ "bounds", seed_bounds },
	{ "oops", seed_oops },
};

static int __init seed_init(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(seeds); i++) {
		if (!strcmp(bug, seeds[i].name)) {
			seeds[i].run();
			return 0;
		}
	}
	return strcmp(bug, "none") ? -EINVAL : 0;
}

static void __exit seed_exit(void)
{
}

module_init(seed_init);
module_exit(seed_exit);
MODULE_DESCRIPTION("One deliberate bug");
MODULE_LICENSE("GPL");
