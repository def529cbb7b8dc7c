import Glibc
import Runtime
import RuntimePrimitives

/// A connection between two hosts of a simulation, or within one host: two ends, and the data on its way between them.
///
/// It behaves as TCP does on Linux. Data arrives in order. An end resets its peer if it closes with unread data, or if
/// data arrives after it has closed. The peer then reads what had arrived before, finds `ECONNRESET` once, and after
/// that the end of the stream, or `EPIPE` when it writes.
final class SimulatedConnection {
  let number: Int
  let client: ConnectionEnd
  let server: ConnectionEnd
  unowned let network: SimulatedNetwork
  /// The identity of the connection, the same in runs that differ in a fault.
  private let identity: Int
  /// The fault that will reset the connection, and the number of bytes that still pass before it.
  private var reset: (fault: Fault, bytesLeft: Int)?
  /// The faults of the connection, in their order.
  private(set) var faults: [Fault]

  /// The most bytes in one direction, unread or on their way.
  static let capacity = 64 * 1024

  init(
    _ attempt: SimulatedNetwork.Attempt, client: ConnectionEnd, server: ConnectionEnd, network: SimulatedNetwork
  ) {
    number = attempt.number
    identity = attempt.identity
    faults = attempt.faults
    self.client = client
    self.server = server
    self.network = network
    let plan = network.faults.plan
    if let fault = network.fault(.reset, plan.resets, at: Fault.Place(owner: identity), of: number) {
      reset = (fault, network.faults.amount(fault, upTo: plan.resetsWithin))
    }
  }

  func peer(of end: ConnectionEnd) -> ConnectionEnd { end === client ? server : client }

  /// Draws a fault of `end` at its present position.
  func fault(_ kind: Fault.Kind, _ chance: Double, at end: ConnectionEnd) -> Fault? {
    guard chance > 0 else { return nil }
    return fault(kind, chance, at: nextPlace(of: kind, at: end))
  }

  /// Draws a fault of the connection at `place`.
  func fault(_ kind: Fault.Kind, _ chance: Double, at place: Fault.Place) -> Fault? {
    guard let fault = network.fault(kind, chance, at: place, of: number) else { return nil }
    record(fault)
    return fault
  }

  /// Records `fault` as one of the connection.
  func record(_ fault: Fault) {
    if !faults.contains(fault) { faults.append(fault) }
  }

  /// Returns the place of the next opportunity for a fault.
  private func nextPlace(of kind: Fault.Kind, at end: ConnectionEnd) -> Fault.Place {
    let (position, occasion) = end.nextOccasion(for: kind)
    return Fault.Place(owner: identity, isServerSide: end.isServer, position: position, occasion: occasion)
  }

  /// Returns the place for a failure to accept the connection, after `number` failures in a row.
  func acceptPlace(_ number: Int) -> Fault.Place {
    Fault.Place(owner: identity, isServerSide: true, occasion: number)
  }

  /// Returns the number of bytes that `end` may send now.
  func room(for end: ConnectionEnd) -> Int {
    network.now < end.fullUntil ? 0 : max(0, Self.capacity - peer(of: end).backlog)
  }

  // MARK: Sending

  private enum Piece {
    case bytes([UInt8])
    case end
    case reset
  }

  /// Sends `bytes`, for which there is room, from `end` to its peer.
  func send(_ bytes: [UInt8], from end: ConnectionEnd) {
    peer(of: end).inFlight += bytes.count
    dispatch(.bytes(bytes), from: end)
    end.sentCount += bytes.count
    guard let (fault, rest) = reset else { return }
    reset = (fault, rest - bytes.count)
    if rest <= bytes.count { resetBothEnds(by: fault) }
  }

  func sendEnd(from end: ConnectionEnd) { dispatch(.end, from: end) }

  private func dispatch(_ piece: Piece, from end: ConnectionEnd) {
    let peer = peer(of: end)
    peer.piecesSent += 1
    let number = peer.piecesSent
    let place = nextPlace(of: .delay, at: end)
    network.whenOpen(from: end.host, to: peer.host) { [self] in
      // What has not left a host when it crashes is lost.
      if end.isLost {
        guard case .reset = piece else { return }
      }
      let time = max(peer.lastArrival, network.arrivalTime(on: self, from: end, at: place))
      peer.lastArrival = time
      // Arrives at once only if no earlier piece is still on its way.
      if peer.piecesArrived == number - 1, time <= network.now {
        arrive(piece, at: peer)
      } else {
        network.schedule(at: time) { [self] in arrive(piece, at: peer) }
      }
    }
  }

  private func arrive(_ piece: Piece, at end: ConnectionEnd) {
    end.piecesArrived += 1
    if end.isLost, network.isSilent(end.host) {
      end.hasMissed = true
      return
    }
    switch piece {
    case .bytes(let bytes):
      end.inFlight -= bytes.count
      if end.isReset { return }
      // No task will read it: the sender gets a reset.
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

  /// Sends the peer a reset.
  func sendReset(from end: ConnectionEnd) {
    guard !end.hasSentReset, !network.isSilent(end.host) else { return }
    end.hasSentReset = true
    dispatch(.reset, from: end)
  }

  /// Resets both ends now, as when something between them has given up on the connection.
  private func resetBothEnds(by fault: Fault) {
    record(fault)
    for end in [client, server] where !end.isReset {
      end.reset()
      network.wake(end.reader)
      network.wake(end.writer)
    }
  }

  // MARK: Receiving and closing

  /// Wakes the writer at the other end if there is room for it now.
  func wakePeerWriter(of end: ConnectionEnd) {
    let peer = peer(of: end)
    if room(for: peer) > 0 { network.wake(peer.writer) }
  }

  func close(_ end: ConnectionEnd) {
    guard !end.isClosed else { return }
    end.isClosed = true
    network.remove(end)
    if end.received.count > 0 || end.resetsOnClose {
      end.received.removeAll()
      sendReset(from: end)
    } else if !end.hasFinished {
      sendEnd(from: end)
    }
    end.hasFinished = true
    network.close(end.reader)
    network.close(end.writer)
    // A task that waits for room goes on; what it writes is lost.
    wakePeerWriter(of: end)
  }
}

extension SimulatedConnection {
  /// Closes `end` and resets the peer.
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

  /// Whether closing this end resets the peer.
  let resetsOnClose: Bool

  /// The bytes that have arrived and are unread.
  var received = ByteQueue()
  /// The number of bytes on their way here.
  var inFlight = 0
  var piecesSent = 0
  var piecesArrived = 0
  /// When the last piece sent to this end arrives or has arrived.
  var lastArrival: Int64 = 0

  /// Whether the peer has ended its direction.
  var hasPeerFinished = false
  /// Whether this end has ended its direction.
  var hasFinished = false
  var isClosed = false
  /// Whether the host has crashed silently.
  var isLost = false
  /// Whether something has arrived for this end while its host was silent.
  var hasMissed = false
  private(set) var isReset = false
  var hasSentReset = false
  /// An error that no operation has reported yet.
  var pendingError: Int32?

  /// The number of bytes that were sent from here, and of those that were read here.
  var sentCount = 0
  var readCount = 0
  /// The last opportunity for each kind of fault here: the number of bytes before it, and its number at that position.
  private var occasions = [(position: Int, number: Int)](repeating: (-1, 0), count: 4)
  /// A fault: until this time there is no room for this end's data.
  var fullUntil: Int64 = 0
  /// The count of operations that go through without a yield.
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

  /// The number of bytes that the peer has sent and that are unread.
  var backlog: Int { inFlight + received.count }

  /// Returns the position of the next opportunity for a fault, and its number there, counted from 0.
  func nextOccasion(for kind: Fault.Kind) -> (position: Int, number: Int) {
    let (index, position) =
      switch kind {
      case .shortRead: (0, readCount)
      case .shortWrite: (1, sentCount)
      case .fullBuffer: (2, sentCount)
      default: (3, sentCount)
      }
    let last = occasions[index]
    occasions[index] = (position, last.position == position ? last.number + 1 : 0)
    return occasions[index]
  }

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
  /// Where the unread bytes begin. Removing bytes from the front each time would be quadratic.
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
  mutating func popFirst(_ count: Int, into buffer: inout OutputRawSpan) {
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
