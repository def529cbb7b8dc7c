import Runtime
import RuntimePrimitives

/// Says in the log why a server accepts no connection, at most once in ten seconds: what keeps it from that, such as a
/// lack of descriptors, comes again with every attempt, and a limit is reached again with every connection.
final class AcceptLog<C: Clock<Duration>>: Sendable {
  private let clock: C
  let registry: ConnectionRegistry
  private let log: @Sendable (LogEvent) -> Void
  /// When there may be another line.
  private let next = Lock<C.Instant?>(nil)

  init(clock: C, registry: ConnectionRegistry = ConnectionRegistry(), log: @escaping @Sendable (LogEvent) -> Void) {
    self.clock = clock
    self.registry = registry
    self.log = log
  }

  /// Logs `reason` with the number of open connections, unless a line has gone out lately.
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
  /// These options, and that a lack of descriptors or memory is noted in `log`.
  func noting(in log: AcceptLog<some Clock<Duration>>) -> ListenOptions {
    var options = self
    options.onShortage = { [onShortage] error in
      log.note("\(error)")
      onShortage?(error)
    }
    return options
  }
}
