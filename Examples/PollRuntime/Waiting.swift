import Runtime
import Synchronization

/// What a task can wait for.
enum Event: Hashable, Sendable {
  /// A socket, by its number, can be read from, or has a connection to accept.
  case readable(Int)
  /// A socket can be written to, or is connected.
  case writable(Int)
  /// A time has come. The number tells sleepers with the same deadline apart.
  case deadline(ContinuousClock.Instant, Int)
  /// Blocking work is done.
  case done(Int)
}

/// A waiting task.
struct Wait {
  /// Tells this wait from earlier and later waits for the same event.
  let ticket: Int
  /// Resumed with `nil` when the event has occurred, and otherwise with the reason why the wait ended.
  let continuation: UnsafeContinuation<IOError.Reason?, Never>
}

extension RunLoop {
  /// Suspends the task until `event`. All waits and their cancellation go through this function.
  ///
  /// - Parameter begin: called once the event can end the wait.
  /// - Returns: why the wait ended without the event; `nil` if the event occurred.
  func wait(for event: Event, begin: () -> Void = {}) async -> IOError.Reason? {
    let ticket = state.withLock { $0.nextNumber() }
    return await withTaskCancellationHandler {
      await withUnsafeContinuation { continuation in
        let refusal: IOError.Reason? = state.withLock { state in
          // Cancelling sets this flag and then calls the handler, which takes the lock: either this check sees the
          // flag, or the handler finds the wait.
          if Task.isCancelled { return .cancelled }
          guard state.admits(event) else { return .closed }
          guard state.waits[event] == nil else { return .busy }
          state.waits[event] = Wait(ticket: ticket, continuation: continuation)
          state.ring()
          return nil
        }
        if let refusal { continuation.resume(returning: refusal) } else { begin() }
      }
    } onCancel: {
      // Only this wait: a wait that was refused as busy must not end the other one.
      let wait = state.withLock { $0.waits[event]?.ticket == ticket ? $0.waits.removeValue(forKey: event) : nil }
      wait?.continuation.resume(returning: .cancelled)
    }
  }

  /// Sleeps.
  func wait(until deadline: ContinuousClock.Instant) async -> IOError.Reason? {
    await wait(for: .deadline(deadline, state.withLock { $0.nextNumber() }))
  }

  /// Ends the waits for `events`, because these have occurred or for another `reason`.
  func end(_ events: [Event], because reason: IOError.Reason? = nil) {
    let waits = state.withLock { state in events.compactMap { state.waits.removeValue(forKey: $0) } }
    for wait in waits { wait.continuation.resume(returning: reason) }
  }
}

extension RunLoop.State {
  /// Whether `event` can still occur.
  fileprivate func admits(_ event: Event) -> Bool {
    switch event {
    case .readable(let number), .writable(let number): sockets[number] != nil
    case .deadline: !ending.hasBegun
    case .done: !ending.isOver
    }
  }

  /// The deadlines that have passed.
  var deadlinesPassed: [Event] {
    let now = ContinuousClock.now
    return waits.keys.filter { if case .deadline(let deadline, _) = $0 { deadline <= now } else { false } }
  }

  /// The timeout of the next poll in milliseconds, or -1 for none. It is rounded up, since no sleep may end early.
  var millisecondsToNextDeadline: Int32 {
    var next = ending.deadline
    for case .deadline(let deadline, _) in waits.keys { next = min(next ?? deadline, deadline) }
    guard let next else { return -1 }
    let wait = min(max(.zero, ContinuousClock.now.duration(to: next)), .seconds(3600))
    return Int32((wait / .milliseconds(1)).rounded(.up))
  }
}
