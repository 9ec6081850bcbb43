/* SPDX-License-Identifier: GPL-2.0-only */
/* Transmit: from the guest's ring to the backend. */
#ifndef VHOST_ALT_NET_TX_H
#define VHOST_ALT_NET_TX_H

struct vha_work;

void vha_net_tx_run(struct vha_work *work);

#endif /* VHOST_ALT_NET_TX_H */
