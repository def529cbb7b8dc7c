import Runtime

extension Simulation {
  /// Suspends the calling task, which is one of the simulation's, until something wakes it.
  ///
  /// - Parameters:
  ///   - host: on whose runtime it waits.
  ///   - deadline: when it has waited long enough.
  ///   - heedsCancellation: whether the wait is over when the task is cancelled.
  ///   - place: puts the waiter where it will be found by what it waits for.
  /// - Returns: why the wait is over; at once if the task has been cancelled.
  func wait(
    on host: Int, for reason: Waiter.Reason, until deadline: Int64? = nil, heedsCancellation: Bool = true,
    _ place: (Waiter) -> Void = { _ in }
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
        place(waiter)
      }
    } onCancel: {
      guard heedsCancellation else { return }
      perform {
        if let waiter = self.waiting[number] { self.wake(waiter, .cancelled) }
      }
    }
  }

  /// Ends a wait, unless it is over already.
  func wake(_ waiter: Waiter?, _ wake: Wake) {
    guard let waiter, let continuation = waiter.takeContinuation() else { return }
    waiting[waiter.number] = nil
    continuation.resume(returning: wake)
  }

  /// Has a wait never end, whose task is not to run again. Its continuation is not checked, so that Swift does not mind.
  func forget(_ waiter: Waiter) {
    _ = waiter.takeContinuation()
    waiting[waiter.number] = nil
  }

  private static func suspendForEver() async {
    await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
  }

  /// Those that wait, in the order in which they came.
  var waiters: [Waiter] { waiting.values.sorted { $0.number < $1.number } }

  /// What each of them waits for, for people.
  var waits: [String] { waiters.map { "\(journal.name(ofTask: $0.task)) \($0.reason)" } }

  /// Traps where code outside a simulation uses what is in it: that would be a race, and no run could be repeated.
  func assertCurrent() {
    precondition(isCurrent, "a simulated runtime is used outside its simulation")
  }
}
