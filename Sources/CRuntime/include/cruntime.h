// The few things that Swift cannot say, or that the Glibc overlay leaves out.
#pragma once

#ifdef __linux__
#include <sys/epoll.h>
#include <sys/eventfd.h>

/// `accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)`
int gearbox_accept(int listener);
#endif

/// What the calling thread is: a worker of some executor, or NULL. Set by the thread itself.
void *_Nullable gearbox_thread_role(void);
void gearbox_set_thread_role(void *_Nullable role);

/// Names the calling thread as `top -H` and debuggers show it; Linux keeps the first 15 bytes.
void gearbox_name_thread(const char *_Nonnull name);

/// How many processors the calling process may be scheduled on (`sched_getaffinity`), or 0 if that cannot be told.
int gearbox_affinity(void);
