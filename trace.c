// SPDX-License-Identifier: GPL-2.0-only
/* The place where tracepoints are made. */
#ifndef __CHECKER__
#define CREATE_TRACE_POINTS
#include "trace.h"
#endif
