#define _GNU_SOURCE
#include "cruntime.h"

#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>

static _Thread_local void *role;

// Functions, and not inline: a task may go on on another thread after any await, and a compiler that saw the variable
// could keep the first thread's address of it.
__attribute__((noinline)) void *gearbox_thread_role(void) { return role; }
__attribute__((noinline)) void gearbox_set_thread_role(void *new_role) { role = new_role; }

void gearbox_name_thread(const char *name) {
#ifdef __linux__
  char short_name[16] = {0};
  for (int i = 0; i < 15 && name[i]; i++) short_name[i] = name[i];
  pthread_setname_np(pthread_self(), short_name);
#endif
}

int gearbox_affinity(void) {
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
  return 0;
}

#ifdef __linux__
int gearbox_accept(int listener) { return accept4(listener, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC); }
#endif
