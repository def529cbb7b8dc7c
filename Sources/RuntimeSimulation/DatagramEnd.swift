import Runtime
import RuntimePrimitives

/// What a simulated network knows of a socket for datagrams.
final class DatagramEnd {
  let number: Int
  let host: SimulatedHost
  let options: DatagramOptions
  var address: SocketAddress
  /// The address that it sends to, and the only one from which it receives, if it is connected.
  var peerAddress: SocketAddress?

  private(set) var received: [Parcel] = []
  /// An error that no operation has been told yet.
  var pendingError: Int32?
  var isClosed = false

  /// Datagrams that it has sent by UDP.
  var sentCount = 0
  /// When the last datagram arrives that it has sent to an address, not counting those that a fault delays.
  var lastArrival: [SocketAddress: Int64] = [:]
  /// The turn of the tasks that use it.
  var turn = SimulatedTurn()

  var receiver: Waiter?
  var sender: Waiter?
  /// Those that wait for room in its queue.
  var waitingForRoom: [Waiter] = []

  /// A datagram with its sender's address.
  struct Parcel {
    /// Which it is among all datagrams of the run.
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

  /// What Linux gives a socket's buffers unless told otherwise (socket(7), `rmem_default`).
  private static let bufferSize = 212_992
  /// What Linux counts for a small datagram beside its bytes.
  private static let overhead = 768
  /// How many datagrams Linux queues for a Unix-domain socket unless told otherwise (unix(7), `max_dgram_qlen`).
  private static let queueLimit = 10

  /// The longest datagram that it sends: as long as the headers of UDP and IP leave room for, or as its buffer is.
  var longest: Int {
    switch address {
    case .ipv4: 65_507
    case .ipv6: 65_527
    case .unix: (options.sendBufferSize ?? Self.bufferSize) - 32
    }
  }

  /// Whether its queue has room for `count` bytes more.
  func hasRoom(for count: Int) -> Bool {
    if isUnix { return received.count < Self.queueLimit }
    let used = received.reduce(0) { $0 + $1.bytes.count + Self.overhead }
    return used + count + Self.overhead <= options.receiveBufferSize ?? Self.bufferSize
  }

  func append(_ parcel: Parcel) { received.append(parcel) }

  /// Takes the first datagram that has come.
  func take() -> Parcel? { received.isEmpty ? nil : received.removeFirst() }

  func removeAll() { received = [] }

  /// Takes those that wait for room in its queue.
  func takeWaitingForRoom() -> [Waiter] { exchange(&waitingForRoom, with: []) }
}

extension DatagramEnd: CustomStringConvertible {
  var description: String { "datagram socket \(number)" }
}
