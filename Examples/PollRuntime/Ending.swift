import Glibc
import Runtime
import Synchronization

/// What a loop knows of its end, and of what has to come before that.
struct Ending {
  /// The loop's thread.
  var thread: pthread_t?
  /// Tasks that were started on the runtime and have not ended, by number.
  var tasks: Set<Int> = []
  /// When their grace is over; `nil` until somebody shuts the runtime down.
  var deadline: ContinuousClock.Instant?
  /// Who shuts it down and waits.
  var callers: [UnsafeContinuation<Void, Never>] = []
  /// The tasks of the runtime that shut it down, or that may be waiting for a `Task { }` that does: they cannot end before.
  var callingTasks: Set<Int> = []
  /// Whether the thread runs no more jobs.
  var isOver = false

  var hasBegun: Bool { deadline != nil }
}

/// A task that was started on a loop.
struct RunLoopTask: Sendable {
  let loop: RunLoop
  let number: Int

  /// Whose task the calling one is: itself, the task that it is a child of, or the one that has started it with `Task { }`.
  /// It is not the thread that tells: a task may be on the main actor just now, and a task of another runtime may prefer
  /// this loop.
  @TaskLocal static var current: RunLoopTask?
}

extension RunLoop {
  /// Closes the sockets and ends the sleeps; ends the thread when the tasks and the blocking work have ended, or the grace
  /// is over.
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

  /// Waits for the thread's last instruction, so that whoever comes back from a shutdown finds nothing of it.
  private func joinThread() {
    guard let thread = state.withLock({ $0.ending.thread }) else { return }
    isJoined.withLock { isJoined in
      if !isJoined { pthread_join(thread, nil) }
      isJoined = true
    }
  }

  /// Says that a task has been started.
  func startTask() -> RunLoopTask {
    state.withLock { state in
      let number = state.nextNumber()
      state.ending.tasks.insert(number)
      return RunLoopTask(loop: self, number: number)
    }
  }

  /// Says that a task has ended.
  func endTask(_ task: RunLoopTask) {
    state.withLock { state in
      state.ending.tasks.remove(task.number)
      state.ending.callingTasks.remove(task.number)
      if state.ending.hasBegun { state.ring() }
    }
  }

  /// Ends the loop if it is done.
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
    _ = work  // Let go only now: a stream that goes with it is closed, which takes the lock.
    return true
  }
}

extension RunLoop.State {
  /// Whether the loop has been asked to end, and has waited for all that it should.
  var isDone: Bool {
    guard let deadline = ending.deadline else { return false }
    return deadline <= .now || ending.tasks == ending.callingTasks && blocking.threads == 0
  }
}
