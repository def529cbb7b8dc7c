/// An error of waiting for a signal.
public enum SignalError: Error, Hashable, Sendable {
  /// The system does not allow this signal to be caught, or has no signal with this number.
  case uncatchable(Signal)
  /// The signal is raised by an instruction of the process, such as an access to an invalid address. When a handler
  /// returns, the instruction is executed again, so the signal would recur forever.
  case fault(Signal)
  /// The system could not create the thread that waits.
  case noThread(IOError)
}

extension SignalError: CustomStringConvertible {
  /// A description such as "SIGKILL cannot be caught".
  public var description: String {
    switch self {
    case .uncatchable(let signal): "\(signal) cannot be caught"
    case .fault(let signal): "\(signal) cannot be waited for: the instruction would raise it again"
    case .noThread(let error): "signals: \(error)"
    }
  }
}
