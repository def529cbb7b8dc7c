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
  unowned let network: SimulatedNetwork
  /// What it is told from others by, in this run and in those that differ from it in a fault.
  private let identity: Int
  /// The fault by which it will be reset, and how many more bytes go through before that.
  private var reset: (fault: Fault, bytesLeft: Int)?
  /// What has gone wrong with it, in the order of happening.
  private(set) var faults: [Fault]

  /// What a connection holds in one direction, whether it has arrived or is on its way.
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

  /// A fault that befalls `end`, where it has read or sent so much.
  func fault(_ kind: Fault.Kind, _ chance: Double, at end: ConnectionEnd) -> Fault? {
    guard chance > 0 else { return nil }
    return fault(kind, chance, at: place(of: kind, at: end))
  }

  /// A fault that befalls it at `place`.
  func fault(_ kind: Fault.Kind, _ chance: Double, at place: Fault.Place) -> Fault? {
    guard let fault = network.fault(kind, chance, at: place, of: number) else { return nil }
    note(fault)
    return fault
  }

  /// Notes that `fault` has befallen the connection.
  func note(_ fault: Fault) {
    if !faults.contains(fault) { faults.append(fault) }
  }

  /// Where the next opportunity for a fault is.
  private func place(of kind: Fault.Kind, at end: ConnectionEnd) -> Fault.Place {
    let (position, occasion) = end.occasion(for: kind)
    return Fault.Place(owner: identity, isServerSide: end.isServer, position: position, occasion: occasion)
  }

  /// The opportunity for the `number`-th failure to accept it in a row, counted from 0.
  func acceptPlace(_ number: Int) -> Fault.Place {
    Fault.Place(owner: identity, isServerSide: true, occasion: number)
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
    end.sentCount += bytes.count
    guard let (fault, rest) = reset else { return }
    reset = (fault, rest - bytes.count)
    if rest <= bytes.count { breakDown(by: fault) }
  }

  func sendEnd(from end: ConnectionEnd) { dispatch(.end, from: end) }

  private func dispatch(_ piece: Piece, from end: ConnectionEnd) {
    let peer = peer(of: end)
    peer.piecesSent += 1
    let number = peer.piecesSent
    let place = place(of: .delay, at: end)
    network.whenOpen(from: end.host, to: peer.host) { [self] in
      // What has not left its host when that crashes is lost with it.
      if end.isLost {
        guard case .reset = piece else { return }
      }
      let time = max(peer.lastArrival, network.arrival(on: self, from: end, at: place))
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
    if end.isLost, network.isSilent(end.host) {
      end.hasMissed = true
      return
    }
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
  func sendReset(from end: ConnectionEnd) {
    guard !end.hasSentReset, !network.isSilent(end.host) else { return }
    end.hasSentReset = true
    dispatch(.reset, from: end)
  }

  /// Something between the two ends has given up on the connection: both find it reset, now.
  private func breakDown(by fault: Fault) {
    note(fault)
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
  /// Whether its host has crashed, and has told nobody.
  var isLost = false
  /// Whether something has come for it while its host did not answer.
  var hasMissed = false
  private(set) var isReset = false
  var hasSentReset = false
  /// An error that nobody has been told yet.
  var pendingError: Int32?

  /// The bytes that have been sent from here, and those that have been read here.
  var sentCount = 0
  var readCount = 0
  /// The last opportunities for faults that there have been here: of each kind, after how many bytes, and which it was
  /// there.
  private var occasions = [(position: Int, number: Int)](repeating: (-1, 0), count: 4)
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

  /// After how many bytes the next opportunity for a fault is, and which it is there, counted from 0.
  func occasion(for kind: Fault.Kind) -> (position: Int, number: Int) {
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
