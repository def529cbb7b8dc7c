#include "cfibers.h"

#include <stdlib.h>
#include <ucontext.h>

struct fiber {
  ucontext_t context;
  void (*entry)(void *);
  void *argument;
  void *stack;
};

// Much more than the code under test needs.
static const size_t stack_size = 256 * 1024;

// Its arguments are ints, so a pointer comes in two.
static void start(unsigned low, unsigned high) {
  fiber *self = (fiber *)((unsigned long)high << 32 | low);
  self->entry(self->argument);
}

fiber *fiber_create(void (*entry)(void *), void *argument) {
  fiber *self = calloc(1, sizeof *self);
  self->entry = entry;
  self->argument = argument;
  self->stack = malloc(stack_size);
  getcontext(&self->context);
  self->context.uc_stack.ss_sp = self->stack;
  self->context.uc_stack.ss_size = stack_size;
  unsigned long bits = (unsigned long)self;
  makecontext(&self->context, (void (*)(void))start, 2, (unsigned)bits, (unsigned)(bits >> 32));
  return self;
}

fiber *fiber_of_thread(void) { return calloc(1, sizeof(fiber)); }

void fiber_switch(fiber *from, fiber *to) { swapcontext(&from->context, &to->context); }

void fiber_destroy(fiber *self) {
  free(self->stack);
  free(self);
}
