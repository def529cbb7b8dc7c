import Runtime

/// A task that waits for something in the simulation.
///
/// As all of a simulation's state, it is touched on the simulation's thread alone.
final class Waiter: @unchecked Sendable {  // See above.
  /// In the order of coming.
  let number: Int
  /// Which task it is.
  let task: Int
  /// Which host's runtime it waits on.
  let host: Int
  let reason: Reason
  /// Whose task it is.
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

  /// Whether nothing has woken it yet.
  var isWaiting: Bool { continuation != nil }

  func takeContinuation() -> UnsafeContinuation<Wake, Never>? { continuation.take() }
}

extension Waiter: CustomReflectable {
  /// Empty, as a journal's is.
  var customMirror: Mirror { Mirror(self, children: []) }
}

/// Why a wait is over.
enum Wake {
  /// What was waited for may have come about.
  case ready
  /// It was the time that was waited for, or no more time was to be spent.
  case timeUp
  /// The task has been cancelled.
  case cancelled
  /// What it waited on was closed on this side.
  case closed
}

extension Wake {
  /// Ends `operation` where the wait was ended without what was waited for.
  func check(_ operation: IOError.Operation) throws(IOError) {
    switch self {
    case .closed: throw IOError(operation, .closed)
    case .cancelled: throw IOError(operation, .cancelled)
    case .ready, .timeUp: break
    }
  }
}

extension Waiter.Reason: CustomStringConvertible {
  /// In the words that watched tasks of real runtimes are described by.
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
  /// Seconds, to the nanosecond, without zeros at the end.
  var text: String {
    let (seconds, attoseconds) = components
    var digits = String(attoseconds.magnitude / 1_000_000_000)
    digits = String(repeating: "0", count: 9 - digits.count) + digits
    while digits.hasSuffix("0") { digits.removeLast() }
    let sign = attoseconds < 0 && seconds == 0 ? "-" : ""
    return digits.isEmpty ? "\(seconds) s" : "\(sign)\(seconds).\(digits) s"
  }
}
