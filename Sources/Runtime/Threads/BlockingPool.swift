/// Threads for work that blocks: made on demand up to a bound, past which work queues; gone when long idle.
package final class BlockingPool: Sendable {
  private let threadName: String
  private let bound: Int
  private let patience: Int64
  private let state = Monitor(State())

  private struct State {
    var queue = Ring<any BlockingWork>()
    var threads = 0
    var idle = 0
    /// The last thread that went: it has nothing more to do, but somebody has to join it.
    var leaver: Thread?
    var isClosed = false
    /// Nobody waits any more for the threads that are left.
    var isAbandoned = false
  }

  /// What a thread does next.
  private enum Step {
    case run(any BlockingWork)
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
  package func run<Success: Sendable>(_ body: sending @escaping () throws -> Success) async throws -> Success {
    let work = Work(body)
    return try await withTaskCancellationHandler {
      try await withUnsafeThrowingContinuation { continuation in
        work.park(continuation)
        // A cancellation that came before `park` found nobody to tell; one that comes after it is told there.
        if Task.isCancelled { return work.cancel() }
        do throws(IOError) {
          if try !submit(work) { work.cancel() }
        } catch {
          work.fail(error)
        }
      }
    } onCancel: {
      work.cancel()
    }
  }

  /// - Returns: whether the pool is open and took it.
  /// - Throws: why there is no thread to be had, if there is not one.
  private func submit(_ work: any BlockingWork) throws(IOError) -> Bool {
    let taken: Result<Bool, IOError> = state.withLock { state in
      guard !state.isClosed else { return .success(false) }
      if state.idle <= state.queue.count, state.threads < bound {
        do throws(IOError) {
          _ = try Thread(name: threadName, serve)
          state.threads += 1
        } catch {
          // With none at all nobody would ever take it. With some it waits its turn.
          if state.threads == 0 { return .failure(error) }
        }
      }
      state.queue.append(work)
      return .success(true)
    }
    state.notifyOne()
    return try taken.get()
  }

  /// What a thread does from its start to its end.
  private func serve() {
    while true {
      switch next() {
      case .run(let work):
        work.run()
      case .leave(let earlier):
        state.notifyAll()  // A shutdown may be waiting for this thread.
        earlier?.join()
        return
      }
    }
  }

  private func next() -> Step {
    var isIdle = false
    return state.wait(until: deadline(patience)) { state, isLate in
      if isIdle { state.idle -= 1 }
      if let work = state.queue.popFirst() { return .run(work) }
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

/// Work on its way through the pool, whatever it gives.
private protocol BlockingWork: Sendable {
  func run()
  func cancel()
}

/// Work, and the task that waits for it until it is done or the wait is cancelled.
private final class Work<Success: Sendable>: BlockingWork {
  private let state: Lock<State>

  private struct State {
    /// Gone once it has begun, or will not any more.
    var body: (() throws -> Success)?
    var waiter: UnsafeContinuation<Success, any Error>?
  }

  init(_ body: sending @escaping () throws -> Success) {
    state = Lock(State(body: body))
  }

  func park(_ continuation: UnsafeContinuation<Success, any Error>) {
    state.withLock { $0.waiter = continuation }
  }

  func run() {
    // Taken out of the lock's region: only the thread that takes it ever calls it.
    nonisolated(unsafe) let body = state.withLock { state in
      nonisolated(unsafe) let body = exchange(&state.body, with: nil)  // As above.
      return body
    }
    guard let body else { return }
    let result = Result { try body() }
    state.withLock { exchange(&$0.waiter, with: nil) }?.resume(with: result)
  }

  func cancel() { fail(CancellationError()) }

  /// Ends the wait. What has not begun never will.
  func fail(_ error: any Error) {
    let waiter = state.withLock { state in
      state.body = nil
      return exchange(&state.waiter, with: nil)
    }
    waiter?.resume(throwing: error)
  }
}
