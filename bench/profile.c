// SPDX-License-Identifier: GPL-2.0-only
/*
 * A QEMU plugin that counts the instructions of the benchmark's workers by
 * address, for a machine with one processor. A worker is a task of which
 * /proc/PID/schedstat is read: only the benchmark does so. As there, what it
 * executes before the first and after the last time is left out.
 *
 * Arguments: out=FILE, and addresses of four functions of the guest's kernel,
 * EVENT=BEGIN-END, in hexadecimal; see event_name. The file gets a line for
 * each measurement and address: number of the measurement, address,
 * instructions. Address 0 has those that the scheduler has accounted to the
 * workers: it accounts them to the task that runs when it reads its clock.
 */
#include "qemu_plugin.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A task's state is this close before the registers saved in its struct. */
#define MAX_TASK_SIZE	(16 << 10)

/**
 * struct place - an instruction of the guest
 * @address: its address
 * @recent: times executed since the last switch of tasks
 * @unread: by workers, since the last read
 * @measured: by workers, from the first read to the last one
 * @seen: whether it is in &seen
 */
struct place {
	uint64_t address;
	uint64_t recent;
	uint64_t unread;
	uint64_t measured;
	bool seen;
};

/**
 * struct task - a task of the guest
 * @saved: the address of the registers saved in its struct
 * @worker: whether it is part of the measurement
 * @accounted: what the scheduler has accounted to it since the last read
 * @next: in &tasks
 */
struct task {
	uint64_t saved;
	bool worker;
	uint64_t accounted;
	struct task *next;
};

/* Functions that the plugin acts on. */
enum event {
	EVENT_SWITCH,	/* switches to another task */
	EVENT_CLOCK,	/* reads the scheduler's clock */
	EVENT_READ,	/* prints a task's time */
	EVENT_DEAD,	/* ends a task */
	EVENTS
};

static const char *const event_name[EVENTS] = {
	[EVENT_SWITCH] = "switch", [EVENT_CLOCK] = "clock",
	[EVENT_READ] = "read", [EVENT_DEAD] = "dead",
};

/**
 * struct function - one of these functions
 * @begin: its first address
 * @end: the first address after it
 * @entered: whether it has been entered, and the load of interest is to come
 */
struct function {
	uint64_t begin;
	uint64_t end;
	bool entered;
};

/* A list of places. */
struct places {
	struct place **place;
	size_t n;
	size_t space;
};

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

static struct function functions[EVENTS];
static bool is_arm64;
static FILE *out;

static void *place_tree;	/* all places, by address */
static struct places recent;	/* executed since the last switch */
static struct places seen;	/* executed by workers in this measurement */

static uint64_t executed;	/* by any task */
static uint64_t executed_at_clock;	/* when the clock was last read */
static uint64_t accounted;	/* to workers in this measurement */

static struct task *tasks;
static struct task *current;	/* NULL if not known */
static unsigned int nworkers;		/* that have not ended */
static unsigned int measurement;	/* number of the current one */

static void *allocate(size_t size)
{
	void *p = calloc(1, size);

	if (!p)
		abort();
	return p;
}

static void places_add(struct places *l, struct place *p)
{
	if (l->n == l->space) {
		l->space = l->space ? 2 * l->space : 1024;
		l->place = realloc(l->place, l->space * sizeof(*l->place));
		if (!l->place)
			abort();
	}
	l->place[l->n++] = p;
}

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

/* A place may be translated several times. */
static struct place *place_get(uint64_t address)
{
	struct place key = { .address = address }, *p, **found;

	found = tfind(&key, &place_tree, compare_places);
	if (found)
		return *found;
	p = allocate(sizeof(*p));
	p->address = address;
	if (!tsearch(p, &place_tree, compare_places))
		abort();
	return p;
}

static void print_measurement(void)
{
	struct place *p;
	size_t i;

	fprintf(out, "%u\t%016x\t%llu\n", measurement++, 0,
		(unsigned long long)accounted);
	for (i = 0; i < seen.n; i++) {
		p = seen.place[i];
		if (p->measured)
			fprintf(out, "%u\t%016llx\t%llu\n", measurement - 1,
				(unsigned long long)p->address,
				(unsigned long long)p->measured);
		p->measured = 0;
		p->unread = 0;
		p->seen = false;
	}
	seen.n = 0;
	accounted = 0;
}

static struct task *task_get(uint64_t saved)
{
	struct task *t;

	for (t = tasks; t; t = t->next)
		if (t->saved == saved)
			return t;
	t = allocate(sizeof(*t));
	t->saved = saved;
	t->next = tasks;
	tasks = t;
	return t;
}

/* Return the task whose struct has the address, or NULL. */
static struct task *task_at(uint64_t address)
{
	struct task *t, *found = NULL;

	for (t = tasks; t; t = t->next)
		if (t->saved >= address &&
		    t->saved - address < MAX_TASK_SIZE &&
		    (!found || t->saved < found->saved))
			found = t;
	return found;
}

static void task_free(struct task *task)
{
	struct task **t = &tasks;

	while (*t != task)
		t = &(*t)->next;
	*t = task->next;
	free(task);
}

static void on_execute(unsigned int cpu, void *data)
{
	struct place *p = data;

	executed++;
	if (!p->recent++)
		places_add(&recent, p);
}

/* Give what was executed since the last switch to the current task. */
static void end_slice(void)
{
	bool worker = current && current->worker;
	struct place *p;
	size_t i;

	for (i = 0; i < recent.n; i++) {
		p = recent.place[i];
		if (worker) {
			p->unread += p->recent;
			if (!p->seen)
				places_add(&seen, p);
			p->seen = true;
		}
		p->recent = 0;
	}
	recent.n = 0;
}

static void on_enter(unsigned int cpu, void *data)
{
	struct function *f = data;

	f->entered = true;
}

/* The first load is from the registers of the next task. */
static void on_switch_access(unsigned int cpu, uint32_t info, uint64_t address,
			     void *data)
{
	struct function *f = data;

	if (!f->entered || qemu_plugin_mem_is_store(info))
		return;
	f->entered = false;
	end_slice();
	current = task_get(address);
}

static void on_clock(unsigned int cpu, void *data)
{
	if (current)
		current->accounted += executed - executed_at_clock;
	executed_at_clock = executed;
}

/* The first load from a task's struct tells the task. It sleeps. */
static void on_read_access(unsigned int cpu, uint32_t info, uint64_t address,
			   void *data)
{
	struct function *f = data;
	struct task *t;
	size_t i;

	if (!f->entered || qemu_plugin_mem_is_store(info))
		return;
	t = task_at(address);
	if (!t)
		return;
	f->entered = false;
	if (t->worker)
		accounted += t->accounted;
	else
		nworkers++;
	t->worker = true;
	t->accounted = 0;
	for (i = 0; i < seen.n; i++) {
		seen.place[i]->measured += seen.place[i]->unread;
		seen.place[i]->unread = 0;
	}
}

/* The struct may soon be another task's. */
static void on_dead(unsigned int cpu, void *data)
{
	if (!current)
		return;
	end_slice();
	if (current->worker && !--nworkers)
		print_measurement();
	task_free(current);
	current = NULL;
}

static bool is_call(const struct qemu_plugin_insn *insn)
{
	const uint8_t *byte = qemu_plugin_insn_data(insn);

	if (is_arm64)	/* bl */
		return (byte[3] & 0xfc) == 0x94;
	return qemu_plugin_insn_size(insn) == 5 && byte[0] == 0xe8;
}

static void watch_execution(struct qemu_plugin_insn *insn,
			    qemu_plugin_insn_fn fn, void *data)
{
	qemu_plugin_register_vcpu_insn_exec_cb(insn, fn,
					       QEMU_PLUGIN_CB_NO_REGS, data);
}

static void watch_accesses(struct qemu_plugin_insn *insn,
			   qemu_plugin_mem_fn fn, struct function *f,
			   bool entry)
{
	if (entry)
		watch_execution(insn, on_enter, f);
	qemu_plugin_register_vcpu_mem_cb(insn, fn, QEMU_PLUGIN_CB_NO_REGS,
					 QEMU_PLUGIN_MEM_RW, f);
}

static void watch(struct qemu_plugin_insn *insn, enum event event, bool entry)
{
	struct function *f = &functions[event];

	switch (event) {
	case EVENT_SWITCH:
		watch_accesses(insn, on_switch_access, f, entry);
		break;
	case EVENT_READ:
		watch_accesses(insn, on_read_access, f, entry);
		break;
	case EVENT_CLOCK:
		/*
		 * It returns early when it is to skip an update. Otherwise its
		 * first call reads the clock, and others are close to that.
		 */
		if (is_call(insn))
			watch_execution(insn, on_clock, NULL);
		break;
	default:
		if (entry)
			watch_execution(insn, on_dead, NULL);
	}
}

/* Count each instruction by itself: a fault may end a block early. */
static void on_translate(uint64_t id, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);
	struct qemu_plugin_insn *insn;
	enum event event;
	uint64_t address;

	for (i = 0; i < n; i++) {
		insn = qemu_plugin_tb_get_insn(tb, i);
		address = qemu_plugin_insn_vaddr(insn);
		for (event = 0; event < EVENTS; event++)
			if (address >= functions[event].begin &&
			    address < functions[event].end)
				watch(insn, event,
				      address == functions[event].begin);
		watch_execution(insn, on_execute, place_get(address));
	}
}

static void on_exit_of_qemu(uint64_t id, void *data)
{
	if (nworkers)
		print_measurement();
	fclose(out);
}

static int parse_function(const char *name, size_t length, const char *value)
{
	unsigned long long begin, end;
	enum event event;

	for (event = 0; event < EVENTS; event++)
		if (strlen(event_name[event]) == length &&
		    !strncmp(event_name[event], name, length))
			break;
	if (event == EVENTS || sscanf(value, "%llx-%llx", &begin, &end) != 2)
		return -EINVAL;
	functions[event].begin = begin;
	functions[event].end = end;
	return 0;
}

static int parse_argument(const char *text)
{
	const char *value = strchr(text, '=');

	if (!value++)
		return -EINVAL;
	if (strncmp(text, "out=", 4))
		return parse_function(text, value - 1 - text, value);
	out = fopen(value, "w");
	return out ? 0 : -errno;
}

static int parse_arguments(int argc, char **argv)
{
	enum event event;
	int i, err;

	for (i = 0; i < argc; i++) {
		err = parse_argument(argv[i]);
		if (!err)
			continue;
		fprintf(stderr, "profile: %s: %s\n", argv[i], strerror(-err));
		return err;
	}
	for (event = 0; event < EVENTS; event++)
		if (!functions[event].end)
			return -EINVAL;
	return out ? 0 : -EINVAL;
}

int qemu_plugin_install(uint64_t id, const struct qemu_info *info, int argc,
			char **argv)
{
	is_arm64 = !strcmp(info->target_name, "aarch64");
	if (parse_arguments(argc, argv))
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	qemu_plugin_register_atexit_cb(id, on_exit_of_qemu, NULL);
	return 0;
}
