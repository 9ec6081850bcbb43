// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <stdio.h>

#include "host_node.h"
#include "host_task.h"

/* Read a file that has a list of numbers, which may be empty. */
static const char *read_list(const char *path, char list[NODE_CPUS])
{
	FILE *f = fopen(path, "re");

	if (!f || fscanf(f, "%63s", list) != 1)
		*list = 0;
	if (f)
		fclose(f);
	return list;
}

unsigned int host_nodes(void)
{
	char list[NODE_CPUS];

	return cpu_list_count(read_list("/sys/devices/system/node/online",
					list));
}

int host_node_of_cpu(unsigned int cpu)
{
	struct dirent *entry;
	char path[64];
	int node = -1;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u", cpu);
	dir = opendir(path);
	while (dir && node < 0 && (entry = readdir(dir)))
		sscanf(entry->d_name, "node%d", &node);
	if (dir)
		closedir(dir);
	return node;
}

const char *host_node_cpus(unsigned int node, char cpus[NODE_CPUS])
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%u/cpulist",
		 node);
	return read_list(path, cpus);
}
