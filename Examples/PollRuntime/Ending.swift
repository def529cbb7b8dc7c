import Glibc
import Runtime
import Synchronization

/// What a loop knows of its end, and of what has to come before that.
struct Ending {
  /// The loop's thread.
  var thread: pthread_t?
  /// Tasks that were started on the runtime and have not ended.
  var tasks = 0
  /// When their grace is over; `nil` until somebody shuts the runtime down.
  var deadline: ContinuousClock.Instant?
  /// Who shuts it down and waits, and how many of them are tasks of the runtime: those cannot wait for themselves.
  var callers: [UnsafeContinuation<Void, Never>] = []
  var callingTasks = 0
  /// Whether the thread runs no more jobs.
  var isOver = false

  var hasBegun: Bool { deadline != nil }
}

extension RunLoop {
  /// Closes the sockets and ends the sleeps; ends the thread when the tasks and the blocking work have ended, or the grace
  /// is over.
  func shutdown(grace: Duration) async {
    await withUnsafeContinuation { continuation in
      let (isOver, sockets, events) = state.withLock { state in
        if state.ending.isOver { return (true, [OpenSocket](), [Event]()) }
        state.ending.callers.append(continuation)
        if state.ending.thread == pthread_self() { state.ending.callingTasks += 1 }
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

  /// Says that a task has been started, or has ended.
  func countTask(_ change: Int) {
    state.withLock { state in
      state.ending.tasks += change
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
    return deadline <= .now || ending.tasks <= ending.callingTasks && blocking.threads == 0
  }
}
