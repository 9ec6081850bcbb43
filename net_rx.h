/* SPDX-License-Identifier: GPL-2.0-only */
/* Receive: from the backend into the guest's buffers. */
#ifndef VHOST_ALT_NET_RX_H
#define VHOST_ALT_NET_RX_H

struct vha_work;

void vha_net_rx_run(struct vha_work *work);

#endif /* VHOST_ALT_NET_RX_H */
