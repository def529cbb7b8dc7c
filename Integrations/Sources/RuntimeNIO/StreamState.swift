import NIOCore
import Runtime
import RuntimePrimitives

/// What the tasks that use a stream and the event loop of its channel share.
struct StreamState {
  /// What has been read and not been taken.
  var inbox = ByteBuffer()
  /// What other threads have written and the loop has not handed to the channel.
  var outbox: [ByteBuffer] = []
  var outboxBytes = 0
  /// Whether the loop will come for the outbox.
  var isDrainScheduled = false
  /// Whether the channel wants more to send.
  var isWritable = true
  /// Whether the loop stopped reading because the inbox was full.
  var isReadHeld = false
  var inputEnd: End?
  var outputEnd: Failure?
  /// Whether this end has been closed.
  var isClosed = false
  /// Whether the channel has ended, and takes no more from its loop.
  var isGone = false
  /// What a Unix-domain connection's ends are called.
  var unixAddresses: (local: SocketAddress?, peer: SocketAddress?)?
  var reader: Waiter?
  var writer: Waiter?
  private var ticket = 0
  private var turn = Turn()

  /// How much is read ahead, and how much is taken off other threads, before the one and the other has to wait.
  static let most = 64 * 1024

  enum End {
    /// The peer has finished writing.
    case finished
    case failed(Failure)
  }

  /// A task that waits, to be resumed with `nil` when its direction is worth trying, and otherwise with the reason.
  struct Waiter {
    let ticket: Int
    let continuation: UnsafeContinuation<IOError.Reason?, Never>
  }

  /// How many bytes may be written now.
  var room: Int { isWritable ? max(0, Self.most - outboxBytes) : 0 }

  /// Whether a read or a write would not have to wait.
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

  /// The place of the task that waits for `direction`.
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

  /// Takes out the task that waits for `direction`, if that is worth trying now: for the caller to resume.
  mutating func takeReady(_ direction: Direction) -> Waiter? {
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
  /// What a task has done since it last waited: a peer that is never slow would otherwise have it keep its thread.
  private struct Turn {
    var work = 0
    /// Whether an operation that cannot wait has been refused, so that others have their turn.
    var isRefused = false

    /// A quarter of a millisecond's work: 64 small operations, or fewer with many bytes.
    static let most = 256 * 1024
    static let operation = 4 * 1024
  }

  /// Whether others are to have their turn before an operation that can wait goes on. If so, a new one begins.
  mutating func endsTurn() -> Bool {
    guard turn.isRefused || turn.work >= Turn.most else { return false }
    turn = Turn()
    return true
  }

  /// Whether an operation that cannot wait is refused. The next one is not.
  mutating func refuses() -> Bool {
    guard turn.work >= Turn.most else { return false }
    turn = Turn(isRefused: true)
    return true
  }

  /// Counts an operation that has moved so many bytes.
  mutating func spend(_ bytes: Int) { turn.work += Turn.operation + bytes }

  /// Notes that the task waits.
  mutating func restartTurn() { turn = Turn() }
}
