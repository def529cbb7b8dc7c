#define _GNU_SOURCE
#include "csimulation.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

// Where simulated time begins: at a whole second, so that dates are round, and far enough from zero that code which
// subtracts from it gets a positive result.
static const int64_t monotonic_start = 1000;
static const int64_t wall_start = 1767225600;  // 2026-01-01 00:00:00 UTC

static _Thread_local const gearbox_simulation *current;
static _Thread_local int64_t now;

// Returns the next function of that name in the search order, which would be called without this file, and caches it in
// `place`. Two threads may both look it up: they find the same function. Swift and the C library always have it.
static void *find(_Atomic(void *) *place, const char *name) {
  void *function = *place;
  if (!function) *place = function = dlsym(RTLD_NEXT, name);
  return function;
}

// MARK: Jobs

typedef struct Job Job;
typedef __attribute__((swiftcall)) void (*enqueue_function)(Job *);
typedef __attribute__((swiftcall)) void (*enqueue_hook)(Job *, enqueue_function);
// A hook for jobs that go to Swift's global pool; its second argument is the original function.
extern enqueue_hook swift_task_enqueueGlobal_hook;
extern __attribute__((swiftcall)) uint64_t swift_task_getJobTaskId(Job *);
// Returns the running task, which is a job; NULL if none runs.
extern __attribute__((swiftcall)) Job *swift_task_getCurrent(void);

// The hook that was set before, as by a runtime that has adopted the process.
static enqueue_hook earlier_hook;

static __attribute__((swiftcall)) void enqueue_global(Job *job, enqueue_function original) {
  if (current) {
    current->enqueue(current->simulation, job);
  } else if (earlier_hook) {
    earlier_hook(job, original);
  } else {
    original(job);
  }
}

static void watch_for_traps(void);

static void install(void) {
  earlier_hook = swift_task_enqueueGlobal_hook;
  swift_task_enqueueGlobal_hook = enqueue_global;
  watch_for_traps();
}

// The job that each simulation is running, for other threads, which may resume its task. There is room for 256
// simulations at once; more are not watched.
enum { places = 256 };
static struct {
  atomic_bool is_taken;
  _Atomic(void *) job;
  atomic_bool has_been_resumed;
} running[places];
static _Thread_local int own_place = -1;

static void leave_place(void) {
  if (own_place < 0) return;
  atomic_store(&running[own_place].job, NULL);
  atomic_store(&running[own_place].has_been_resumed, 0);
  atomic_store(&running[own_place].is_taken, 0);
  own_place = -1;
}

static void take_place(void) {
  for (int i = 0; i < places && own_place < 0; i++) {
    if (!atomic_exchange(&running[i].is_taken, 1)) own_place = i;
  }
}

// None of these is inline: a task may continue on another thread after an await, and a compiler that saw the variable
// could keep the first thread's address of it.
__attribute__((noinline)) void gearbox_enter_simulation(const gearbox_simulation *simulation) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, install);
  leave_place();
  if (simulation) take_place();
  current = simulation;
  now = 0;
}

__attribute__((noinline)) void gearbox_set_running_job(void *job) {
  // Releasing: the acquiring load in `note_resuming`, on the thread that resumes the task, sees the job.
  if (own_place >= 0) atomic_store_explicit(&running[own_place].job, job, memory_order_release);
}

__attribute__((noinline)) _Bool gearbox_has_been_resumed_from_outside(void) {
  return own_place >= 0 && atomic_load(&running[own_place].has_been_resumed);
}

// MARK: Continuations
//
// A task that is resumed before it has suspended continues by itself, without a job from outside that would show it. So
// every resumption goes through these functions. A task's job is the task itself. The symbols are weak: in a program
// that links Swift's library statically, that library's functions win, and such a resumption goes unnoticed.

static void note_resuming(void *task) {
  for (int i = 0; i < places; i++) {
    if (i == own_place || atomic_load_explicit(&running[i].job, memory_order_acquire) != task) continue;
    atomic_store(&running[i].has_been_resumed, 1);
  }
}

typedef __attribute__((swiftcall)) void (*resume_function)(void *);
typedef __attribute__((swiftcall)) void (*throwing_resume_function)(void *, void *);

__attribute__((weak, swiftcall)) void swift_continuation_resume(void *task) {
  note_resuming(task);
  static _Atomic(void *) original;
  ((resume_function)find(&original, "swift_continuation_resume"))(task);
}

__attribute__((weak, swiftcall)) void swift_continuation_throwingResume(void *task) {
  note_resuming(task);
  static _Atomic(void *) original;
  ((resume_function)find(&original, "swift_continuation_throwingResume"))(task);
}

__attribute__((weak, swiftcall)) void swift_continuation_throwingResumeWithError(void *task, void *error) {
  note_resuming(task);
  static _Atomic(void *) original;
  ((throwing_resume_function)find(&original, "swift_continuation_throwingResumeWithError"))(task, error);
}

// MARK: Traps

static const int trap_signals[] = {SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS, SIGFPE};
enum { trap_count = sizeof trap_signals / sizeof *trap_signals };
static struct sigaction former[trap_count];

static void write_text(const char *text) {
  for (size_t rest = strlen(text); rest > 0;) {
    ssize_t count = write(STDERR_FILENO, text, rest);
    if (count <= 0) return;
    text += count;
    rest -= (size_t)count;
  }
}

// Prints which run it was, and leaves the rest to the handler that was there before.
static void handle_trap(int number) {
  for (int i = 0; i < trap_count; i++) {
    if (trap_signals[i] == number) sigaction(number, &former[i], NULL);
  }
  if (current) {
    // Only system calls, so that this works whatever is broken.
    write_text("\nA trap in a simulation ends the process. ");
    write_text(current->repetition);
    write_text("\n");
    // After other signals, memory or the allocator may be broken, so nothing more is printed.
    if (number == SIGILL || number == SIGTRAP) current->describe(current->simulation);
  }
  // On return, the instruction that trapped runs again and traps again. `abort` does not, so it is raised again.
  if (number == SIGABRT) raise(number);
}

static void watch_for_traps(void) {
  struct sigaction action = {.sa_handler = handle_trap, .sa_flags = SA_NODEFER | SA_ONSTACK};
  sigemptyset(&action.sa_mask);
  for (int i = 0; i < trap_count; i++) sigaction(trap_signals[i], &action, &former[i]);
}

__attribute__((noinline)) _Bool gearbox_is_simulating(const void *simulation) {
  return current && current->simulation == simulation;
}

__attribute__((noinline)) void gearbox_set_simulated_time(int64_t nanoseconds) { now = nanoseconds; }

uint64_t gearbox_task_of_job(void *job) { return swift_task_getJobTaskId(job); }

__attribute__((noinline)) uint64_t gearbox_number_of_current_task(void) {
  Job *task = swift_task_getCurrent();
  return task ? swift_task_getJobTaskId(task) : 0;
}

// MARK: Clocks
//
// The program's own symbols take precedence over the C library's, even for calls from Swift's libraries. Only a
// simulation's thread gets simulated time. Clocks of processor time are never changed.

static struct timespec simulated(int64_t start) {
  return (struct timespec){.tv_sec = start + now / 1000000000, .tv_nsec = now % 1000000000};
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  if (current) {
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_TAI:
      *time = simulated(wall_start);
      return 0;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
      *time = simulated(monotonic_start);
      return 0;
    }
  }
  typedef int (*function)(clockid_t, struct timespec *);
  static _Atomic(void *) original;
  return ((function)find(&original, "clock_gettime"))(clock, time);
}

__attribute__((noinline)) int64_t gearbox_real_time(void) {
  const gearbox_simulation *simulation = current;
  current = NULL;
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  current = simulation;
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

time_t time(time_t *result) {
  struct timespec wall;
  // The coarse clock, as in the C library: the time of the kernel's last tick.
  clock_gettime(CLOCK_REALTIME_COARSE, &wall);
  if (result) *result = wall.tv_sec;
  return wall.tv_sec;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  (void)zone;
  struct timespec wall;
  int code = clock_gettime(CLOCK_REALTIME, &wall);
  if (code == 0) *time = (struct timeval){.tv_sec = wall.tv_sec, .tv_usec = wall.tv_nsec / 1000};
  return code;
}

// MARK: Random numbers

static ssize_t draw(void *buffer, size_t count) {
  unsigned char *bytes = buffer;
  for (size_t done = 0; done < count;) {
    uint64_t word = current->random(current->simulation);
    size_t part = count - done < sizeof word ? count - done : sizeof word;
    memcpy(bytes + done, &word, part);
    done += part;
  }
  return (ssize_t)count;
}

/// Replaces `syscall`, because Swift's SystemRandomNumberGenerator calls getrandom by its number.
long syscall(long number, ...) {
  long arguments[6];
  va_list list;
  va_start(list, number);
  // No system call has more arguments; those with fewer ignore the rest.
  for (int i = 0; i < 6; i++) arguments[i] = va_arg(list, long);
  va_end(list);
  if (number == SYS_getrandom && current) return draw((void *)arguments[0], (size_t)arguments[1]);
  typedef long (*function)(long, ...);
  static _Atomic(void *) original;
  function call = (function)find(&original, "syscall");
  return call(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}

ssize_t getrandom(void *buffer, size_t count, unsigned flags) {
  return syscall(SYS_getrandom, buffer, count, flags);
}

// MARK: Hash tables

// The order in which a set or a dictionary is iterated depends on a number drawn when the process starts, and on the
// address of the table. Neither is the same when a run is repeated. This does what SWIFT_DETERMINISTIC_HASHING does. It
// has to happen before the first table is made: after Swift's library has drawn its number, and before main.
extern struct {
  uint64_t seed0, seed1;
  _Bool is_deterministic;
} _swift_stdlib_Hashing_parameters;

__attribute__((constructor)) static void hash_alike_in_each_run(void) {
  _swift_stdlib_Hashing_parameters.seed0 = 0;
  _swift_stdlib_Hashing_parameters.seed1 = 0;
  _swift_stdlib_Hashing_parameters.is_deterministic = 1;
}
