import Runtime
import RuntimePrimitives
import Synchronization

/// The queue shared by all workers, for jobs from other threads and for jobs that do not fit into a worker's own queue.
struct SharedQueue: ~Copyable, Sendable {
  private let state = Lock(State())
  /// A copy of the queue's length, so that a worker can skip the lock if the queue is empty.
  private let length = Atomic<Int>(0)

  // Not private: with a private type in a struct stored in another file, the compiler (6.3.1) fails.
  struct State {
    var jobs = Ring<UnownedJob>()
    var isClosed = false
  }

  /// The number of jobs, possibly out of date.
  var count: Int { length.load(ordering: .relaxed) }

  /// Appends a job.
  ///
  /// - Returns: whether it was appended; `false` if the queue is closed.
  func push(_ job: UnownedJob) -> Bool { push(CollectionOfOne(job)) }

  /// Appends jobs.
  ///
  /// - Returns: whether they were appended; `false` if the queue is closed.
  func push(_ jobs: some Collection<UnownedJob>) -> Bool {
    state.withLock { state in
      guard !state.isClosed else { return false }
      for job in jobs { state.jobs.append(job) }
      length.store(state.jobs.count, ordering: .relaxed)
      return true
    }
  }

  /// Takes the oldest job, and moves a fair share of the following ones into `queue`, which the calling worker owns.
  ///
  /// - Parameter workers: the number of workers that share the jobs.
  func pop(into queue: borrowing RunQueue, sharedBy workers: Int) -> UnownedJob? {
    // Relaxed: a worker checks once more, after a fence, before it sleeps.
    guard length.load(ordering: .relaxed) > 0 else { return nil }
    return state.withLock { state in
      guard let first = state.jobs.popFirst() else { return nil }
      // At most half of the worker's queue, so that jobs made ready by these have room too.
      for _ in 0..<min(state.jobs.count / workers, Int(RunQueue.capacity / 2), queue.room) {
        guard let job = state.jobs.popFirst(), queue.push(job) else { break }
      }
      length.store(state.jobs.count, ordering: .relaxed)
      return first
    }
  }

  /// Closes the queue.
  ///
  /// - Returns: the remaining jobs.
  func close() -> [UnownedJob] {
    state.withLock { state in
      state.isClosed = true
      length.store(0, ordering: .relaxed)
      var rest: [UnownedJob] = []
      while let job = state.jobs.popFirst() { rest.append(job) }
      return rest
    }
  }
}
