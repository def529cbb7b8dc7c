// Counts a process's allocations, Swift jobs and system calls, with their call stacks.
//
// It is preloaded into the measured program (LD_PRELOAD) and needs no debugger and no privilege:
//
// - It replaces the allocator's functions by ones that count and call glibc's.
// - It counts a Swift job where an executor runs it (`swift_job_run` and similar functions are exported and called through
//   the dynamic linker), and a job for the global pool where it is enqueued (by a hook of the runtime).
// - A seccomp filter turns each system call into a SIGSYS; the handler counts the call and makes it. So it also counts
//   calls without a function of their own: Swift's `Mutex` calls `syscall`, and glibc's condition variables have the
//   instruction inline.
//
// The counts are in a mapped file (COSTS_FILE), so that the measuring process can read them while the program runs.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <unistd.h>

#ifndef __x86_64__
#error "The registers of a system call are known here for x86-64 only."
#endif

// The kinds of counts. `scripts/check-costs` has the same names in the same order.
// Waking a thread is a futex call or a write to an eventfd; its sleep is a futex call or a read of the eventfd.
enum kind { allocations, jobs, receives, sends, polls, wakes, sleeps, others, kinds };

enum { trace_depth = 30, trace_slots = 4096 };

// A call stack that ended in a counted operation, and how often.
struct trace {
  uint64_t hash;  // 0: unused
  uint64_t count;
  uint64_t kind;
  uint64_t detail;  // the size of an allocation, the number of a system call
  uint64_t frames[trace_depth];
};

struct counts {
  uint64_t isTracing;
  uint64_t of[kinds];
  struct trace traces[trace_slots];
};

static struct counts *counts;

// Whether this thread is counting: allocations of the counting itself do not count.
static _Thread_local int busy __attribute__((tls_model("initial-exec")));

static void add_trace(enum kind kind, uint64_t detail) {
  void *frames[trace_depth + 2];
  int depth = backtrace(frames, trace_depth + 2);
  uint64_t hash = 14695981039346656037u ^ ((uint64_t)kind << 32 | detail);
  for (int i = 2; i < depth; i++) hash = (hash ^ (uint64_t)frames[i]) * 1099511628211u;
  hash |= 1;
  for (int probe = 0; probe < trace_slots; probe++) {
    struct trace *trace = &counts->traces[(hash + probe) % trace_slots];
    uint64_t found = 0;
    if (__atomic_compare_exchange_n(&trace->hash, &found, hash, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
      trace->kind = kind;
      trace->detail = detail;
      for (int i = 2; i < depth; i++) trace->frames[i - 2] = (uint64_t)frames[i];
    } else if (found != hash) {
      continue;
    }
    __atomic_fetch_add(&trace->count, 1, __ATOMIC_RELAXED);
    return;
  }
}

static void count(enum kind kind, uint64_t detail) {
  if (!counts || busy) return;
  __atomic_fetch_add(&counts->of[kind], 1, __ATOMIC_RELAXED);
  if (!__atomic_load_n(&counts->isTracing, __ATOMIC_RELAXED)) return;
  int error = errno;
  busy = 1;
  add_trace(kind, detail);
  busy = 0;
  errno = error;
}

// MARK: The allocator

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

void *malloc(size_t size) {
  count(allocations, size);
  return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
  count(allocations, number * size);
  return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size) {
  count(allocations, size);
  return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size) {
  count(allocations, size);
  return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **result, size_t alignment, size_t size) {
  void *memory = memalign(alignment, size);
  if (!memory) return ENOMEM;
  *result = memory;
  return 0;
}

// MARK: Swift's jobs

#define swift __attribute__((swiftcall))

struct executor { void *identity, *implementation; };

#define NEXT(name) ({ \
  static __typeof__(&name) next; \
  if (!next) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name); \
  next; \
})

swift void swift_job_run(void *job, struct executor serial) {
  count(jobs, 0);
  NEXT(swift_job_run)(job, serial);
}

swift void swift_job_run_on_task_executor(void *job, struct executor task) {
  count(jobs, 0);
  NEXT(swift_job_run_on_task_executor)(job, task);
}

swift void swift_job_run_on_serial_and_task_executor(void *job, struct executor serial, struct executor task) {
  count(jobs, 0);
  NEXT(swift_job_run_on_serial_and_task_executor)(job, serial, task);
}

typedef swift void enqueue_function(void *job);
typedef swift void enqueue_hook(void *job, enqueue_function *original);

static swift void enqueue_global(void *job, enqueue_function *original) {
  count(jobs, 0);
  original(job);
}

// MARK: System calls

// Makes a system call from the one place that the filter lets through.
long costs_system_call(const greg_t *registers);
extern const char costs_after_system_call[];
__asm__(
    ".text\n"
    "costs_system_call:\n"
    "  mov %rdi, %r11\n"
    "  push %r11\n"
    "  mov 8*13(%r11), %rax\n"  // REG_RAX
    "  mov 8*8(%r11), %rdi\n"   // REG_RDI
    "  mov 8*9(%r11), %rsi\n"   // REG_RSI
    "  mov 8*12(%r11), %rdx\n"  // REG_RDX
    "  mov 8*2(%r11), %r10\n"   // REG_R10
    "  mov 8*0(%r11), %r8\n"    // REG_R8
    "  mov 8*1(%r11), %r9\n"    // REG_R9
    "  syscall\n"
    "costs_after_system_call:\n"
    "  pop %r11\n"
    "  ret\n");
_Static_assert(REG_RAX == 13 && REG_RDI == 8 && REG_RSI == 9 && REG_RDX == 12 && REG_R10 == 2 && REG_R8 == 0, "");

static enum kind kind_of(const greg_t *registers) {
  switch (registers[REG_RAX]) {
    case SYS_epoll_wait:
    case SYS_epoll_pwait:
    case SYS_epoll_pwait2:
    case SYS_poll:
    case SYS_ppoll: return polls;
    case SYS_recvfrom:
    case SYS_recvmsg: return receives;
    case SYS_sendto:
    case SYS_sendmsg: return sends;
    case SYS_read: return sleeps;
    case SYS_write: return wakes;
    case SYS_futex:
      switch (registers[REG_RSI] & FUTEX_CMD_MASK) {
        case FUTEX_WAKE:
        case FUTEX_WAKE_OP:
        case FUTEX_WAKE_BITSET:
        case FUTEX_UNLOCK_PI:
        case FUTEX_REQUEUE:
        case FUTEX_CMP_REQUEUE: return wakes;
        default: return sleeps;
      }
    default: return others;
  }
}

static void on_system_call(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)info;
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  count(kind_of(registers), (uint64_t)registers[REG_RAX]);
  registers[REG_RAX] = costs_system_call(registers);
}

// System calls that the filter allows: those that a handler cannot make, and those that glibc makes with every signal
// blocked when a thread begins or ends. None of them is a cost of a request.
static const int untouched[] = {
    SYS_rt_sigreturn, SYS_rt_sigprocmask, SYS_rt_sigaction, SYS_sigaltstack, SYS_clone, SYS_clone3, SYS_vfork,
    SYS_fork, SYS_execve, SYS_exit, SYS_exit_group, SYS_arch_prctl, SYS_rseq, SYS_set_robust_list,
    SYS_set_tid_address, SYS_prctl, SYS_seccomp, SYS_mmap, SYS_munmap, SYS_mprotect, SYS_madvise, SYS_gettid,
    SYS_getpid, SYS_tgkill, SYS_sched_setaffinity,
};

static int catch_system_calls(void) {
  enum { exceptions = sizeof untouched / sizeof *untouched };
  struct sock_filter filter[exceptions + 8];
  struct sock_filter *next = filter;
  uint64_t ours = (uint64_t)costs_after_system_call;
  uint32_t ip = offsetof(struct seccomp_data, instruction_pointer);
#define LOAD(offset) (struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)
#define UNLESS(value, skip) (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip)
#define RETURN(value) (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, value)
  *next++ = LOAD(ip);
  *next++ = UNLESS((uint32_t)ours, 3);
  *next++ = LOAD(ip + 4);
  *next++ = UNLESS((uint32_t)(ours >> 32), 1);
  *next++ = RETURN(SECCOMP_RET_ALLOW);
  *next++ = LOAD(offsetof(struct seccomp_data, nr));
  for (int i = 0; i < exceptions; i++) {
    *next++ = (struct sock_filter)BPF_JUMP(
        BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)untouched[i], (uint8_t)(exceptions - i), 0);
  }
  *next++ = RETURN(SECCOMP_RET_TRAP);
  *next++ = RETURN(SECCOMP_RET_ALLOW);
  struct sock_fprog program = {.len = (unsigned short)(next - filter), .filter = filter};
  struct sigaction action = {.sa_sigaction = on_system_call, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART};
  if (sigaction(SIGSYS, &action, NULL)) return -1;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return -1;
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

// MARK: Beginning

static void fail(const char *what) {
  dprintf(STDERR_FILENO, "costs: %s: %s\n", what, strerror(errno));
  _exit(70);
}

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("COSTS_FILE");
  if (!path) return;
  int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0 || ftruncate(file, sizeof(struct counts))) fail(path);
  void *memory = mmap(NULL, sizeof(struct counts), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) fail("mmap");
  close(file);
  // The first use loads the unwinder, which a handler must not do.
  void *frames[1];
  backtrace(frames, 1);
  // Does not count child programs.
  unsetenv("LD_PRELOAD");
  unsetenv("COSTS_FILE");
  void **hook = dlsym(RTLD_DEFAULT, "swift_task_enqueueGlobal_hook");
  if (hook && !*hook) *hook = (void *)enqueue_global;
  counts = memory;
  if (catch_system_calls()) fail("seccomp");
}
