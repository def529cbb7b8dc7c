/// A receiver of signals, called on the thread `gearbox-signals`.
protocol SignalReceiver: AnyObject, Sendable {
  /// The signals to receive.
  var signals: Set<Signal> { get }

  /// Receives `signal`, which has arrived `count` times.
  func receive(_ signal: Signal, count: Int)
}

/// A receiver that calls a function for each signal.
final class SignalHandler: SignalReceiver {
  let signals: Set<Signal>
  private let handle: @Sendable (Signal) -> Void

  init(_ signals: Set<Signal>, _ handle: @escaping @Sendable (Signal) -> Void) {
    self.signals = signals
    self.handle = handle
  }

  func receive(_ signal: Signal, count: Int) {
    for _ in 0..<count { handle(signal) }
  }
}
