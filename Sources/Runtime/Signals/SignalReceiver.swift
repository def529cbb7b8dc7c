/// What signals are handed to, on the thread `gearbox-signals`.
protocol SignalReceiver: AnyObject, Sendable {
  /// Those that it is for.
  var signals: Set<Signal> { get }

  /// Takes in a signal that has come `count` times.
  func put(_ signal: Signal, count: Int)
}

/// Calls a function for each signal.
final class SignalHandler: SignalReceiver {
  let signals: Set<Signal>
  private let handle: @Sendable (Signal) -> Void

  init(_ signals: Set<Signal>, _ handle: @escaping @Sendable (Signal) -> Void) {
    self.signals = signals
    self.handle = handle
  }

  func put(_ signal: Signal, count: Int) {
    for _ in 0..<count { handle(signal) }
  }
}
