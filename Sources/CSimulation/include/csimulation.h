// The hooks of a simulation into the process: the clocks, the random numbers and the jobs of the one thread on which it
// runs.
//
// Other threads are not affected. Only programs that link RuntimeSimulation contain this.
#pragma once

#include <stdint.h>

/// The callbacks of the simulation that the calling thread runs.
typedef struct {
  void *_Nonnull simulation;
  /// Takes over a job that was meant for Swift's global pool.
  void (*_Nonnull enqueue)(void *_Nonnull simulation, void *_Nonnull job);
  /// Returns the next random number for code that asks the system for one.
  uint64_t (*_Nonnull random)(void *_Nonnull simulation);
  /// Writes to standard error what the simulation was doing, because the process is about to end.
  void (*_Nonnull describe)(void *_Nonnull simulation);
  /// A sentence that says how to repeat the run.
  char *_Nonnull repetition;
} gearbox_simulation;

/// Makes the calling thread run `simulation`, which must stay valid until another is set; NULL for none.
void gearbox_enter_simulation(const gearbox_simulation *_Nullable simulation);

/// Sets the job that the calling thread runs for its simulation; NULL for none.
void gearbox_set_running_job(void *_Nullable job);

/// Returns whether another thread has resumed a task of the calling thread's simulation while that task was running.
_Bool gearbox_has_been_resumed_from_outside(void);

/// Returns real time in nanoseconds from an arbitrary origin, even on a simulation's thread.
int64_t gearbox_real_time(void);

/// Returns whether the calling thread runs `simulation`.
_Bool gearbox_is_simulating(const void *_Nonnull simulation);

/// Sets the calling thread's clocks to `nanoseconds` after the beginning of the simulation.
void gearbox_set_simulated_time(int64_t nanoseconds);

/// Returns Swift's number of the task to which `job` belongs; 0 if it belongs to none.
uint64_t gearbox_task_of_job(void *_Nonnull job);

/// Returns Swift's number of the task that the calling thread runs; 0 if it runs none.
uint64_t gearbox_number_of_current_task(void);
