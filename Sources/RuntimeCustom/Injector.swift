import Runtime
import RuntimePrimitives
import Synchronization

/// The queue that all workers share: for jobs from other threads, and for what a worker's own queue cannot hold.
struct Injector: ~Copyable, Sendable {
  private let state = Lock(State())
  /// A copy of the queue's length, so that a worker need not take the lock to see that there is nothing.
  private let length = Atomic<Int>(0)

  // Not private: in a struct that is stored in another file, the compiler (6.3.1) loses track of a private type.
  struct State {
    var jobs = Ring<UnownedJob>()
    var isClosed = false
  }

  /// How many jobs there were a moment ago.
  var count: Int { length.load(ordering: .relaxed) }

  /// - Returns: whether the queue is open and took it.
  func push(_ job: UnownedJob) -> Bool { push(CollectionOfOne(job)) }

  /// - Returns: whether the queue is open and took them.
  func push(_ jobs: some Collection<UnownedJob>) -> Bool {
    state.withLock { state in
      guard !state.isClosed else { return false }
      for job in jobs { state.jobs.append(job) }
      length.store(state.jobs.count, ordering: .relaxed)
      return true
    }
  }

  /// Takes the oldest job, and moves a fair share of what follows it into `queue`, which the calling worker owns.
  ///
  /// - Parameter workers: how many the jobs are shared among.
  func pop(into queue: borrowing RunQueue, sharedBy workers: Int) -> UnownedJob? {
    // Relaxed: a worker looks once more after it has said that it is about to sleep, behind a fence.
    guard length.load(ordering: .relaxed) > 0 else { return nil }
    return state.withLock { state in
      guard let first = state.jobs.popFirst() else { return nil }
      // No more than half a queue, so that what its jobs make ready has room too.
      for _ in 0..<min(state.jobs.count / workers, Int(RunQueue.capacity / 2), queue.room) {
        guard let job = state.jobs.popFirst(), queue.push(job) else { break }
      }
      length.store(state.jobs.count, ordering: .relaxed)
      return first
    }
  }

  /// Takes nothing from now on.
  ///
  /// - Returns: what is still there.
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
