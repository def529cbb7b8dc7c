// Where a simulation reaches into the process: the clocks, the random numbers and the jobs of the one thread it runs on.
//
// Other threads see none of it. Only what links RuntimeSimulation has any of this in it.
#pragma once

#include <stdint.h>

/// What the calling thread's simulation does with what it is asked for.
typedef struct {
  void *_Nonnull simulation;
  /// Takes over a job that was meant for Swift's global pool.
  void (*_Nonnull enqueue)(void *_Nonnull simulation, void *_Nonnull job);
  /// Gives the next random number to whoever asks the system for one.
  uint64_t (*_Nonnull random)(void *_Nonnull simulation);
  /// Writes to standard error what the simulation was doing, since the process is about to end.
  void (*_Nonnull describe)(void *_Nonnull simulation);
  /// What the run began with.
  uint64_t seed;
} gearbox_simulation;

/// From now on the calling thread runs `simulation`, which has to outlive that; NULL for none.
void gearbox_enter_simulation(const gearbox_simulation *_Nullable simulation);

/// Has `job` be the one that the calling thread runs for its simulation; NULL for none.
void gearbox_set_running_job(void *_Nullable job);

/// Whether another thread has resumed a task of the calling thread's simulation while that task was running.
_Bool gearbox_has_been_resumed_from_outside(void);

/// Real time, in nanoseconds since some moment: what a simulation's own threads do not see otherwise.
int64_t gearbox_real_time(void);

/// Whether the calling thread runs `simulation`.
_Bool gearbox_is_simulating(const void *_Nonnull simulation);

/// Has the calling thread's clocks tell that the simulation began `nanoseconds` ago.
void gearbox_set_simulated_time(int64_t nanoseconds);

/// The number by which Swift knows the task that `job` belongs to; 0 if it belongs to none.
uint64_t gearbox_task_of_job(void *_Nonnull job);

/// The number by which Swift knows the task that the calling thread runs; 0 if it runs none.
uint64_t gearbox_number_of_current_task(void);
