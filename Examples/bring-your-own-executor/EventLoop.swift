import Glibc
import Runtime
import Synchronization

/// An executor that runs jobs on one thread, and waits for descriptors when there are none: the core of a runtime.
///
/// It uses the thread that calls `run`.
final class EventLoop: TaskExecutor {
  private struct Waiter {
    let descriptor: Int32
    let events: Int32
    /// Resumed with an error if the wait failed.
    let continuation: CheckedContinuation<IOError.Reason?, Never>
  }

  private struct State {
    var jobs: [UnownedJob] = []
    var jobCount = 0
    var waiters: [Int: Waiter] = [:]
    /// Whether the thread is waiting or about to.
    var isResting = false
  }

  private let state = Mutex(State())
  private let lastID = Atomic(0)
  /// A pipe to the loop itself. Writing to one end ends a wait at the other.
  private let bell: (reading: Int32, writing: Int32)

  init() throws(IOError) {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw IOError(.poll, .system(errno)) }
    bell = (ends[0], ends[1])
  }

  deinit {
    close(bell.reading)
    close(bell.writing)
  }

  /// The number of jobs that have run.
  var jobCount: Int { state.withLock { $0.jobCount } }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    change { $0.jobs.append(job) }
  }

  /// Runs `operation`, and all other tasks of this executor, on the calling thread until `operation` is done.
  func run<Success: Sendable>(_ operation: sending @escaping () async throws -> Success) throws -> Success {
    let task = spawn(operation)
    // Set by a job, which runs on this thread.
    nonisolated(unsafe) var result: Result<Success, any Error>?
    execute { result = await task.result }
    while true {
      for job in takeJobs() { unsafe job.runSynchronously(on: asUnownedTaskExecutor()) }
      if let result { return try result.get() }
      rest()
    }
  }

  private func takeJobs() -> [UnownedJob] {
    state.withLock { state in
      defer { state.jobs = [] }
      state.jobCount += state.jobs.count
      return state.jobs
    }
  }

  /// Waits until the bell rings or a descriptor is ready. Polls without waiting if there are jobs.
  private func rest() {
    let (waiters, mayWait) = state.withLock { state in
      state.isResting = state.jobs.isEmpty
      return (Array(state.waiters), state.isResting)
    }
    var polled = [pollfd(fd: bell.reading, events: Int16(POLLIN), revents: 0)]
    polled += waiters.map { pollfd(fd: $0.value.descriptor, events: Int16($0.value.events), revents: 0) }
    poll(&polled, nfds_t(polled.count), mayWait ? -1 : 0)
    if polled[0].revents != 0 {
      var byte: UInt8 = 0
      read(bell.reading, &byte, 1)
    }
    for (waiter, polled) in zip(waiters, polled.dropFirst()) where polled.revents != 0 { wake(waiter.key, with: nil) }
  }

  /// Changes the state, and wakes the loop if it rests.
  private func change<Outcome: Sendable>(_ body: (inout State) -> Outcome) -> Outcome {
    let (outcome, mustRing) = state.withLock { state in
      let outcome = body(&state)
      defer { state.isResting = false }
      return (outcome, state.isResting)
    }
    var byte: UInt8 = 1
    if mustRing { write(bell.writing, &byte, 1) }
    return outcome
  }

  // MARK: Descriptors

  /// Waits until an operation on `descriptor` would not block. Cancelling the task ends the wait.
  func wait(for operation: IOError.Operation, on descriptor: Int32) async throws(IOError) {
    let events = operation == .write ? POLLOUT : POLLIN
    var now = pollfd(fd: descriptor, events: Int16(events), revents: 0)
    if poll(&now, 1, 0) == 1 { return }
    let id = lastID.add(1, ordering: .relaxed).newValue
    let failure: IOError.Reason? = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let refusal: IOError.Reason? = change { state in
          // Checked under the lock: a later cancellation finds the waiter.
          if Task.isCancelled { return .cancelled }
          if state.waiters.values.contains(where: { $0.descriptor == descriptor }) { return .busy }
          state.waiters[id] = Waiter(descriptor: descriptor, events: events, continuation: continuation)
          return nil
        }
        if let refusal { continuation.resume(returning: refusal) }
      }
    } onCancel: {
      wake(id, with: .cancelled)
    }
    if let failure { throw IOError(operation, failure) }
  }

  /// Ends the wait for `descriptor`, which is about to be closed.
  func forget(_ descriptor: Int32) {
    let waiting = state.withLock { $0.waiters.filter { $0.value.descriptor == descriptor }.keys }
    for id in waiting { wake(id, with: .closed) }
  }

  /// Removes a waiter from the table and resumes it. Only the caller that removes a waiter resumes it.
  private func wake(_ id: Int, with failure: IOError.Reason?) {
    state.withLock { $0.waiters.removeValue(forKey: id) }?.continuation.resume(returning: failure)
  }
}

/// A `TaskExecutor` needs only this declaration to be an `Executor`.
extension EventLoop: Executor {}
