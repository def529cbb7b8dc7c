import NIOCore
import Runtime
import RuntimePrimitives

/// The state shared by the tasks that use a stream and the event loop of its channel.
struct StreamState {
  /// Received bytes that have not been taken.
  var inbox = ByteBuffer()
  /// Bytes written by other threads that the loop has not passed to the channel.
  var outbox: [ByteBuffer] = []
  var outboxBytes = 0
  /// Whether the loop is going to drain the outbox.
  var isDrainScheduled = false
  /// Whether the channel accepts more bytes.
  var isWritable = true
  /// Whether the loop stopped reading because the inbox was full.
  var isReadHeld = false
  var inputEnd: End?
  var outputEnd: Failure?
  /// Whether this end has been closed.
  var isClosed = false
  /// Whether the channel has ended and accepts no more calls from its loop.
  var isGone = false
  /// The names of a Unix-domain connection's ends.
  var unixAddresses: (local: SocketAddress?, peer: SocketAddress?)?
  var reader: Waiter?
  var writer: Waiter?
  private var ticket = 0
  private var turn = Turn()

  /// The number of bytes read ahead, and the number of bytes accepted from other threads, before each has to wait.
  static let bufferLimit = 64 * 1024

  enum End {
    /// The peer has finished writing.
    case finished
    case failed(Failure)
  }

  /// A waiting task. It is resumed with `nil` when its direction is ready, otherwise with the reason.
  struct Waiter {
    let ticket: Int
    let continuation: UnsafeContinuation<IOError.Reason?, Never>
  }

  /// The number of bytes that may be written now.
  var room: Int { isWritable ? max(0, Self.bufferLimit - outboxBytes) : 0 }

  /// Returns whether a read or a write would not have to wait.
  func isWorthTrying(_ direction: Direction) -> Bool {
    switch direction {
    case .read: inbox.readableBytes > 0 || inputEnd != nil
    case .write: room > 0 || outputEnd != nil
    }
  }

  mutating func nextTicket() -> Int {
    ticket += 1
    return ticket
  }

  /// The task that waits for `direction`.
  subscript(direction: Direction) -> Waiter? {
    get {
      switch direction {
      case .read: reader
      case .write: writer
      }
    }
    set {
      switch direction {
      case .read: reader = newValue
      case .write: writer = newValue
      }
    }
  }

  /// Removes the task that waits for `direction`, if that is ready, and returns it to be resumed by the caller.
  mutating func removeReadyWaiter(for direction: Direction) -> Waiter? {
    isWorthTrying(direction) ? exchange(&self[direction], with: nil) : nil
  }
}

/// A direction of a stream.
enum Direction: Sendable {
  case read, write

  var operation: IOError.Operation {
    switch self {
    case .read: .read
    case .write: .write
    }
  }
}

extension StreamState {
  /// The work of a task since it last waited. Without it, a task with a fast peer would keep its thread forever.
  private struct Turn {
    var work = 0
    /// Whether a non-suspending operation has been refused to let other tasks run.
    var isRefused = false

    /// About a quarter of a millisecond of work: 64 small operations, or fewer with many bytes.
    static let maximumWork = 256 * 1024
    /// The work that an operation counts for, in addition to its bytes.
    static let operationCost = 4 * 1024
  }

  /// Returns whether other tasks should run before an operation that can wait. If so, begins a new turn.
  mutating func restartTurnIfOver() -> Bool {
    guard turn.isRefused || turn.work >= Turn.maximumWork else { return false }
    turn = Turn()
    return true
  }

  /// Returns whether a non-suspending operation must be refused. The next one is not.
  mutating func refuses() -> Bool {
    guard turn.work >= Turn.maximumWork else { return false }
    turn = Turn(isRefused: true)
    return true
  }

  /// Counts an operation that has transferred `bytes` bytes.
  mutating func spend(_ bytes: Int) { turn.work += Turn.operationCost + bytes }

  /// Records that the task waits.
  mutating func restartTurn() { turn = Turn() }
}
