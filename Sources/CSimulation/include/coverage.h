// The counters that the compiler puts into a program built with coverage (`swift build --enable-code-coverage`): one of
// 64 bits for each piece of code that runs as a whole. A report of coverage needs them, so nothing here changes them.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// Returns the number of counters in this program; 0 if it was built without coverage.
size_t gearbox_coverage_counter_count(void);

/// Copies the counters to `copy`, which has room for all of them.
void gearbox_copy_coverage_counters(uint64_t *_Nonnull copy);

/// Returns the index of the first counter from `index` on that has risen since it was copied to `copy`, and sets `rise`
/// to the difference; returns the number of counters if there is none.
size_t gearbox_next_risen_counter(const uint64_t *_Nonnull copy, size_t index, uint64_t *_Nonnull rise);
