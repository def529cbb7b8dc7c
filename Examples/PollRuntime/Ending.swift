import Glibc
import Runtime
import Synchronization

/// The state of a loop's shutdown, and of the work that has to end first.
struct Ending {
  /// The loop's thread.
  var thread: pthread_t?
  /// Tasks that were started on the runtime and have not ended, by number.
  var tasks: Set<Int> = []
  /// When the grace period of the tasks ends; `nil` until `shutdown` is called.
  var deadline: ContinuousClock.Instant?
  /// The callers of `shutdown`, which wait for its end.
  var callers: [UnsafeContinuation<Void, Never>] = []
  /// Tasks of the runtime that have called `shutdown`, or that may be waiting for a `Task { }` that has. They cannot
  /// end before the shutdown does, so it does not wait for them.
  var callingTasks: Set<Int> = []
  /// Whether the thread runs no more jobs.
  var isOver = false

  var hasBegun: Bool { deadline != nil }
}

/// A task that was started on a loop.
struct RunLoopTask: Sendable {
  let loop: RunLoop
  let number: Int

  /// The runtime's task that the calling code belongs to: that task itself, its parent, or the task that started it
  /// with `Task { }`. The thread does not tell: a task may be on the main actor at the moment, and a task of another
  /// runtime may prefer this loop.
  @TaskLocal static var current: RunLoopTask?
}

extension RunLoop {
  /// Closes the sockets and ends the sleeps. Ends the thread when the tasks and the blocking work have ended, or the
  /// grace period is over.
  func shutdown(grace: Duration) async {
    await withUnsafeContinuation { continuation in
      let (isOver, sockets, events) = state.withLock { state in
        if state.ending.isOver { return (true, [OpenSocket](), [Event]()) }
        state.ending.callers.append(continuation)
        if let task = RunLoopTask.current, task.loop === self, state.ending.tasks.contains(task.number) {
          state.ending.callingTasks.insert(task.number)
        }
        state.ending.deadline = state.ending.deadline ?? .now + grace
        state.ring()
        let events = state.waits.keys.filter { if case .done = $0 { false } else { true } }
        return (false, Array(exchange(&state.sockets, with: [:]).values), events)
      }
      if isOver { return continuation.resume() }
      for socket in sockets { socket.close() }
      end(events, because: .closed)
    }
    joinThread()
  }

  /// Joins the thread, so that nothing of it is left when `shutdown` returns.
  private func joinThread() {
    guard let thread = state.withLock({ $0.ending.thread }) else { return }
    isJoined.withLock { isJoined in
      if !isJoined { pthread_join(thread, nil) }
      isJoined = true
    }
  }

  /// Registers a new task.
  func startTask() -> RunLoopTask {
    state.withLock { state in
      let number = state.nextNumber()
      state.ending.tasks.insert(number)
      return RunLoopTask(loop: self, number: number)
    }
  }

  /// Removes a task that has ended.
  func endTask(_ task: RunLoopTask) {
    state.withLock { state in
      state.ending.tasks.remove(task.number)
      state.ending.callingTasks.remove(task.number)
      if state.ending.hasBegun { state.ring() }
    }
  }

  /// Ends the loop if its shutdown has nothing left to wait for.
  ///
  /// - Returns: whether it has ended.
  func endIfDone() -> Bool {
    let (threads, isOver) = state.withLock { state in
      state.ending.isOver = state.isDone
      return (exchange(&state.blocking.ended, with: []), state.ending.isOver)
    }
    for thread in threads { pthread_join(thread, nil) }
    guard isOver else { return false }
    let (bell, jobs, waits, work, callers) = state.withLock { state in
      (
        state.bell, exchange(&state.jobs, with: []), exchange(&state.waits, with: [:]),
        exchange(&state.blocking.queue, with: []), exchange(&state.ending.callers, with: [])
      )
    }
    for descriptor in [bell.ring, bell.hear] { close(descriptor) }
    for job in jobs { exile(job) }
    for wait in waits.values { wait.continuation.resume(returning: .closed) }
    for caller in callers { caller.resume() }
    _ = work  // Released without the lock: closing a stream that the work owns takes the lock.
    return true
  }
}

extension RunLoop.State {
  /// Whether `shutdown` was called and has nothing left to wait for.
  var isDone: Bool {
    guard let deadline = ending.deadline else { return false }
    return deadline <= .now || ending.tasks == ending.callingTasks && blocking.threads == 0
  }
}
