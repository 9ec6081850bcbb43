// SPDX-License-Identifier: GPL-2.0-only
#include "echo.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"
#include "env.h"

/* Idle loops of a polling guest between checks whether it is to stop. */
#define BUSY_LOOPS	10000

static __u64 gpa_of(const struct echo *e, unsigned int ring, unsigned int i)
{
	return e->g.pool[ring].slot[i].gpa;
}

static int offer(struct echo *e, unsigned int i)
{
	return vq_add_in(&e->g.vq[RXQ], gpa_of(e, RXQ, i),
			 e->g.cfg.slot_size, i);
}

static void note(struct echo *e, __u64 gpa)
{
	__u64 sent;

	if (e->nlate == e->max)
		return;
	gmem_read(&e->g.mem, gpa + e->g.hdr_len + ECHO_STAMP, &sent,
		  sizeof(sent));
	e->late[e->nlate] = now_ns() - sent;
	/* Pairs with echo_wait(). */
	__atomic_store_n(&e->nlate, e->nlate + 1, __ATOMIC_RELEASE);
}

/* Send the frame back from where it lies; that buffer is offered later. */
static int send_back(struct echo *e, const struct vq_used *used)
{
	return vq_add_out(&e->g.vq[TXQ], gpa_of(e, RXQ, used->cookie),
			  used->len, used->cookie);
}

/* Offer the buffers again from which all has been sent. */
static int offer_sent(struct echo *e)
{
	struct vq_used used;
	int err = 0;

	while (!err && vq_pop(&e->g.vq[TXQ], &used))
		err = used.cookie == VQ_BOGUS ? -EPROTO :
						offer(e, used.cookie);
	return err;
}

static int take_frames(struct echo *e)
{
	struct vq_used used;
	int err = 0;

	while (!err && vq_pop(&e->g.vq[RXQ], &used)) {
		if (used.cookie == VQ_BOGUS)
			return -EPROTO;
		if (e->back) {
			err = send_back(e, &used);
		} else {
			note(e, gpa_of(e, RXQ, used.cookie));
			err = offer(e, used.cookie);
		}
	}
	if (!err && e->back) {
		vq_submit(&e->g.vq[TXQ]);
		err = offer_sent(e);
	}
	if (!err)
		vq_submit(&e->g.vq[RXQ]);
	return err;
}

/* Poll. The device need not interrupt. */
static void serve_busily(struct echo *e)
{
	struct pollfd p = { .fd = e->stop, .events = POLLIN };
	struct vq *rx = &e->g.vq[RXQ];
	unsigned int i;
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	sched_setaffinity(0, sizeof(cpu), &cpu);
	vq_refuse(rx);
	for (i = 1; !e->err; i++) {
		if (vq_count_used(rx))
			e->err = take_frames(e);
		else if (!(i % BUSY_LOOPS) && poll(&p, 1, 0))
			break;
	}
}

static void serve(struct echo *e)
{
	struct vq *rx = &e->g.vq[RXQ];
	struct pollfd p[] = {
		{ .fd = rx->call, .events = POLLIN },
		{ .fd = e->stop, .events = POLLIN },
	};

	while (!e->err) {
		vq_call_at(rx, 0);
		if (!vq_count_used(rx)) {
			poll(p, 2, -1);
			if (p[1].revents)
				break;
			event_count(rx->call);
		}
		e->err = take_frames(e);
	}
}

static void *guest(void *data)
{
	struct echo *e = data;

	if (e->busy)
		serve_busily(e);
	else
		serve(e);
	return NULL;
}

static int offer_all(struct echo *e)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < e->g.cfg.slots; i++)
		err = offer(e, i);
	vq_submit(&e->g.vq[RXQ]);
	vq_refuse(&e->g.vq[TXQ]);
	return err;
}

int echo_start(struct echo *e)
{
	struct guest_cfg cfg = GUEST_CFG(F_MODERN);
	int err;

	e->g.dev = -1;
	e->g.pkt = -1;
	e->g.tap = -1;
	cfg.num = 1024;
	cfg.slots = 1024;
	cfg.slot_size = 2048;
	e->late = calloc(e->max, sizeof(*e->late));
	e->stop = eventfd(0, EFD_CLOEXEC);
	if (!e->late || e->stop < 0)
		return -ENOMEM;
	err = guest_start(&e->g, &cfg);
	err = err ?: offer_all(e);
	return err ?: -pthread_create(&e->thread, NULL, guest, e);
}

int echo_wait(struct echo *e, unsigned int n, __u64 *late)
{
	if (!wait_until(__atomic_load_n(&e->nlate, __ATOMIC_ACQUIRE) >= n))
		return -ETIMEDOUT;
	memcpy(late, e->late, n * sizeof(*late));
	return 0;
}

int echo_stop(struct echo *e)
{
	event_signal(e->stop);
	if (e->thread)
		pthread_join(e->thread, NULL);
	close(e->stop);
	free(e->late);
	guest_stop(&e->g);
	return e->err;
}
