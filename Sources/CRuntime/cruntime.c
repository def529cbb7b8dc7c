#define _GNU_SOURCE
#include "cruntime.h"

#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>

static _Thread_local struct {
  const void *executor;
  int slot;
} current;

// Functions, and not inline: a task may go on on another thread after any await, and a compiler that saw the variable
// could keep the first thread's address of it.
__attribute__((noinline)) void gearbox_enter_executor(const void *executor, int slot) {
  current.executor = executor;
  current.slot = slot;
}

__attribute__((noinline)) int gearbox_slot(const void *executor) {
  return current.executor == executor ? current.slot : -1;
}

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
