// Coroutines with stacks of their own, for the model checker: one runs at a time, and says which runs next.
//
// To Swift each is a thread of its own: one may run a task's job, and switch in the middle of it to another that does.
#pragma once

typedef struct fiber fiber;

/// A coroutine that will call `entry(argument)`, which must not return.
fiber *_Nonnull fiber_create(void (*_Nonnull entry)(void *_Nonnull), void *_Nonnull argument);

/// What stands for the thread's own stack. The calling thread alone may switch to and from it.
fiber *_Nonnull fiber_of_thread(void);

/// Goes on with `to`, until somebody switches back to `from`.
void fiber_switch(fiber *_Nonnull from, fiber *_Nonnull to);

void fiber_destroy(fiber *_Nonnull fiber);
