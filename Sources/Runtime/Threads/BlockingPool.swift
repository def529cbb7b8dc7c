/// Threads for work that blocks: made on demand up to a bound, past which work queues; gone when long idle.
///
/// Work that comes has a thread come for it, one at a time: woken, or made if none is idle. The one that comes has the
/// next come if there is more, and only then turns to its work. So threads come up as fast as they can be started while
/// what is there blocks, and work that does not block is done by a few of them, without a wake for each.
@usableFromInline
package final class BlockingPool: Sendable {
  private let threadName: String
  private let bound: Int
  private let patience: Int64
  private let state = Monitor(State())

  private struct State {
    var queue = Ring<BlockingWork>()
    var threads = 0
    var idle = 0
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

  /// Many more than processors, since such threads mostly sleep in the kernel; tokio's figure too.
  package static let defaultBound = 512

  /// - Parameters:
  ///   - bound: the most threads at once.
  ///   - patience: how long an idle thread waits for work before it goes.
  package init(threadName: String, bound: Int = defaultBound, patience: Duration = .seconds(10)) {
    self.threadName = threadName
    self.bound = bound
    self.patience = patience.nanoseconds
  }

  /// How many threads there are, and how much work waits for one.
  package var load: (threads: Int, queued: Int) {
    state.withLock { ($0.threads, $0.queue.count) }
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
        do throws(IOError) {
          if try !submit(work) { work.cancel() }
        } catch {
          work.end(error)
        }
      }
    } onCancel: {
      work.cancel()
    }
  }

  /// - Returns: whether the pool is open and took it.
  /// - Throws: why there is no thread to be had, if there is not one.
  @usableFromInline
  func submit(_ work: BlockingWork) throws(IOError) -> Bool {
    let taken: Result<Bool, IOError> = state.withLock { state in
      guard !state.isClosed else { return .success(false) }
      do throws(IOError) {
        try summon(&state)
      } catch {
        // With none at all nobody would ever take it. With some it waits its turn.
        if state.threads == 0 { return .failure(error) }
      }
      state.queue.append(work)
      return .success(true)
    }
    return try taken.get()
  }

  /// Has a thread come, unless one is coming or all are busy that there may be.
  private func summon(_ state: inout State) throws(IOError) {
    guard !state.isOneComing else { return }
    if state.idle > 0 {
      self.state.notifyOne()
    } else if state.threads < bound {
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
    return state.wait(until: deadline(patience)) { state, isLate in
      if isIdle { state.idle -= 1 }
      // One that wakes need not be the one that was summoned; but one that goes on looks after the rest all the same.
      if isComing || isIdle { state.isOneComing = false }
      if let work = state.queue.popFirst() {
        // Where none is to be had, the rest waits for those there are.
        if !state.queue.isEmpty { try? summon(&state) }
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
