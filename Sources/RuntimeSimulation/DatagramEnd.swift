import Runtime
import RuntimePrimitives

/// The network's side of a datagram socket.
final class DatagramEnd {
  let number: Int
  let host: SimulatedHost
  let options: DatagramOptions
  var address: SocketAddress
  /// The peer's address, if the socket is connected: it sends there, and receives only from there.
  var peerAddress: SocketAddress?

  private(set) var received: [QueuedDatagram] = []
  /// An error that no operation has reported yet.
  var pendingError: Int32?
  var isClosed = false

  /// The number of datagrams sent by UDP.
  var sentCount = 0
  /// When the last datagram to each address arrives, not counting those that a fault delays.
  var lastArrival: [SocketAddress: Int64] = [:]
  /// The count of operations that go through without a yield.
  var turn = SimulatedTurn()

  var receiver: Waiter?
  var sender: Waiter?
  /// Tasks that wait for room in this socket's queue.
  var waitingForRoom: [Waiter] = []

  /// A datagram with its sender's address.
  struct QueuedDatagram {
    /// The number of the datagram among all of the run.
    let number: Int
    let bytes: [UInt8]
    let sender: SocketAddress
  }

  init(number: Int, host: SimulatedHost, address: SocketAddress, _ options: DatagramOptions) {
    self.number = number
    self.host = host
    self.address = address
    self.options = options
  }

  var isUnix: Bool { if case .unix = address { true } else { false } }

  /// Linux's default size of a socket's buffers (socket(7), `rmem_default`).
  private static let bufferSize = 212_992
  /// The bytes that Linux counts for a small datagram in addition to its contents.
  private static let overhead = 768
  /// Linux's default length of a Unix-domain socket's queue (unix(7), `max_dgram_qlen`).
  private static let queueLimit = 10

  /// The longest datagram that the socket can send: what the headers of UDP and IP leave room for, or what its buffer
  /// holds.
  var maximumLength: Int {
    switch address {
    case .ipv4: 65_507
    case .ipv6: 65_527
    case .unix: (options.sendBufferSize ?? Self.bufferSize) - 32
    }
  }

  /// Returns whether the queue has room for a datagram of `count` bytes.
  func hasRoom(for count: Int) -> Bool {
    if isUnix { return received.count < Self.queueLimit }
    let used = received.reduce(0) { $0 + $1.bytes.count + Self.overhead }
    return used + count + Self.overhead <= options.receiveBufferSize ?? Self.bufferSize
  }

  func append(_ datagram: QueuedDatagram) { received.append(datagram) }

  /// Removes and returns the first datagram in the queue.
  func popFirst() -> QueuedDatagram? { received.isEmpty ? nil : received.removeFirst() }

  func removeAll() { received = [] }

  /// Removes and returns the tasks that wait for room in the queue.
  func takeWaitingForRoom() -> [Waiter] { exchange(&waitingForRoom, with: []) }
}

extension DatagramEnd: CustomStringConvertible {
  var description: String { "datagram socket \(number)" }
}
