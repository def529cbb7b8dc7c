#define _GNU_SOURCE
#include "cruntime.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static _Thread_local struct {
  const void *executor;
  int slot;
  uint32_t lane;
} current;

int gearbox_replace_descriptor(int descriptor, int replaced) { return dup3(descriptor, replaced, O_CLOEXEC); }

// Not inline: a task may continue on another thread after an await, and a compiler that sees the thread-local variable
// could keep its address on the first thread.
__attribute__((noinline)) void gearbox_enter_executor(const void *executor, int slot) {
  current.executor = executor;
  current.slot = slot;
}

__attribute__((noinline)) int gearbox_slot(const void *executor) {
  return current.executor == executor ? current.slot : -1;
}

__attribute__((noinline)) void gearbox_set_lane(uint32_t lane) { current.lane = lane; }
__attribute__((noinline)) uint32_t gearbox_lane(void) { return current.lane; }

// Entry points of Swift's runtime, exported for code that the compiler generates.
__attribute__((swiftcall)) const void *swift_task_getCurrent(void);
__attribute__((swiftcall)) void swift_task_localValuePush(const void *key, void *value, const void *type);
__attribute__((swiftcall)) void swift_task_localValuePop(void);
__attribute__((swiftcall)) void *swift_task_alloc(size_t size);
__attribute__((swiftcall)) void swift_task_dealloc(void *memory);
typedef __attribute__((swiftcall)) void cancellation_handler(__attribute__((swift_context)) void *context);
__attribute__((swiftcall)) void *swift_task_addCancellationHandler(cancellation_handler *handler, void *context);
__attribute__((swiftcall)) void swift_task_removeCancellationHandler(void *record);

void gearbox_push_task_local(const void *key, void *value, const void *type) {
  swift_task_localValuePush(key, value, type);
}

void gearbox_pop_task_local(void) { swift_task_localValuePop(); }

typedef struct Job Job;
typedef __attribute__((swiftcall)) void (*enqueue_function)(Job *);
typedef __attribute__((swiftcall)) void (*enqueue_hook)(Job *, enqueue_function);
// The hook that Swift calls instead of its own function, which it passes as the second argument. Weak, so that a Swift
// without the hook still links.
__attribute__((weak)) extern enqueue_hook swift_task_enqueueGlobal_hook;

static _Atomic(gearbox_job_taker) job_taker;
static _Atomic(gearbox_sleep_taker) sleep_taker;
static _Atomic(enqueue_hook) earlier_hook;
static _Atomic(enqueue_function) enqueue_on_pool;

// Both acquire: the taker sees what was written before it was set.

bool gearbox_offer_job(void *job) {
  gearbox_job_taker taker = atomic_load_explicit(&job_taker, memory_order_acquire);
  return taker && taker(job);
}

bool gearbox_offer_sleep(void *job, int64_t deadline) {
  gearbox_sleep_taker taker = atomic_load_explicit(&sleep_taker, memory_order_acquire);
  return taker && taker(job, deadline);
}

static __attribute__((swiftcall)) void offer_or_enqueue(Job *job) {
  if (!gearbox_offer_job(job)) atomic_load_explicit(&enqueue_on_pool, memory_order_relaxed)(job);
}

static __attribute__((swiftcall)) void intercept_job(Job *job, enqueue_function original) {
  // The value is always the same. Storing it each time would invalidate the cache line for other threads.
  if (!atomic_load_explicit(&enqueue_on_pool, memory_order_relaxed))
    atomic_store_explicit(&enqueue_on_pool, original, memory_order_relaxed);
  // Acquire: the earlier hook sees what was written before it was stored.
  enqueue_hook earlier = atomic_load_explicit(&earlier_hook, memory_order_acquire);
  if (earlier) earlier(job, offer_or_enqueue); else offer_or_enqueue(job);
}

bool gearbox_set_takers(gearbox_job_taker jobs, gearbox_sleep_taker sleeps) {
  if (!&swift_task_enqueueGlobal_hook) return false;
  atomic_store_explicit(&job_taker, jobs, memory_order_release);
  atomic_store_explicit(&sleep_taker, sleeps, memory_order_release);
  static bool is_in_place;
  if (!is_in_place) {
    is_in_place = true;
    atomic_store_explicit(&earlier_hook, swift_task_enqueueGlobal_hook, memory_order_release);
    // Swift reads the hook without synchronisation. It is never removed, since a later hook may call it.
    __atomic_store_n(&swift_task_enqueueGlobal_hook, intercept_job, __ATOMIC_RELEASE);
  }
  return true;
}

bool gearbox_peer_credentials(int descriptor, int32_t *process, uint32_t *user, uint32_t *group) {
#ifdef __linux__
  struct ucred credentials;
  socklen_t length = sizeof credentials;
  // Other sockets report process 0.
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0 || credentials.pid == 0) return false;
  *process = credentials.pid;
  *user = credentials.uid;
  *group = credentials.gid;
  return true;
#else
  return false;
#endif
}

// Space for a control message with the maximum number of descriptors, suitably aligned.
typedef union {
  struct cmsghdr header;
  char bytes[CMSG_SPACE(sizeof(int) * gearbox_max_descriptors)];
} descriptor_room;

ssize_t gearbox_send_descriptors(
  int socket, const void *bytes, size_t length, const int *descriptors, size_t count) {
  if (!length || count > gearbox_max_descriptors) {
    errno = EINVAL;
    return -1;
  }
  // The kernel only reads through an iovec, but its type has no const pointer.
  struct iovec piece = {.iov_base = (void *)bytes, .iov_len = length};
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
  descriptor_room room = {0};
  if (count) {
    message.msg_control = &room;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * count);
    memcpy(CMSG_DATA(header), descriptors, sizeof(int) * count);
  }
  return sendmsg(socket, &message, MSG_NOSIGNAL);
}

ssize_t gearbox_receive_descriptors(int socket, void *bytes, size_t length, int *descriptors, size_t *count) {
  struct iovec piece = {.iov_base = bytes, .iov_len = length};
  descriptor_room room;
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = &room, .msg_controllen = sizeof room};
  *count = 0;
  ssize_t result = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  if (result < 0) return result;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    size_t found = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(descriptors + *count, CMSG_DATA(header), sizeof(int) * found);
    *count += found;
  }
  return result;
}

uintptr_t gearbox_current_task(void) { return (uintptr_t)swift_task_getCurrent(); }

static _Thread_local gearbox_running_job running;

__attribute__((noinline)) gearbox_running_job *gearbox_job_of_thread(void) { return &running; }

// The address of a job is that of its task, if it has one.
__attribute__((noinline)) bool gearbox_may_yield(void) {
  return running.job && running.job == (uintptr_t)swift_task_getCurrent();
}

__attribute__((noinline)) void gearbox_yield(void *continuation) { running.yielded = continuation; }

struct cancellation_watch {
  void (*handler)(void *);
  void *context;
  void *record;
};

static __attribute__((swiftcall)) void call_cancellation_handler(__attribute__((swift_context)) void *context) {
  struct cancellation_watch *watch = context;
  watch->handler(watch->context);
}

void *gearbox_watch_cancellation(void (*handler)(void *), void *context) {
  struct cancellation_watch *watch = swift_task_alloc(sizeof *watch);
  watch->handler = handler;
  watch->context = context;
  watch->record = swift_task_addCancellationHandler(call_cancellation_handler, watch);
  return watch;
}

void gearbox_unwatch_cancellation(void *watch) {
  swift_task_removeCancellationHandler(((struct cancellation_watch *)watch)->record);
  swift_task_dealloc(watch);
}

// Slots for the tasks that handle a request at a time, in 64 KiB, and the number of slots that a task may try. The last
// slot is for tasks that have found none.
enum { slot_bits = 13, slot_count = 1 << slot_bits, tries = 8, label_bits = 20 };
static _Atomic uint64_t notes[slot_count + 1];

static uint64_t note(uintptr_t task, unsigned label) { return (uint64_t)(task >> 4) << label_bits | label; }

// Fibonacci hashing (Knuth, volume 3, section 6.4), because the addresses of tasks are similar.
static unsigned slot_of(uintptr_t task, unsigned try) {
  return (((uint64_t)(task >> 4) * 0x9E3779B97F4A7C15u >> (64 - slot_bits)) + try) % slot_count;
}

// All relaxed: a note is a single word. If two tasks find the same slot free at the same time, one note is lost.

unsigned gearbox_note(unsigned label) {
  uintptr_t task = (uintptr_t)swift_task_getCurrent();
  if (!task) return slot_count;
  for (unsigned try = 0; try < tries; try++) {
    unsigned slot = slot_of(task, try);
    uint64_t found = atomic_load_explicit(&notes[slot], memory_order_relaxed);
    if (found && found >> label_bits != note(task, 0) >> label_bits) continue;
    atomic_store_explicit(&notes[slot], note(task, label), memory_order_relaxed);
    return slot;
  }
  return slot_count;
}

void gearbox_clear_note(unsigned slot) { atomic_store_explicit(&notes[slot], 0, memory_order_relaxed); }

unsigned gearbox_noted_label(uintptr_t task) {
  for (unsigned try = 0; try < tries; try++) {
    uint64_t found = atomic_load_explicit(&notes[slot_of(task, try)], memory_order_relaxed);
    if (found >> label_bits == note(task, 0) >> label_bits) return found & ((1 << label_bits) - 1);
  }
  return 0;
}

// Next to the table of notes, so that a signal handler can read both.
static const char *_Atomic label_texts[gearbox_max_labels];

void gearbox_set_label_text(unsigned label, const char *text) {
  // Release: a reader of the pointer sees the text. The copy is never freed.
  atomic_store_explicit(&label_texts[label], strdup(text), memory_order_release);
}

const char *gearbox_label_text(unsigned label) {
  const char *text = label < gearbox_max_labels ? atomic_load_explicit(&label_texts[label], memory_order_acquire) : 0;
  return text ? text : "";
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

#ifdef __linux__
// Exported by libdispatch for CoreFoundation's run loop. Weak, so that a libdispatch without them still links.
__attribute__((weak)) extern int _dispatch_get_main_queue_handle_4CF(void);
__attribute__((weak)) extern void _dispatch_main_queue_callback_4CF(void *);

bool gearbox_is_main_thread(void) { return gettid() == getpid(); }

int gearbox_main_queue_handle(void) {
  static int handle = -1;
  if (handle >= 0) return handle;
  if (!_dispatch_get_main_queue_handle_4CF || !_dispatch_main_queue_callback_4CF) {
    errno = ENOSYS;
    return -1;
  }
  // libdispatch creates an eventfd, and ends the process if it cannot.
  int probe = eventfd(0, EFD_CLOEXEC);
  if (probe < 0) return -1;
  close(probe);
  return handle = _dispatch_get_main_queue_handle_4CF();
}

void gearbox_drain_main_queue(void) {
  if (_dispatch_main_queue_callback_4CF) _dispatch_main_queue_callback_4CF(0);
}
#else
bool gearbox_is_main_thread(void) { return false; }

int gearbox_main_queue_handle(void) {
  errno = ENOSYS;
  return -1;
}

void gearbox_drain_main_queue(void) {}
#endif

// Signals have numbers from 1 to 64. The counts of pending signals, and the dispositions before they were caught.
enum { signal_limit = 65 };
static _Atomic unsigned signal_counts[signal_limit];
static struct sigaction earlier_actions[signal_limit];

// A semaphore needs no descriptor, of which none may be left, and a signal handler may post it.
static sem_t signal_has_come;
static pthread_once_t has_semaphore = PTHREAD_ONCE_INIT;
static void make_semaphore(void) { sem_init(&signal_has_come, 0, 0); }

// A signal handler, which may call few functions (signal-safety(7)). Relaxed, because the semaphore orders it.
static void count_signal(int number) {
  int code = errno;
  atomic_fetch_add_explicit(&signal_counts[number], 1, memory_order_relaxed);
  sem_post(&signal_has_come);
  errno = code;
}

int gearbox_catch_signal(int number) {
  if (number < 1 || number >= signal_limit) return EINVAL;
  pthread_once(&has_semaphore, make_semaphore);
  // A count left from an earlier catch does not belong to the new receivers.
  atomic_store_explicit(&signal_counts[number], 0, memory_order_relaxed);
  // SA_RESTART: interrupted system calls are restarted if they can be (signal(7)).
  struct sigaction action = {.sa_handler = count_signal, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  return sigaction(number, &action, &earlier_actions[number]) == 0 ? 0 : errno;
}

void gearbox_release_signal(int number) {
  struct sigaction now;
  if (sigaction(number, 0, &now) == 0 && now.sa_handler == count_signal)
    sigaction(number, &earlier_actions[number], 0);
}

unsigned gearbox_take_signal_count(int number) {
  return atomic_exchange_explicit(&signal_counts[number], 0, memory_order_relaxed);
}

void gearbox_wait_for_signal(void) {
  pthread_once(&has_semaphore, make_semaphore);
  while (sem_wait(&signal_has_come) != 0) continue;  // Interrupted by a signal, possibly a different one.
}

void gearbox_end_wait_for_signal(void) {
  pthread_once(&has_semaphore, make_semaphore);
  sem_post(&signal_has_come);
}

// The signals of a crashing process, and their previous dispositions.
static const int crash_signals[] = {SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGABRT, SIGFPE};
enum { crash_signal_count = sizeof crash_signals / sizeof *crash_signals };
static struct sigaction earlier_crash_actions[signal_limit];
static int crash_descriptor = -1;

// A signal handler. Of what it calls, send, sigaction and raise are allowed there (signal-safety(7)), and reading the
// current task reads a thread-local variable.
static void report_crash(int number, siginfo_t *info, void *context) {
  char message[gearbox_max_crash_message_length] = {gearbox_crash_message_type};
  size_t length = 1;
  for (const char *text = gearbox_label_text(gearbox_noted_label(gearbox_current_task()));
       *text && length < sizeof message; text++)
    message[length++] = *text;
  send(crash_descriptor, message, length, MSG_DONTWAIT | MSG_NOSIGNAL);
  // A failed instruction is executed again on return and fails as it would have without the handler, so a core dump or
  // a backtrace shows it. A signal that was sent, as by abort(), is sent again; it stays blocked until the return.
  sigaction(number, &earlier_crash_actions[number], 0);
  if (info->si_code <= 0) raise(number);
}

void gearbox_report_crashes(int descriptor) {
  crash_descriptor = descriptor;
  struct sigaction action = {.sa_sigaction = report_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigemptyset(&action.sa_mask);
  for (int i = 0; i < crash_signal_count; i++)
    sigaction(crash_signals[i], &action, &earlier_crash_actions[crash_signals[i]]);
}

#ifdef __GLIBC__
#include <malloc.h>
void gearbox_share_arena(void) { mallopt(M_ARENA_MAX, 1); }
#else
void gearbox_share_arena(void) {}
#endif
