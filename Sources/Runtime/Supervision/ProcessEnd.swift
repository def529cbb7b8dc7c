import Glibc

/// How a process ended.
enum ProcessEnd: Equatable {
  case exited(Int32)
  case killed(by: Signal)

  /// Decodes a status returned by `waitpid(2)`.
  init(waitStatus: Int32) {
    let signal = waitStatus & 0x7F
    self = signal == 0 ? .exited(waitStatus >> 8 & 0xFF) : .killed(by: Signal(rawValue: signal))
  }

  /// The exit status with which a process reports this end as its own, by the convention of shells.
  var exitStatus: Int32 {
    switch self {
    case .exited(let status): status
    case .killed(let signal): 128 + signal.rawValue
    }
  }

  /// A description such as "exited with status 1".
  var description: String {
    switch self {
    case .exited(let status): "exited with status \(status)"
    case .killed(let signal): "was killed by \(signal)"
    }
  }
}
