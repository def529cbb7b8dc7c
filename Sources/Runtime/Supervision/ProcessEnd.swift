import Glibc

/// How a process has ended.
enum ProcessEnd: Equatable {
  case exited(Int32)
  case killed(by: Signal)

  /// What `waitpid(2)` says of a process that has ended.
  init(waitStatus: Int32) {
    let signal = waitStatus & 0x7F
    self = signal == 0 ? .exited(waitStatus >> 8 & 0xFF) : .killed(by: Signal(rawValue: signal))
  }

  /// The status of a process that ends because this one has, as a shell reports it.
  var exitStatus: Int32 {
    switch self {
    case .exited(let status): status
    case .killed(let signal): 128 + signal.rawValue
    }
  }

  /// As in "has ended with status 1".
  var description: String {
    switch self {
    case .exited(let status): "has ended with status \(status)"
    case .killed(let signal): "was ended by \(signal)"
    }
  }
}
