/// Why signals cannot be waited for.
public enum SignalError: Error, Hashable, Sendable {
  /// The system lets no process catch this signal, or has none of this number.
  case uncatchable(Signal)
  /// The signal comes of an instruction of the process, such as one that uses an invalid address. When a handler returns,
  /// the instruction is run once more, so that the signal would come for ever.
  case fault(Signal)
  /// There is no thread to be had that could wait.
  case noThread(IOError)
}

extension SignalError: CustomStringConvertible {
  /// For a person to read, as in "SIGKILL cannot be caught".
  public var description: String {
    switch self {
    case .uncatchable(let signal): "\(signal) cannot be caught"
    case .fault(let signal): "\(signal) cannot be waited for: it would come again and again"
    case .noThread(let error): "signals: \(error)"
    }
  }
}
