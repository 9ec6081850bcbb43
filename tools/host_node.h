/* SPDX-License-Identifier: GPL-2.0-only */
/* NUMA nodes of the host */
#ifndef VHOSTCTL_HOST_NODE_H
#define VHOSTCTL_HOST_NODE_H

/* Return: the number of nodes; 0 on a host without NUMA. */
unsigned int host_nodes(void);

/* Return: the node of a CPU, or -1 on a host without nodes. */
int host_node_of_cpu(unsigned int cpu);

/* Read the CPUs of a node as a list such as "0-3,8"; "" if it has none. */
#define NODE_CPUS	64
const char *host_node_cpus(unsigned int node, char cpus[NODE_CPUS]);

#endif
