#define _GNU_SOURCE
#include "cfibers.h"

#include <link.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

/// The thread-local variables of Swift's concurrency library, above all the current task.
struct task_state {
  char bytes[256];
};

struct fiber {
  // Where it stopped. A context would also have the signal mask, and every switch would need a system call for that.
  jmp_buf place;
  // Where it begins, until it has begun.
  ucontext_t beginning;
  int has_begun;
  void (*entry)(void *);
  void *argument;
  void *stack;
  struct task_state tasks;
};

// Much more than the code under test needs.
static const size_t stack_size = 256 * 1024;

/// The address and the size of the calling thread's variables.
static __thread void *task_state;
static __thread size_t task_state_size;

// Any function of that library, which is loaded wherever this file is linked.
extern void *swift_task_getCurrent(void);

static int find_task_state(struct dl_phdr_info *library, size_t size, void *unused) {
  (void)size, (void)unused;
  if (!strstr(library->dlpi_name, "/libswift_Concurrency.")) return 0;
  for (int index = 0; index < library->dlpi_phnum; index++) {
    const ElfW(Phdr) *header = &library->dlpi_phdr[index];
    if (header->p_type != PT_TLS) continue;
    if (!library->dlpi_tls_data || header->p_memsz > sizeof(struct task_state)) abort();
    task_state = library->dlpi_tls_data;
    task_state_size = header->p_memsz;
  }
  return 1;
}

// Stacks for the next coroutines: their pages stay mapped. One thread at a time uses coroutines.
static struct free_stack { struct free_stack *next; } *free_stacks;

static void *take_stack(void) {
  struct free_stack *stack = free_stacks;
  if (!stack) return malloc(stack_size);
  free_stacks = stack->next;
  return stack;
}

static void keep_stack(void *stack) {
  struct free_stack *kept = stack;
  kept->next = free_stacks;
  free_stacks = kept;
}

// makecontext passes ints, so a pointer comes in two halves.
static void start(unsigned low, unsigned high) {
  fiber *self = (fiber *)((unsigned long)high << 32 | low);
  self->entry(self->argument);
}

fiber *fiber_create(void (*entry)(void *), void *argument) {
  fiber *self = calloc(1, sizeof *self);
  self->entry = entry;
  self->argument = argument;
  self->stack = take_stack();
  getcontext(&self->beginning);
  self->beginning.uc_stack.ss_sp = self->stack;
  self->beginning.uc_stack.ss_size = stack_size;
  unsigned long bits = (unsigned long)self;
  makecontext(&self->beginning, (void (*)(void))start, 2, (unsigned)bits, (unsigned)(bits >> 32));
  return self;
}

fiber *fiber_of_thread(void) {
  if (!task_state) {
    swift_task_getCurrent();  // Allocates the thread's variables.
    dl_iterate_phdr(find_task_state, NULL);
  }
  fiber *self = calloc(1, sizeof *self);
  self->has_begun = 1;
  return self;
}

void fiber_switch(fiber *from, fiber *to) {
  // A coroutine begins with zeros, as a thread does, since the variables have no other initial values.
  memcpy(&from->tasks, task_state, task_state_size);
  memcpy(task_state, &to->tasks, task_state_size);
  if (_setjmp(from->place)) return;
  if (to->has_begun) _longjmp(to->place, 1);
  to->has_begun = 1;
  setcontext(&to->beginning);
}

void fiber_destroy(fiber *self) {
  if (self->stack) keep_stack(self->stack);
  free(self);
}
