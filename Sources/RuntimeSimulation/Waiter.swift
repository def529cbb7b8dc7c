import Runtime

/// A task that waits for something in the simulation.
///
/// Only the simulation's thread touches it, as all of the simulation's state.
final class Waiter: @unchecked Sendable {  // See above.
  /// The number of the wait, in the order in which waits begin.
  let number: Int
  /// The number of the task.
  let task: Int
  /// The number of the host on whose runtime it waits.
  let host: Int
  let reason: Reason
  /// The incarnation to which the task belongs.
  let owner: Incarnation
  private(set) var continuation: UnsafeContinuation<Wake, Never>?

  enum Reason {
    case sleep(until: Int64)
    case read(ConnectionEnd)
    case write(ConnectionEnd)
    case receive(DatagramEnd)
    case send(DatagramEnd)
    case accept(SocketAddress)
    case connect(SocketAddress)
    case disk(IOError.Operation, String, host: Int)
    case blockingWork
    case tasks(of: Int)
  }

  init(
    number: Int, task: Int, host: Int, reason: Reason, owner: Incarnation,
    continuation: UnsafeContinuation<Wake, Never>
  ) {
    self.number = number
    self.owner = owner
    self.task = task
    self.host = host
    self.reason = reason
    self.continuation = continuation
  }

  /// Whether the task has not been woken yet.
  var isWaiting: Bool { continuation != nil }

  func takeContinuation() -> UnsafeContinuation<Wake, Never>? { continuation.take() }
}

extension Waiter: CustomReflectable {
  /// Empty, like that of a journal.
  var customMirror: Mirror { Mirror(self, children: []) }
}

/// Why a wait has ended.
enum Wake {
  /// What the task waited for may have happened.
  case ready
  /// The deadline has come.
  case timeUp
  /// The task has been cancelled.
  case cancelled
  /// The object on which it waited was closed on this side.
  case closed
}

extension Wake {
  /// Throws if the wait was ended early.
  func check(_ operation: IOError.Operation) throws(IOError) {
    switch self {
    case .closed: throw IOError(operation, .closed)
    case .cancelled: throw IOError(operation, .cancelled)
    case .ready, .timeUp: break
    }
  }
}

extension Waiter.Reason: CustomStringConvertible {
  /// The reason in the words that real runtimes use for watched tasks.
  var description: String {
    let wait =
      switch self {
      case .sleep(let time): TaskWait(.sleep, for: Duration.nanoseconds(time).text)
      case .read(let end): TaskWait(.io(.read), for: "\(end)")
      case .write(let end): TaskWait(.io(.write), for: "\(end)")
      case .receive(let end): TaskWait(.io(.receive), for: "\(end)")
      case .send(let end): TaskWait(.io(.send), for: "\(end)")
      case .accept(let address): TaskWait(.io(.accept), for: "\(address)")
      case .connect(let address): TaskWait(.io(.connect), for: "\(address)")
      case .disk(let operation, let name, let host):
        TaskWait(.io(operation), for: "\(name) on the disk of host \(host)")
      case .blockingWork: TaskWait(.blockingWork)
      case .tasks(let host): TaskWait(.tasks, for: "host \(host)")
      }
    return "\(wait)"
  }
}

extension Duration {
  /// The duration in seconds, to the nanosecond, without trailing zeros.
  var text: String {
    let (seconds, attoseconds) = components
    var digits = String(attoseconds.magnitude / 1_000_000_000)
    digits = String(repeating: "0", count: 9 - digits.count) + digits
    while digits.hasSuffix("0") { digits.removeLast() }
    let sign = attoseconds < 0 && seconds == 0 ? "-" : ""
    return digits.isEmpty ? "\(seconds) s" : "\(sign)\(seconds).\(digits) s"
  }
}
