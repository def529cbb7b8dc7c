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

/// A task that waits.
struct Wait {
  /// Which of the waits for the same event it is, one after another.
  let ticket: Int
  /// To be resumed with `nil` when the event has come, and otherwise with why it will not be waited for.
  let continuation: UnsafeContinuation<IOError.Reason?, Never>
}

extension RunLoop {
  /// Suspends the task until `event`: the one place where a task waits, and where cancelling is dealt with.
  ///
  /// - Parameter begin: called once the wait can be ended by the event, and by nothing that comes before that.
  /// - Returns: why the wait has ended without the event; `nil` if it has come.
  func wait(for event: Event, begin: () -> Void = {}) async -> IOError.Reason? {
    let ticket = state.withLock { $0.nextNumber() }
    return await withTaskCancellationHandler {
      await withUnsafeContinuation { continuation in
        let refusal: IOError.Reason? = state.withLock { state in
          // Whoever cancels sets this first and calls the handler then, which takes the lock: either it is seen here or
          // the handler sees the wait.
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
      // Only this wait: one that was turned away must not end the other's.
      let wait = state.withLock { $0.waits[event]?.ticket == ticket ? $0.waits.removeValue(forKey: event) : nil }
      wait?.continuation.resume(returning: .cancelled)
    }
  }

  /// Sleeps.
  func wait(until deadline: ContinuousClock.Instant) async -> IOError.Reason? {
    await wait(for: .deadline(deadline, state.withLock { $0.nextNumber() }))
  }

  /// Ends the waits for `events`: they have come, unless there is another `reason`.
  func end(_ events: [Event], because reason: IOError.Reason? = nil) {
    let waits = state.withLock { state in events.compactMap { state.waits.removeValue(forKey: $0) } }
    for wait in waits { wait.continuation.resume(returning: reason) }
  }
}

extension RunLoop.State {
  /// Whether `event` can still come.
  fileprivate func admits(_ event: Event) -> Bool {
    switch event {
    case .readable(let number), .writable(let number): sockets[number] != nil
    case .deadline: !ending.hasBegun
    case .done: !ending.isOver
    }
  }

  /// The sleeps whose time has come.
  var deadlinesPassed: [Event] {
    let now = ContinuousClock.now
    return waits.keys.filter { if case .deadline(let deadline, _) = $0 { deadline <= now } else { false } }
  }

  /// How long to sleep, rounded up, since a timer that is early is wrong and one that is late is only slow; -1: for ever.
  var millisecondsToNextDeadline: Int32 {
    var next = ending.deadline
    for case .deadline(let deadline, _) in waits.keys { next = min(next ?? deadline, deadline) }
    guard let next else { return -1 }
    let wait = min(max(.zero, ContinuousClock.now.duration(to: next)), .seconds(3600))
    return Int32((wait / .milliseconds(1)).rounded(.up))
  }
}
