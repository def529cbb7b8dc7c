// The few things that Swift cannot say, or that the Glibc overlay leaves out.
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

/// Says what the calling thread does from now on: worker number `slot` of `executor`, or nothing if that is NULL.
void gearbox_enter_executor(const void *_Nullable executor, int slot);

/// Which worker of `executor` the calling thread is, or -1.
int gearbox_slot(const void *_Nonnull executor);

/// Says in which lane the calling thread runs jobs.
void gearbox_set_lane(uint32_t lane);

/// The lane in which the calling thread runs jobs, or 0.
uint32_t gearbox_lane(void);

/// Names the calling thread as `top -H` and debuggers show it; Linux keeps the first 15 bytes.
void gearbox_name_thread(const char *_Nonnull name);

/// Has all threads share one arena of the allocator, so that each does not reserve address space of its own (`mallopt`).
void gearbox_share_arena(void);

/// How many processors the calling process may be scheduled on (`sched_getaffinity`), or 0 if that cannot be told.
int gearbox_affinity(void);

/// Tells which process is at the other end of a Unix-domain socket (`SO_PEERCRED`).
///
/// Returns whether there is one.
bool gearbox_peer_credentials(
  int descriptor, int32_t *_Nonnull process, uint32_t *_Nonnull user, uint32_t *_Nonnull group);

/// The most descriptors that may be passed at once: SCM_MAX_FD of Linux.
enum { gearbox_most_descriptors = 253 };

/// As `send`, and passes `count` descriptors along with the first byte (`SCM_RIGHTS`).
ssize_t gearbox_send_descriptors(
  int socket, const void *_Nullable bytes, size_t length, const int *_Nullable descriptors, size_t count);

/// As `recv`, and writes the descriptors that came along to `descriptors`, where there is room for
/// `gearbox_most_descriptors`, and their number to `count`. They are closed on exec.
ssize_t gearbox_receive_descriptors(
  int socket, void *_Nullable bytes, size_t length, int *_Nonnull descriptors, size_t *_Nonnull count);

/// Binds a task local for the task that the calling thread runs, as `TaskLocal.withValue` does before its operation.
///
/// `key` is the TaskLocal, `value` points to a value of type `type`, which it takes over.
void gearbox_push_task_local(const void *_Nonnull key, void *_Nonnull value, const void *_Nonnull type);

/// Ends the last binding that the running task has made and not ended.
void gearbox_pop_task_local(void);

/// The address of the task that the calling thread runs, or 0.
uintptr_t gearbox_current_task(void);

/// A job that an executor's loop runs on a thread, and the continuation of its task if that has yielded.
typedef struct {
  uintptr_t job;
  void *_Nullable yielded;
} gearbox_running_job;

/// What runs on the calling thread: that thread's own, for as long as it lives.
gearbox_running_job *_Nonnull gearbox_job_of_thread(void);

/// Whether the task that the calling thread runs is that of the job which a loop runs there, so that the loop will see to
/// it if it yields.
bool gearbox_may_yield(void);

/// Leaves the continuation of a task that yields to the loop that runs the task's job.
void gearbox_yield(void *_Nonnull continuation);

/// Has `handler` called with `context` when the task that the calling thread runs is cancelled, on the thread that does
/// this; at once if that has been done already.
///
/// It takes the task's own memory, so it has to be undone by the function that has done it, in reverse order with what else
/// that function has on the task's stack. Returns what `gearbox_unwatch_cancellation` takes.
void *_Nonnull gearbox_watch_cancellation(void (*_Nonnull handler)(void *_Nonnull), void *_Nonnull context);

/// Undoes it. Afterwards the handler neither runs nor will run.
void gearbox_unwatch_cancellation(void *_Nonnull watch);

/// Notes `label` for the task that the calling thread runs, or nothing if it runs none.
///
/// A note is one word: the lowest 44 bits of the task's address but for the last four, which are 0, and 20 bits of label.
/// It lies in a table, in the first of a few free places that follow from the address. Where none is free there is no note.
///
/// Returns the place, for `gearbox_clear_note`.
unsigned gearbox_note(unsigned label);

/// Clears the note in `place`.
void gearbox_clear_note(unsigned place);

/// The label that is noted for the task at address `task`, or 0.
unsigned gearbox_noted_label(uintptr_t task);

/// How many labels may have a text: no program has as many routes, and a table of them is 128 KiB of addresses.
enum { gearbox_most_labels = 1 << 14 };

/// Says what `label` reads, once, before it is noted; it is below `gearbox_most_labels`.
void gearbox_set_label_text(unsigned label, const char *_Nonnull text);

/// What `label` reads; empty if that has not been said. A signal handler may ask.
const char *_Nonnull gearbox_label_text(unsigned label);

/// Whether the calling thread is the one that the process began with.
bool gearbox_is_main_thread(void);

/// A descriptor that is readable when Dispatch's main queue has work, on which the main actor's jobs are; -1 and `errno`
/// if it is not to be had, which is ENOSYS if this Dispatch has none. To be called on the main thread.
int gearbox_main_queue_handle(void);

/// Runs what is on Dispatch's main queue. To be called on the main thread.
void gearbox_drain_main_queue(void);

/// Has signal `number` counted instead of what the process does about it until now. A handler counts it and ends a wait.
///
/// Returns 0, or the system's error number.
int gearbox_catch_signal(int number);

/// Has the process do about signal `number` what it did before it was caught, unless the program has seen to the signal
/// itself meanwhile.
void gearbox_release_signal(int number);

/// How often signal `number` has come since it was caught, or since this was last asked.
unsigned gearbox_take_signal(int number);

/// Blocks the calling thread until a signal that is caught has come, or another thread ends the wait.
void gearbox_wait_for_signal(void);

/// Ends the wait for a signal, or the next one if no thread waits.
void gearbox_end_wait_for_signal(void);

/// What the message of a process that crashes begins with, and how long the message may be.
enum { gearbox_last_words = 'c', gearbox_longest_last_words = 256 };

/// Has the process send a message to `descriptor` when it crashes, by SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGABRT or SIGFPE:
/// `gearbox_last_words` and the label that is noted for the task which the thread runs. Then it goes on to crash.
///
/// A stack that is used up leaves no room for the handler, and so no message.
void gearbox_report_crashes(int descriptor);

/// Takes a job that names no executor, or leaves it to Swift's own pool.
///
/// Returns whether it has taken it.
typedef bool (*gearbox_job_taker)(void *_Nonnull job);

/// The same for a job that is to run at `deadline`, in nanoseconds of the monotonic clock.
typedef bool (*gearbox_sleep_taker)(void *_Nonnull job, int64_t deadline);

/// Has each job that Swift would enqueue on its own pool offered to `jobs` first, and what is passed to
/// `gearbox_offer_sleep` to `sleeps`; with NULL, to none.
///
/// A thread that has read the earlier takers may still call those. What the process has set as Swift's hook before is asked
/// first, and `jobs` gets what that passes on. Not to be called by two threads at once.
///
/// Returns whether this Swift has the hook (`swift_task_enqueueGlobal_hook`).
bool gearbox_set_takers(gearbox_job_taker _Nullable jobs, gearbox_sleep_taker _Nullable sleeps);

/// Offers a job, which names no executor, to the taker. Returns whether it has been taken.
bool gearbox_offer_job(void *_Nonnull job);

/// Offers a job, which names no executor and is to run at `deadline`, to the taker. Returns whether it has been taken.
bool gearbox_offer_sleep(void *_Nonnull job, int64_t deadline);
