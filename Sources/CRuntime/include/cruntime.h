// Functions that cannot be expressed in Swift or that the Glibc overlay lacks.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __linux__
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

/// `accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)`
int gearbox_accept(int listener);
#endif

/// `dup3(descriptor, replaced, O_CLOEXEC)`
int gearbox_replace_descriptor(int descriptor, int replaced);

/// Records what the calling thread is: worker number `slot` of `executor`, or no worker if that is NULL.
void gearbox_enter_executor(const void *_Nullable executor, int slot);

/// Returns the number of the worker of `executor` that the calling thread is, or -1.
int gearbox_slot(const void *_Nonnull executor);

/// Records the lane in which the calling thread runs jobs.
void gearbox_set_lane(uint32_t lane);

/// Returns the lane in which the calling thread runs jobs, or 0.
uint32_t gearbox_lane(void);

/// Sets the name of the calling thread, which `top -H` and debuggers show. Linux keeps the first 15 bytes.
void gearbox_name_thread(const char *_Nonnull name);

/// Makes all threads share one arena of the allocator, so that threads do not each reserve address space (`mallopt`).
void gearbox_share_arena(void);

/// Returns the number of processors on which the calling process may be scheduled (`sched_getaffinity`), or 0 on
/// failure.
int gearbox_affinity(void);

/// Looks up the peer process of a Unix-domain socket (`SO_PEERCRED`).
///
/// Returns whether there is one.
bool gearbox_peer_credentials(
  int descriptor, int32_t *_Nonnull process, uint32_t *_Nonnull user, uint32_t *_Nonnull group);

/// The maximum number of descriptors passed at once: SCM_MAX_FD of Linux.
enum { gearbox_max_descriptors = 253 };

/// Like `send`, and passes `count` descriptors along with the first byte (`SCM_RIGHTS`).
ssize_t gearbox_send_descriptors(
  int socket, const void *_Nullable bytes, size_t length, const int *_Nullable descriptors, size_t count);

/// Like `recv`. Also writes received descriptors to `descriptors`, which has room for `gearbox_max_descriptors`, and
/// their number to `count`. They are close-on-exec.
ssize_t gearbox_receive_descriptors(
  int socket, void *_Nullable bytes, size_t length, int *_Nonnull descriptors, size_t *_Nonnull count);

/// Binds a task-local value in the current task, as `TaskLocal.withValue` does before its operation.
///
/// `key` is the TaskLocal. `value` points to a value of type `type`, of which it takes ownership.
void gearbox_push_task_local(const void *_Nonnull key, void *_Nonnull value, const void *_Nonnull type);

/// Ends the innermost such binding of the current task.
void gearbox_pop_task_local(void);

/// Returns the address of the current task, or 0.
uintptr_t gearbox_current_task(void);

/// The job that an executor's loop runs on a thread, and the continuation of its task if that has yielded.
typedef struct {
  uintptr_t job;
  void *_Nullable yielded;
} gearbox_running_job;

/// Returns the calling thread's running job. The pointer is valid for the lifetime of the thread.
gearbox_running_job *_Nonnull gearbox_job_of_thread(void);

/// Returns whether the current task belongs to the job that a loop runs on this thread, so that the loop resumes the
/// task if it yields.
bool gearbox_may_yield(void);

/// Leaves the continuation of a yielding task to the loop that runs the task's job.
void gearbox_yield(void *_Nonnull continuation);

/// Registers `handler` to be called with `context` when the current task is cancelled, on the cancelling thread. If the
/// task has already been cancelled, calls it at once.
///
/// It allocates from the task's stack, so the same function must unregister it, in reverse order with its other
/// allocations there. Returns the argument for `gearbox_unwatch_cancellation`.
void *_Nonnull gearbox_watch_cancellation(void (*_Nonnull handler)(void *_Nonnull), void *_Nonnull context);

/// Unregisters the handler. Afterwards it neither runs nor will run.
void gearbox_unwatch_cancellation(void *_Nonnull watch);

/// Notes `label` for the current task, or nothing if there is none.
///
/// A note is one word: the lowest 44 bits of the task's address, without the last four, which are 0, and 20 bits of
/// label. It is stored in a table, in the first free one of a few slots determined by the address. If none is free, it
/// is dropped.
///
/// Returns the slot, for `gearbox_clear_note`.
unsigned gearbox_note(unsigned label);

/// Clears the note in `slot`.
void gearbox_clear_note(unsigned slot);

/// Returns the label noted for the task at address `task`, or 0.
unsigned gearbox_noted_label(uintptr_t task);

/// The maximum number of labels with a text: more than any program has routes. The table is 128 KiB of addresses.
enum { gearbox_max_labels = 1 << 14 };

/// Sets the text of `label`, once, before it is noted. `label` is below `gearbox_max_labels`.
void gearbox_set_label_text(unsigned label, const char *_Nonnull text);

/// Returns the text of `label`, or an empty string if it has none. A signal handler may call it.
const char *_Nonnull gearbox_label_text(unsigned label);

/// Returns whether the calling thread is the main thread.
bool gearbox_is_main_thread(void);

/// Returns a descriptor that becomes readable when Dispatch's main queue, and so the main actor, has work. Returns -1
/// and sets `errno` on failure: ENOSYS if this Dispatch does not support it. Call it on the main thread.
int gearbox_main_queue_handle(void);

/// Runs the work on Dispatch's main queue. Call it on the main thread.
void gearbox_drain_main_queue(void);

/// Catches signal `number`: a handler counts it and ends a wait, instead of the previous disposition.
///
/// Returns 0, or the system's error number.
int gearbox_catch_signal(int number);

/// Restores the disposition of signal `number` from before it was caught, unless the program has changed it meanwhile.
void gearbox_release_signal(int number);

/// Returns how often signal `number` has arrived since it was caught, or since the last call.
unsigned gearbox_take_signal_count(int number);

/// Blocks the calling thread until a caught signal arrives, or another thread ends the wait.
void gearbox_wait_for_signal(void);

/// Ends the wait for a signal, or the next one if no thread waits.
void gearbox_end_wait_for_signal(void);

/// The first byte of a crashing process's message, and the maximum length of the message.
enum { gearbox_crash_message_type = 'c', gearbox_max_crash_message_length = 256 };

/// Makes the process send a message to `descriptor` when it crashes by SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGABRT or
/// SIGFPE: `gearbox_crash_message_type` and the label noted for the current task. It then continues to crash.
///
/// After a stack overflow there is no room for the handler, and so no message.
void gearbox_report_crashes(int descriptor);

/// Takes a job without an executor preference, or leaves it to Swift's own pool.
///
/// Returns whether it has taken the job.
typedef bool (*gearbox_job_taker)(void *_Nonnull job);

/// Like `gearbox_job_taker`, for a job to run at `deadline`, in nanoseconds of the monotonic clock.
typedef bool (*gearbox_sleep_taker)(void *_Nonnull job, int64_t deadline);

/// Makes Swift offer each job that it would enqueue on its own pool to `jobs` first, and `gearbox_offer_sleep` offer
/// its jobs to `sleeps`. With NULL, they are not offered.
///
/// A thread that has read the earlier takers may still call them. A hook that was installed in Swift before runs first,
/// and `jobs` gets what it passes on. Concurrent calls are not allowed.
///
/// Returns whether this Swift has the hook (`swift_task_enqueueGlobal_hook`).
bool gearbox_set_takers(gearbox_job_taker _Nullable jobs, gearbox_sleep_taker _Nullable sleeps);

/// Offers a job without an executor preference to the taker. Returns whether it has been taken.
bool gearbox_offer_job(void *_Nonnull job);

/// Offers a job without an executor preference, to run at `deadline`, to the taker. Returns whether it has been taken.
bool gearbox_offer_sleep(void *_Nonnull job, int64_t deadline);
