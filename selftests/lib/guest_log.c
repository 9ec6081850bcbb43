// SPDX-License-Identifier: GPL-2.0-only
#include "guest_log.h"

const struct vq_ops *guest_log_paged_ops(__u64 features)
{
	static struct vq_ops ops;
	enum vq_area area;

	ops = *vq_layout(features);
	for (area = 0; area < VQ_AREAS; area++)
		ops.align[area] = gmem_page();
	return &ops;
}

int guest_log_used(struct guest *g, struct vq *vq, bool on)
{
	vq->log_used = on;
	return vdev_set_addr(g->dev, vq);
}

int guest_log_on(struct guest *g, struct dlog *log)
{
	unsigned int i;
	int err;

	err = dlog_set_base(g->dev, log);
	if (!err)
		err = vdev_set_features(g->dev, g->cfg.features | F_LOG_ALL);
	for (i = 0; !err && i < NR_VQS; i++)
		err = guest_log_used(g, &g->vq[i], true);
	return err;
}

int guest_log_off(struct guest *g)
{
	unsigned int i;
	int err;

	err = vdev_set_features(g->dev, g->cfg.features);
	for (i = 0; !err && i < NR_VQS; i++)
		err = guest_log_used(g, &g->vq[i], false);
	return err;
}

void guest_log_mark_driver(struct guest *g, struct dlog *driver)
{
	struct guest_pool *pool = &g->pool[TXQ];
	unsigned int i;
	struct vq *vq;

	for (vq = g->vq; vq < g->vq + NR_VQS; vq++) {
		dlog_mark(driver, vq->gpa[VQ_DESC],
			  vq->ops->size(vq->num, VQ_DESC));
		dlog_mark(driver, vq->gpa[VQ_AVAIL],
			  vq->ops->size(vq->num, VQ_AVAIL));
		dlog_mark(driver, vq->ind_gpa, (__u64)vq->num * vq->ind_max *
			  sizeof(struct vring_desc));
	}
	for (i = 0; i < pool->nslots; i++)
		dlog_mark(driver, pool->slot[i].gpa, g->cfg.slot_size);
}
