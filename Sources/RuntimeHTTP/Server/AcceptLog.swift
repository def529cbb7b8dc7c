import Runtime
import RuntimePrimitives

/// Logs why a server accepts no connections, at most once in ten seconds. The cause, such as a lack of descriptors or a
/// limit that is reached, recurs with every attempt.
final class AcceptLog<C: Clock<Duration>>: Sendable {
  private let clock: C
  let registry: ConnectionRegistry
  private let log: @Sendable (LogEvent) -> Void
  /// The time from which on another line may be logged.
  private let next = Lock<C.Instant?>(nil)

  init(clock: C, registry: ConnectionRegistry = ConnectionRegistry(), log: @escaping @Sendable (LogEvent) -> Void) {
    self.clock = clock
    self.registry = registry
    self.log = log
  }

  /// Logs `reason` with the number of open connections, unless a line was logged recently.
  func note(_ reason: @autoclosure () -> String) {
    let now = clock.now
    let isDue = next.withLock { next in
      if let next, now < next { return false }
      next = now.advanced(by: .seconds(10))
      return true
    }
    guard isDue else { return }
    let open = registry.metrics.openConnections
    let connections = open == 1 ? "1 connection is open" : "\(open) connections are open"
    log(LogEvent(.warning, "\(reason()); \(connections), others have to wait"))
  }
}

extension ListenOptions {
  /// Returns these options, extended to note a lack of descriptors or memory in `log`.
  func noting(in log: AcceptLog<some Clock<Duration>>) -> ListenOptions {
    var options = self
    options.onShortage = { [onShortage] error in
      log.note("\(error)")
      onShortage?(error)
    }
    return options
  }
}
