/* SPDX-License-Identifier: GPL-2.0-only */
/* The list of all open devices, and the references to them. */
#ifndef VHOST_ALT_LIST_H
#define VHOST_ALT_LIST_H

#include <linux/types.h>

struct net;
struct vha_dev;

int vha_list_init(void);
void vha_list_exit(void);
int vha_list_add(struct vha_dev *dev);
void vha_list_hide(struct vha_dev *dev);
void vha_list_del(struct vha_dev *dev);
struct vha_dev *vha_list_get(u32 id, const struct net *net);
struct vha_dev *vha_list_get_next(unsigned long *id, const struct net *net);
void vha_list_put(struct vha_dev *dev);
unsigned int vha_list_generation(void);
struct net *vha_list_get_net(struct vha_dev *dev);

#endif /* VHOST_ALT_LIST_H */
