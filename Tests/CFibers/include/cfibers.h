// Coroutines with stacks of their own, for the model checker: one runs at a time, and chooses the next.
//
// To Swift each is a thread of its own: a coroutine may run a task's job, and switch in the middle of it to another
// coroutine that runs one.
#pragma once

typedef struct fiber fiber;

/// A coroutine that will call `entry(argument)`, which must not return.
fiber *_Nonnull fiber_create(void (*_Nonnull entry)(void *_Nonnull), void *_Nonnull argument);

/// A coroutine for the thread's own stack. Only the calling thread may switch to and from it.
fiber *_Nonnull fiber_of_thread(void);

/// Continues `to` until a coroutine switches back to `from`.
void fiber_switch(fiber *_Nonnull from, fiber *_Nonnull to);

/// Frees the coroutine. What is on its stack is not released. One thread at a time may create and destroy coroutines.
void fiber_destroy(fiber *_Nonnull fiber);
