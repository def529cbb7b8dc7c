// The few things that Swift cannot say, or that the Glibc overlay leaves out.
#pragma once

#ifdef __linux__
#include <sys/epoll.h>
#include <sys/eventfd.h>

/// `accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)`
int gearbox_accept(int listener);
#endif

/// Says what the calling thread does from now on: worker number `slot` of `executor`, or nothing if that is NULL.
void gearbox_enter_executor(const void *_Nullable executor, int slot);

/// Which worker of `executor` the calling thread is, or -1.
int gearbox_slot(const void *_Nonnull executor);

/// Names the calling thread as `top -H` and debuggers show it; Linux keeps the first 15 bytes.
void gearbox_name_thread(const char *_Nonnull name);

/// How many processors the calling process may be scheduled on (`sched_getaffinity`), or 0 if that cannot be told.
int gearbox_affinity(void);
