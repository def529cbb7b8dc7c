import Glibc
import Runtime
import RuntimePrimitives

/// A connection between two hosts of a simulation, or within one: two ends, and what is on its way between them.
///
/// It behaves as TCP does on Linux. What is sent arrives in order, and later. An end that closes with data unread, or to
/// which data comes after it has closed, resets its peer, which reads what it has got already, then finds
/// `ECONNRESET` once, and from then on the end of the stream, and `EPIPE` when it writes.
final class SimulatedConnection {
  let number: Int
  let client: ConnectionEnd
  let server: ConnectionEnd
  private unowned let network: SimulatedNetwork
  /// How many more bytes go through before it is reset.
  private var bytesToReset: Int?

  /// What a connection holds in one direction, whether it has arrived or is on its way.
  static let capacity = 64 * 1024

  init(number: Int, client: ConnectionEnd, server: ConnectionEnd, network: SimulatedNetwork) {
    self.number = number
    self.client = client
    self.server = server
    self.network = network
    let plan = network.faults.plan
    if let fault = network.fault(.reset, plan.resets, at: number, isServerSide: false, occasion: 0) {
      bytesToReset = network.faults.amount(fault, upTo: plan.resetsWithin)
    }
  }

  func peer(of end: ConnectionEnd) -> ConnectionEnd { end === client ? server : client }

  /// A fault that befalls `end`.
  func fault(_ kind: Fault.Kind, _ chance: Double, at end: ConnectionEnd) -> Fault? {
    guard chance > 0 else { return nil }
    end.occasions += 1
    return network.fault(kind, chance, at: number, isServerSide: end.isServer, occasion: end.occasions)
  }

  /// How much `end` may send now.
  func room(for end: ConnectionEnd) -> Int {
    network.now < end.fullUntil ? 0 : max(0, Self.capacity - peer(of: end).backlog)
  }

  // MARK: Sending

  private enum Piece {
    case bytes([UInt8])
    case end
    case reset
  }

  /// Sends `bytes`, for which there is room, from `end` on.
  func send(_ bytes: [UInt8], from end: ConnectionEnd) {
    peer(of: end).inFlight += bytes.count
    dispatch(.bytes(bytes), from: end)
    guard let rest = bytesToReset else { return }
    bytesToReset = rest - bytes.count
    if rest <= bytes.count { breakDown() }
  }

  func sendEnd(from end: ConnectionEnd) { dispatch(.end, from: end) }

  private func dispatch(_ piece: Piece, from end: ConnectionEnd) {
    let peer = peer(of: end)
    peer.piecesSent += 1
    let number = peer.piecesSent
    network.whenConnected(end.host, peer.host) { [self] in
      let time = max(peer.lastArrival, network.arrival(on: self, from: end, piece: number))
      peer.lastArrival = time
      // At once only where nothing is before it on the way.
      if peer.piecesArrived == number - 1, time <= network.now {
        arrive(piece, at: peer)
      } else {
        network.schedule(at: time) { [self] in arrive(piece, at: peer) }
      }
    }
  }

  private func arrive(_ piece: Piece, at end: ConnectionEnd) {
    end.piecesArrived += 1
    switch piece {
    case .bytes(let bytes):
      end.inFlight -= bytes.count
      if end.isReset { return }
      // Nobody will read it: the sender is told.
      if end.isClosed { return sendReset(from: end) }
      end.received.append(bytes)
    case .end:
      end.hasPeerFinished = true
    case .reset:
      end.reset()
      network.wake(end.writer)
    }
    network.wake(end.reader)
  }

  /// Tells the peer that what it sends is lost.
  fileprivate func sendReset(from end: ConnectionEnd) {
    guard !end.hasSentReset else { return }
    end.hasSentReset = true
    dispatch(.reset, from: end)
  }

  /// Something between the two ends has given up on the connection: both find it reset, now.
  private func breakDown() {
    for end in [client, server] where !end.isReset {
      end.reset()
      network.wake(end.reader)
      network.wake(end.writer)
    }
  }

  // MARK: Receiving and closing

  /// Room has been made for the peer of `end`.
  func hasRead(at end: ConnectionEnd) {
    let peer = peer(of: end)
    if room(for: peer) > 0 { network.wake(peer.writer) }
  }

  func close(_ end: ConnectionEnd) {
    guard !end.isClosed else { return }
    end.isClosed = true
    network.forget(end)
    if end.received.count > 0 || end.resetsOnClose {
      end.received.removeAll()
      sendReset(from: end)
    } else if !end.hasFinished {
      sendEnd(from: end)
    }
    end.hasFinished = true
    network.close(end.reader)
    network.close(end.writer)
    // Who waits for room is no longer held up: what it sends goes nowhere.
    hasRead(at: end)
  }
}

extension SimulatedConnection {
  /// Closes `end` and has the peer find it reset.
  func abort(_ end: ConnectionEnd) {
    sendReset(from: end)
    end.hasFinished = true
    close(end)
  }
}

/// One end of a simulated connection.
final class ConnectionEnd {
  let number: Int
  let isServer: Bool
  let host: Int
  let address: SocketAddress
  let peerAddress: SocketAddress

  /// Whether the peer is to find the connection reset when this end closes.
  let resetsOnClose: Bool

  /// What has arrived and is unread.
  var received = ByteQueue()
  /// Bytes on their way here.
  var inFlight = 0
  var piecesSent = 0
  var piecesArrived = 0
  /// When the last piece that was sent here arrives, or did.
  var lastArrival: Int64 = 0

  /// Whether the peer says no more.
  var hasPeerFinished = false
  /// Whether this end says no more.
  var hasFinished = false
  var isClosed = false
  private(set) var isReset = false
  var hasSentReset = false
  /// An error that nobody has been told yet.
  var pendingError: Int32?

  /// Opportunities for faults that there have been here.
  var occasions = 0
  /// A fault: until then there is no room for what it writes.
  var fullUntil: Int64 = 0
  /// The turn of the tasks that use it.
  var turn = SimulatedTurn()

  var reader: Waiter?
  var writer: Waiter?

  init(
    number: Int, isServer: Bool, host: Int, address: SocketAddress, peerAddress: SocketAddress, _ options: TCPOptions
  ) {
    self.number = number
    self.isServer = isServer
    self.host = host
    self.address = address
    self.peerAddress = peerAddress
    resetsOnClose = options.resetsOnClose
  }

  /// Bytes that the peer has sent and nobody has read.
  var backlog: Int { inFlight + received.count }

  func reset() {
    guard !isReset else { return }
    isReset = true
    hasPeerFinished = true
    pendingError = ECONNRESET
  }
}

extension ConnectionEnd: CustomStringConvertible {
  var description: String { "the \(isServer ? "server" : "client")'s end of connection \(number)" }
}

/// Bytes, first in, first out.
struct ByteQueue {
  private var bytes: [UInt8] = []
  /// Where the rest begins: to remove from the front each time would be quadratic.
  private var start = 0

  var count: Int { bytes.count - start }

  mutating func append(_ more: [UInt8]) {
    if start == bytes.count {
      bytes = more
      start = 0
    } else {
      bytes.append(contentsOf: more)
    }
  }

  /// Moves the first `count` bytes to `buffer`, which has room for them.
  mutating func take(_ count: Int, into buffer: inout OutputRawSpan) {
    buffer.append(copying: bytes.span.bytes.extracting(start..<start + count))
    start += count
    if start == bytes.count {
      removeAll()
    } else if start > bytes.count / 2 {
      bytes.removeFirst(start)
      start = 0
    }
  }

  mutating func removeAll() {
    bytes = []
    start = 0
  }
}
