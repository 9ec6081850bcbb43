/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's test harness and our additions to it. */
#ifndef VHOST_TEST_TEST_H
#define VHOST_TEST_TEST_H

#include "kselftest_harness.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "env.h"
#include "guest.h"

/* More than any deadline in the library, which names the step that failed. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 150

/*
 * The harness's own assertions are two statements each, so a loop needs braces
 * around them. These are one statement and print the errno. The _AT form also
 * prints the position in a table or a loop.
 */
#define ASSERT_OK_AT(expr, fmt, ...)					\
	do {								\
		int __ret = (expr);					\
									\
		if (__ret) {						\
			TH_LOG("%s: %s%s" fmt, #expr,			\
			       strerror(-__ret),			\
			       sizeof(fmt) > 1 ? ", " : "",		\
			       ##__VA_ARGS__);				\
			_metadata->passed = 0;				\
			__bail(1, _metadata);				\
		}							\
	} while (0)

#define ASSERT_THAT_AT(expr, fmt, ...)					\
	ASSERT_OK_AT((expr) ? 0 : -EBADMSG, fmt, ##__VA_ARGS__)

#define ASSERT_OK(expr)		ASSERT_OK_AT(expr, "")
#define ASSERT_THAT(expr)	ASSERT_THAT_AT(expr, "")

/* Expect @expr to fail with @err. */
#define EXPECT_ERR(err, expr)						\
	do {								\
		int __want = (err), __seen = -(expr);			\
									\
		if (__seen != __want) {					\
			TH_LOG("%s: expected %s, saw %s", #expr,	\
			       strerrorname_np(__want),			\
			       __seen ? strerrorname_np(__seen) : "0");	\
			_metadata->passed = 0;				\
		}							\
	} while (0)

#define EXPECT_OK(expr)		EXPECT_ERR(0, expr)

/* In a test: skip it on this kernel's vhost_net, which differs as @why says. */
#define OURS_ALONE(why)							\
	do {								\
		if (!env_is_ours())					\
			SKIP(return, "vhost_net differs: %s", why);	\
	} while (0)

/* In FIXTURE_SETUP, where a plain SKIP would still run the test. */
#define SETUP_SKIP(fmt, ...)						\
	do {								\
		SKIP(, fmt, ##__VA_ARGS__);				\
		_metadata->passed = 0;					\
		return;							\
	} while (0)

/* In FIXTURE_SETUP: skip if the device under test does not offer @features. */
#define SETUP_NEEDS(features)						\
	do {								\
		if (!vdev_offers(features))				\
			SETUP_SKIP("%s of this kernel offers no %#llx",	\
				   env_module(),			\
				   (unsigned long long)(features));	\
	} while (0)

#define SETUP_NEEDS2(features2)						\
	do {								\
		if (!vdev_offers2(features2))				\
			SETUP_SKIP("%s of this kernel offers no tunnels", \
				   env_module());			\
	} while (0)

/* Remove all entries but those named @wanted from a list; NULL keeps all. */
#define PRUNE(head, wanted)						\
	do {								\
		typeof(head) *__p = &(head);				\
									\
		while ((wanted) && *__p) {				\
			if (strcmp((*__p)->name, wanted))		\
				*__p = (*__p)->next;			\
			else						\
				__p = &(*__p)->next;			\
		}							\
	} while (0)

static void test_list(void)
{
	static struct __fixture_variant_metadata none = { .name = "" };
	struct __fixture_variant_metadata *v;
	struct __fixture_metadata *f;
	struct __test_metadata *t;

	for (f = __fixture_list; f; f = f->next)
		for (v = f->variant ?: &none; v; v = v->next)
			for (t = f->tests; t; t = t->next)
				printf("%s%s%s.%s\n", f->name,
				       v->name[0] ? "." : "", v->name, t->name);
}

/* Keep only the first variant of each fixture, where time is short. */
static void test_first_variants(void)
{
	struct __fixture_metadata *f;

	for (f = __fixture_list; f; f = f->next)
		if (f->variant)
			f->variant->next = NULL;
}

static void test_choose(const char *fixture, const char *variant,
			const char *test)
{
	struct __fixture_metadata *f;

	PRUNE(__fixture_list, fixture);
	for (f = __fixture_list; f; f = f->next) {
		PRUNE(f->variant, variant);
		PRUNE(f->tests, test);
	}
}

/*
 * main() of every program. -f FIXTURE, -v VARIANT and -t TEST choose tests, -1
 * takes one variant of each fixture, -l lists the tests. Exit status 4 (skip)
 * if there is no device under test.
 */
static int test_main(int argc, char **argv)
{
	const char *want[3] = { NULL, NULL, NULL };
	int opt;

	while ((opt = getopt(argc, argv, "1lf:v:t:")) != -1) {
		if (opt == 'l') {
			test_list();
			return KSFT_PASS;
		}
		if (opt == '1') {
			test_first_variants();
			continue;
		}
		if (opt == '?') {
			fprintf(stderr,
				"usage: %s [-1] [-l] [-f FIXTURE] [-v VARIANT] [-t TEST]\n",
				argv[0]);
			return KSFT_FAIL;
		}
		want[opt == 'f' ? 0 : opt == 'v' ? 1 : 2] = optarg;
	}
	if (access(env_device(), R_OK | W_OK)) {
		printf("TAP version 13\n1..0 # SKIP no %s\n", env_device());
		return KSFT_SKIP;
	}
	test_choose(want[0], want[1], want[2]);
	netns_enter();
	return test_harness_run(argc, argv);
}

#define VHOST_TEST_MAIN							\
	int main(int argc, char **argv)					\
	{								\
		return test_main(argc, argv);				\
	}

#endif
