// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "names.h"
#include "vhost_alt.h"

#define COUNTER(number, name, what) \
	{ VHOST_ALT_COUNTER_ ## number, #name, what },

const struct name counter_names[] = {
	VHOST_ALT_COUNTERS(COUNTER)
	{ 0 }
};

#define DROP(number, name, what) \
	{ VHOST_ALT_DROP_ ## number, #name, what },

const struct name drop_names[] = {
	VHOST_ALT_DROPS(DROP)
	{ 0 }
};

const struct name state_names[] = {
	{ VHOST_ALT_QUEUE_RUNNING, "running" },
	{ VHOST_ALT_QUEUE_BROKEN, "broken" },
	{ VHOST_ALT_QUEUE_EVENT_IDX, "event_idx" },
	{ VHOST_ALT_QUEUE_NOTIFY_OFF, "notify_off" },
	{ VHOST_ALT_QUEUE_IOTLB_MISS, "iotlb_miss" },
	{ VHOST_ALT_QUEUE_KICK, "kick" },
	{ VHOST_ALT_QUEUE_CALL, "call" },
	{ VHOST_ALT_QUEUE_FAULTED, "faulted" },
	{ VHOST_ALT_QUEUE_QUEUED, "queued" },
	{ 0 }
};

const struct name event_names[] = {
	{ VHOST_ALT_CMD_DEV_OPEN_NTF, "open" },
	{ VHOST_ALT_CMD_DEV_CLOSE_NTF, "close" },
	{ VHOST_ALT_CMD_BACKEND_SET_NTF, "backend_set" },
	{ VHOST_ALT_CMD_BACKEND_REMOVED_NTF, "backend_removed" },
	{ VHOST_ALT_CMD_RING_ERROR_NTF, "ring_error" },
	{ VHOST_ALT_CMD_QUEUE_CHANGED_NTF, "queue_changed" },
	{ VHOST_ALT_CMD_WORKERS_CHANGED_NTF, "workers_changed" },
	{ 0 }
};

/* The header has the numbers of these two bits, not their values. */
#define PACKED_DESC_F_AVAIL	0x0080
#define PACKED_DESC_F_USED	0x8000

const struct name desc_flag_names[] = {
	{ VRING_DESC_F_NEXT, "next" },
	{ VRING_DESC_F_WRITE, "write" },
	{ VRING_DESC_F_INDIRECT, "indirect" },
	{ PACKED_DESC_F_AVAIL, "avail" },
	{ PACKED_DESC_F_USED, "used" },
	{ 0 }
};

const char *const batch_names[] = {
	"1", "2", "3-4", "5-8", "9-16", "17-32", "33-64", "65-",
};

/* By number: older headers lack some of them. */
static const struct name feature_names[] = {
	{ 0, "csum" },
	{ 1, "guest_csum" },
	{ 2, "ctrl_guest_offloads" },
	{ 3, "mtu" },
	{ 5, "mac" },
	{ 6, "gso" },
	{ 7, "guest_tso4" },
	{ 8, "guest_tso6" },
	{ 9, "guest_ecn" },
	{ 10, "guest_ufo" },
	{ 11, "host_tso4" },
	{ 12, "host_tso6" },
	{ 13, "host_ecn" },
	{ 14, "host_ufo" },
	{ 15, "mrg_rxbuf" },
	{ 16, "status" },
	{ 17, "ctrl_vq" },
	{ 18, "ctrl_rx" },
	{ 19, "ctrl_vlan" },
	{ 20, "ctrl_rx_extra" },
	{ 21, "guest_announce" },
	{ 22, "mq" },
	{ 23, "ctrl_mac_addr" },
	{ 24, "notify_on_empty" },
	{ 26, "log_all" },
	/* To a driver, the same bit means any_layout. */
	{ 27, "virtio_net_hdr" },
	{ 28, "indirect_desc" },
	{ 29, "event_idx" },
	{ 32, "version_1" },
	{ 33, "access_platform" },
	{ 34, "ring_packed" },
	{ 35, "in_order" },
	{ 36, "order_platform" },
	{ 37, "sr_iov" },
	{ 38, "notification_data" },
	{ 39, "notif_config_data" },
	{ 40, "ring_reset" },
	{ 41, "admin_vq" },
	{ 50, "device_stats" },
	{ 52, "vq_notf_coal" },
	{ 53, "notf_coal" },
	{ 54, "guest_uso4" },
	{ 55, "guest_uso6" },
	{ 56, "host_uso" },
	{ 57, "hash_report" },
	{ 59, "guest_hdrlen" },
	{ 60, "rss" },
	{ 61, "rsc_ext" },
	{ 62, "standby" },
	{ 63, "speed_duplex" },
	{ 65, "guest_udp_tunnel_gso" },
	{ 66, "guest_udp_tunnel_gso_csum" },
	{ 67, "host_udp_tunnel_gso" },
	{ 68, "host_udp_tunnel_gso_csum" },
	{ 0 }
};

const struct name backend_feature_names[] = {
	{ 1, "iotlb_msg_v2" },
	{ 2, "iotlb_batch" },
	{ 3, "iotlb_asid" },
	{ 4, "suspend" },
	{ 5, "resume" },
	{ 6, "enable_after_driver_ok" },
	{ 7, "desc_asid" },
	{ 8, "iotlb_persist" },
	{ 0 }
};

const char *name_of(const struct name *table, unsigned int value)
{
	for (; table->name; table++)
		if (table->value == value)
			return table->name;
	return NULL;
}

static const char *bit_name(const struct name *table, unsigned int bit)
{
	static char unknown[16];
	const char *name = name_of(table, bit);

	if (name)
		return name;
	snprintf(unknown, sizeof(unknown), "bit_%u", bit);
	return unknown;
}

const char *feature_name(unsigned int bit)
{
	return bit_name(feature_names, bit);
}

const char *backend_feature_name(unsigned int bit)
{
	return bit_name(backend_feature_names, bit);
}
