package import Runtime
import RuntimePrimitives

/// Threads for work that blocks: made on demand up to a limit, past which work queues; gone when long idle. Past a limit
/// on what queues, work is refused.
///
/// Work that comes has a thread come for it, one at a time: woken, or made if none is idle. The one that comes has the
/// next come if there is more, and only then turns to its work. So threads come up as fast as they can be started while
/// what is there blocks, and work that does not block is done by a few of them, without a wake for each.
@usableFromInline
package final class BlockingPool: Sendable {
  private let threadName: String
  private let limits: BlockingLimits
  private let patience: Int64
  private let state = Monitor(State())

  private struct State {
    var queue = Ring<BlockingWork>()
    var threads = 0
    var idle = 0
    /// Threads that are at a piece of work.
    var busy = 0
    /// Calls refused since the pool was made.
    var refused = 0
    /// Calls cancelled since cancelled work was last taken out of the queue. The queue may hold the work of some of them.
    var cancelled = 0
    /// Whether a thread has been woken or made that has not come yet. It has while there is work, or there is no more to
    /// be had.
    var isOneComing = false
    /// The last thread that went: it has nothing more to do, but somebody has to join it.
    var leaver: Thread?
    var isClosed = false
    /// Nobody waits any more for the threads that are left.
    var isAbandoned = false
  }

  /// What a thread does next.
  private enum Step {
    case run(BlockingWork)
    case leave(joining: Thread?)
  }

  /// - Parameter patience: how long an idle thread waits for work before it goes.
  package init(threadName: String, limits: BlockingLimits = BlockingLimits(), patience: Duration = .seconds(10)) {
    precondition(limits.threads > 0 && limits.queued >= 0, "a limit on blocking work is out of bounds")
    self.threadName = threadName
    self.limits = limits
    self.patience = patience.nanoseconds
  }

  /// How many threads there are, how much work waits for one, and how many calls have been refused.
  package var load: (threads: Int, queued: Int, refused: Int) {
    state.withLock { ($0.threads, $0.queue.count, $0.refused) }
  }

  /// Runs `body` on a thread of the pool and gives what it returns or throws; see `AsyncRuntime.runBlocking`.
  ///
  /// Inlinable, so that it is compiled for what `body` returns.
  @inlinable
  package func run<Success: Sendable>(_ body: sending @escaping () throws -> Success) async throws -> Success {
    let work = Work(body)
    return try await withTaskCancellationHandler {
      try await withUnsafeThrowingContinuation { continuation in
        guard work.park(continuation) else { return continuation.resume(throwing: CancellationError()) }
        TaskTable.willWaitForBlockingWork()
        if let error = submit(work) { work.end(error) }
      }
    } onCancel: {
      cancel(work)
    }
  }

  /// Takes `work` on.
  ///
  /// - Returns: why it is not taken, if it is not.
  @usableFromInline
  func submit(_ work: BlockingWork) -> (any Error)? {
    state.withLock { state in
      guard !state.isClosed else { return CancellationError() }
      var threads = limits.threads
      do throws(IOError) {
        try summon(&state)
      } catch {
        // With none at all nothing would ever take it. With some it waits its turn.
        if state.threads == 0 { return error }
        threads = state.threads
      }
      // What threads that are not busy, or can still be made, will take does not wait.
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

  /// Ends the wait for `work`, which never begins unless it has.
  @usableFromInline
  func cancel(_ work: BlockingWork) {
    work.cancel()
    state.withLock { $0.cancelled += 1 }
  }

  /// Takes cancelled work out of the queue. The search costs as much as the queue is long, so it is done once a sixteenth
  /// of the queue may be such work.
  private func dropCancelled(_ state: inout State) {
    guard state.cancelled > state.queue.count / 16 else { return }
    state.cancelled = 0
    var queue = exchange(&state.queue, with: Ring())
    // Nothing of the caller's is let go of under the lock: the thread that cancels still holds the work.
    while let work = queue.popFirst() {
      if !work.isOver { state.queue.append(work) }
    }
  }

  /// Has a thread come, unless one is coming or all are busy that there may be.
  private func summon(_ state: inout State) throws(IOError) {
    guard !state.isOneComing else { return }
    if state.idle > 0 {
      self.state.notifyOne()
    } else if state.threads < limits.threads {
      _ = try Thread(name: threadName, serve)
      state.threads += 1
    } else {
      return
    }
    state.isOneComing = true
  }

  /// What a thread does from its start to its end.
  private func serve() {
    var isComing = true
    while true {
      switch next(isComing) {
      case .run(let work):
        work.run()
        // Before the task goes on: if it asks for more at once, this thread counts as free.
        state.withLock { $0.busy -= 1 }
        work.finish()
      case .leave(let earlier):
        state.notifyAll()  // A shutdown may be waiting for this thread.
        earlier?.join()
        return
      }
      isComing = false
    }
  }

  /// - Parameter isComing: whether the thread has just been made.
  private func next(_ isComing: Bool) -> Step {
    var isIdle = false
    return state.wait(until: MonotonicTime.deadline(after: patience)) { state, isLate in
      if isIdle { state.idle -= 1 }
      // One that wakes need not be the one that was summoned; but one that goes on looks after the rest all the same.
      if isComing || isIdle { state.isOneComing = false }
      if let work = state.queue.popFirst() {
        // Where none is to be had, the rest waits for those there are.
        if !state.queue.isEmpty { try? summon(&state) }
        state.busy += 1
        return .run(work)
      }
      if state.isClosed || isLate {
        state.threads -= 1
        if state.isAbandoned {
          Thread.current.detach()
          return .leave(joining: nil)
        }
        defer { state.leaver = .current }
        return .leave(joining: state.leaver)
      }
      isIdle = true
      state.idle += 1
      return nil
    }
  }

  /// Drops the work that has not begun, waits until `deadline` for what has, and ends the threads. A thread that is not
  /// done by then, and cannot be stopped, ends with its work.
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
      return .some(exchange(&state.leaver, with: nil))
    }
    last?.join()
  }
}
