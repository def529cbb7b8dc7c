package import Runtime
import RuntimePrimitives

/// A pool of threads for blocking work. Threads are created on demand up to a limit and end after a long idle time.
/// Further work waits in a queue, which is limited too; work beyond that limit is refused.
///
/// Submitting work requests one thread at a time: it wakes an idle thread, or creates one if none is idle. That thread
/// requests the next one if there is more work, before it starts on its own. So threads start as fast as the system
/// allows while the existing ones block, and a few threads run work that does not block, without a wake-up per piece.
@usableFromInline
package final class BlockingPool: Sendable {
  private let threadName: String
  private let limits: BlockingLimits
  private let idleTimeout: Int64
  private let state = Monitor(State())

  private struct State {
    var queue = Ring<BlockingWork>()
    var threads = 0
    var idle = 0
    /// The number of threads that are running work.
    var busy = 0
    /// The number of calls refused so far.
    var refused = 0
    /// The number of calls cancelled since cancelled work was last removed from the queue. The queue may still hold the
    /// work of some of them.
    var cancelled = 0
    /// Whether a thread has been woken or created and has not arrived yet. While there is work, it is true unless no
    /// further thread is available.
    var isThreadPending = false
    /// The last thread that has exited. It has nothing more to do, but still has to be joined.
    var lastExited: Thread?
    var isClosed = false
    /// Whether no thread is left to join the remaining threads, so that they detach themselves.
    var isAbandoned = false
  }

  /// The next step of a thread.
  private enum Step {
    case run(BlockingWork)
    case exit(joining: Thread?)
  }

  /// Creates a pool without threads.
  ///
  /// - Parameter idleTimeout: how long an idle thread waits for work before it ends.
  package init(threadName: String, limits: BlockingLimits = BlockingLimits(), idleTimeout: Duration = .seconds(10)) {
    precondition(limits.threads > 0 && limits.queued >= 0, "threads must be at least 1, and queued at least 0")
    self.threadName = threadName
    self.limits = limits
    self.idleTimeout = idleTimeout.nanoseconds
  }

  /// The number of threads, of calls that wait for one, and of calls refused so far.
  package var load: (threads: Int, queued: Int, refused: Int) {
    state.withLock { ($0.threads, $0.queue.count, $0.refused) }
  }

  /// Runs `body` on a thread of the pool and returns its result. See `AsyncRuntime.runBlocking`.
  ///
  /// It is inlinable, so that it is specialised for the result type.
  @inlinable
  package func run<Success: Sendable>(_ body: sending @escaping () throws -> Success) async throws -> Success {
    let work = Work(body)
    return try await withTaskCancellationHandler {
      try await withUnsafeThrowingContinuation { continuation in
        guard work.park(continuation) else { return continuation.resume(throwing: CancellationError()) }
        TaskTable.willWaitForBlockingWork()
        if let error = submit(work) { work.fail(error) }
      }
    } onCancel: {
      cancel(work)
    }
  }

  /// Queues `work`.
  ///
  /// - Returns: the error if it is refused.
  @usableFromInline
  func submit(_ work: BlockingWork) -> (any Error)? {
    state.withLock { state in
      guard !state.isClosed else { return CancellationError() }
      var threads = limits.threads
      do throws(IOError) {
        try requestThread(&state)
      } catch {
        // Without any thread the work would never run. With other threads it waits its turn.
        if state.threads == 0 { return error }
        threads = state.threads
      }
      // Work for which a thread is free, or can still be created, does not count as waiting.
      func isFull() -> Bool { state.queue.count + state.busy - threads >= limits.queued }
      if isFull() { dropCancelled(&state) }
      if isFull() {
        state.refused += 1
        return BlockingWorkRefused(limits)
      }
      state.queue.append(work)
      return nil
    }
  }

  /// Ends the wait for `work`. If it has not begun, it never will.
  @usableFromInline
  func cancel(_ work: BlockingWork) {
    work.cancel()
    state.withLock { $0.cancelled += 1 }
  }

  /// Removes cancelled work from the queue. The search costs time proportional to the queue, so it is done only if a
  /// sixteenth of the queue may be cancelled.
  private func dropCancelled(_ state: inout State) {
    guard state.cancelled > state.queue.count / 16 else { return }
    state.cancelled = 0
    var queue = exchange(&state.queue, with: Ring())
    // No object of the caller is released under the lock: the cancelling thread still holds the work.
    while let work = queue.popFirst() {
      if !work.isOver { state.queue.append(work) }
    }
  }

  /// Wakes or creates a thread, unless one is already pending or the limit is reached and all are busy.
  private func requestThread(_ state: inout State) throws(IOError) {
    guard !state.isThreadPending else { return }
    if state.idle > 0 {
      self.state.notifyOne()
    } else if state.threads < limits.threads {
      _ = try Thread(name: threadName, serve)
      state.threads += 1
    } else {
      return
    }
    state.isThreadPending = true
  }

  /// The body of a thread.
  private func serve() {
    var isNew = true
    while true {
      switch nextStep(isNew: isNew) {
      case .run(let work):
        work.run()
        // Before the task resumes: if it requests more work at once, this thread counts as free.
        state.withLock { $0.busy -= 1 }
        work.finish()
      case .exit(let earlier):
        state.notifyAll()  // `shutdown` may be waiting for this thread.
        earlier?.join()
        return
      }
      isNew = false
    }
  }

  /// Waits for the thread's next step.
  ///
  /// - Parameter isNew: whether the thread has just been created.
  private func nextStep(isNew: Bool) -> Step {
    var isIdle = false
    return state.wait(until: MonotonicTime.deadline(after: idleTimeout)) { state, isLate in
      if isIdle { state.idle -= 1 }
      // The thread that wakes need not be the requested one, but every thread that continues requests the next one
      // below.
      if isNew || isIdle { state.isThreadPending = false }
      if let work = state.queue.popFirst() {
        // If no thread can be created, the rest waits for the existing ones.
        if !state.queue.isEmpty { try? requestThread(&state) }
        state.busy += 1
        return .run(work)
      }
      if state.isClosed || isLate {
        state.threads -= 1
        if state.isAbandoned {
          Thread.current.detach()
          return .exit(joining: nil)
        }
        defer { state.lastExited = .current }
        return .exit(joining: state.lastExited)
      }
      isIdle = true
      state.idle += 1
      return nil
    }
  }

  /// Drops work that has not begun, waits until `deadline` for work that has, and ends the threads. A thread that is
  /// still busy at the deadline cannot be stopped and ends with its work.
  package func shutdown(deadline: Int64 = .max) {
    var dropped = state.withLock { state in
      state.isClosed = true
      return exchange(&state.queue, with: Ring())
    }
    while let work = dropped.popFirst() { work.cancel() }
    state.notifyAll()
    let last: Thread? = state.wait(until: deadline) { state, isLate in
      if state.threads > 0 {
        guard isLate else { return .none }
        state.isAbandoned = true
      }
      return .some(exchange(&state.lastExited, with: nil))
    }
    last?.join()
  }
}
