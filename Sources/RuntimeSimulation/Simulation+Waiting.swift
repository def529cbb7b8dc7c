import Runtime

extension Simulation {
  /// Suspends the calling task, which belongs to the simulation, until something wakes it.
  ///
  /// - Parameters:
  ///   - host: the number of the host on whose runtime the task waits.
  ///   - reason: what the task waits for.
  ///   - deadline: when the wait ends at the latest.
  ///   - heedsCancellation: whether cancelling the task ends the wait.
  ///   - store: stores the waiter where the event that it waits for will find it.
  /// - Returns: why the wait ended. Returns at once if the task has been cancelled already.
  func wait(
    on host: Int, for reason: Waiter.Reason, until deadline: Int64? = nil, heedsCancellation: Bool = true,
    _ store: (Waiter) -> Void = { _ in }
  ) async -> Wake {
    if owners.isCurrentDead { await Self.suspendForEver() }
    if heedsCancellation, Task.isCancelled { return .cancelled }
    waitCount += 1
    let number = waitCount
    return await withTaskCancellationHandler {
      await withUnsafeContinuation { continuation in
        let waiter = Waiter(
          number: number, task: journal.task, host: host, reason: reason, owner: owners.current,
          continuation: continuation)
        waiting[number] = waiter
        if let deadline { timers.insert(at: deadline, .wake(waiter, .timeUp)) }
        store(waiter)
      }
    } onCancel: {
      guard heedsCancellation else { return }
      perform {
        if let waiter = self.waiting[number] { self.wake(waiter, .cancelled) }
      }
    }
  }

  /// Ends a wait, unless it has ended already.
  func wake(_ waiter: Waiter?, _ wake: Wake) {
    guard let waiter, let continuation = waiter.takeContinuation() else { return }
    waiting[waiter.number] = nil
    continuation.resume(returning: wake)
  }

  /// Drops a wait of a task that must not run again. Its continuation is unchecked, so Swift does not report it.
  func drop(_ waiter: Waiter) {
    _ = waiter.takeContinuation()
    waiting[waiter.number] = nil
  }

  private static func suspendForEver() async {
    await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
  }

  /// The waiting tasks, in the order in which they began to wait.
  var waiters: [Waiter] { waiting.values.sorted { $0.number < $1.number } }

  /// What each waiting task waits for, for people to read.
  var waits: [String] { waiters.map { "\(journal.name(ofTask: $0.task)) \($0.reason)" } }

  /// Traps if the caller is outside the simulation. Such a use would be a race, and the run could not be repeated.
  func assertCurrent() {
    precondition(isCurrent, "a simulated runtime is used outside its simulation")
  }
}
