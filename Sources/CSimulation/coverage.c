#include "coverage.h"

// Where the counters begin and end. The runtime library of coverage has these functions, hidden from `dlsym`. They are
// null in a program that does not link it.
extern __attribute__((weak)) char *__llvm_profile_begin_counters(void);
extern __attribute__((weak)) char *__llvm_profile_end_counters(void);

static uint64_t *first_counter(void) {
  return __llvm_profile_begin_counters ? (uint64_t *)(void *)__llvm_profile_begin_counters() : NULL;
}

// Other threads may be counting.
static uint64_t value(const uint64_t *counter) { return __atomic_load_n(counter, __ATOMIC_RELAXED); }

size_t gearbox_coverage_counter_count(void) {
  const uint64_t *first = first_counter();
  return first ? (size_t)((uint64_t *)(void *)__llvm_profile_end_counters() - first) : 0;
}

void gearbox_copy_coverage_counters(uint64_t *copy) {
  const uint64_t *counters = first_counter();
  size_t count = gearbox_coverage_counter_count();
  for (size_t i = 0; i < count; i++) copy[i] = value(counters + i);
}

size_t gearbox_next_risen_counter(const uint64_t *copy, size_t index, uint64_t *rise) {
  const uint64_t *counters = first_counter();
  size_t count = gearbox_coverage_counter_count();
  for (; index < count; index++) {
    *rise = value(counters + index) - copy[index];
    if (*rise) break;
  }
  return index;
}
