import Glibc
public import Runtime
import Synchronization

/// A UDP or Unix-domain datagram socket, used by all backends on `RuntimeServices`.
///
/// It belongs to the runtime that created it, may be used from any task, and is closed with the last reference.
public final class SocketDatagrams: DatagramSocket {
  private let socket: Socket
  private let network: SocketNetwork
  private let boundAddress: SocketAddress
  /// Whether a send is waiting for its next attempt.
  private let isWaitingToRetry = Atomic(false)

  init(_ socket: Socket, address: SocketAddress, network: SocketNetwork) {
    self.socket = socket
    self.network = network
    boundAddress = socket.localAddress ?? address
  }

  deinit {
    close()
  }

  public var localAddress: SocketAddress { socket.localAddress ?? boundAddress }
  public var peerAddress: SocketAddress? { socket.peerAddress }

  public func connect(to address: SocketAddress) throws(IOError) {
    try address.checkPath(.connect)
    let (result, code) = try socket.call(.connect) { number in
      Int(address.withSystemAddress { Glibc.connect(number, $0, $1) })
    }
    if result < 0 { throw IOError(.connect, .system(code)) }
  }

  // MARK: Receiving

  public func receive(into buffer: inout OutputRawSpan) async throws(IOError) -> DatagramReceipt {
    if socket.turn.isOver { await socket.turn.yieldTurn() }
    while true {
      if let receipt = try receiveOnce(into: &buffer) { return receipt }
      try await socket.wait(for: .read, .receive)
    }
  }

  /// Calls `recvfrom` once. Returns `nil` if there is no datagram.
  private func receiveOnce(into buffer: inout OutputRawSpan) throws(IOError) -> DatagramReceipt? {
    // Before the call, so that a datagram that arrives during the call is not missed.
    socket.reading.clear()
    let room = buffer.freeCapacity
    var sender: SocketAddress?
    let (length, code) = try buffer.withUnsafeMutableBytes { bytes, initialized throws(IOError) in
      let free = UnsafeMutableRawBufferPointer(rebasing: bytes[initialized...])
      let (length, code) = try socket.call(.receive) { number in
        var length = 0
        sender = SocketAddress(writtenBy: {
          // With MSG_TRUNC the result is the length of the datagram, which may exceed the buffer.
          length = recvfrom(number, free.baseAddress, free.count, Int32(MSG_TRUNC), $0, $1)
          return length < 0 ? -1 : 0
        })
        return length
      }
      initialized += min(max(0, length), free.count)
      return (length, code)
    }
    // More datagrams may be queued without an edge of their own, even after an error.
    if length >= 0 || code != EAGAIN { socket.reading.signal() }
    let count = min(max(0, length), room)
    socket.turn.spend(Turn.systemCall + count)
    if length >= 0 { return DatagramReceipt(byteCount: count, sender: sender, isTruncated: length > room) }
    if code == EAGAIN { return nil }
    throw IOError(.receive, .system(code))
  }

  // MARK: Sending

  public func send(_ bytes: RawSpan, to address: SocketAddress) async throws(IOError) {
    try address.checkPath(.send)
    if socket.turn.isOver { await socket.turn.yieldTurn() }
    while try !sendOnce(bytes, address) {
      // If a Unix-domain receiver's queue is full, the system signals room only to a socket connected to the receiver.
      // Any other socket would be signalled at once, again and again.
      if case .unix = address { try await waitToRetry() } else { try await waitToSend() }
    }
  }

  public func send(_ bytes: RawSpan) async throws(IOError) {
    if socket.turn.isOver { await socket.turn.yieldTurn() }
    while try !sendOnce(bytes, nil) { try await waitToSend() }
  }

  /// Calls `sendto` once, or `send` to the peer if there is no `address`.
  ///
  /// - Returns: whether the datagram was sent; `false` if the kernel has no room for it.
  private func sendOnce(_ bytes: RawSpan, _ address: SocketAddress?) throws(IOError) -> Bool {
    let (count, code) = try bytes.withUnsafeBytes { bytes throws(IOError) in
      try socket.call(.send) { number in
        guard let address else { return Glibc.send(number, bytes.baseAddress, bytes.count, noSignal) }
        return address.withSystemAddress { sendto(number, bytes.baseAddress, bytes.count, noSignal, $0, $1) }
      }
    }
    socket.turn.spend(Turn.systemCall + max(0, count))
    if count >= 0 {
      // Restores the hint, which an earlier task may have cleared.
      socket.writing.signal()
      return true
    }
    if code == EAGAIN { return false }
    throw IOError(.send, .system(code))
  }

  /// Waits after a send for which the kernel had no room.
  private func waitToSend() async throws(IOError) {
    // The first time, it only clears the hint, and the caller retries. Otherwise an edge between the call and the
    // clearing would be lost.
    if socket.writing.isReady { return socket.writing.clear() }
    try await socket.wait(for: .write, .send)
  }

  /// The delay between attempts for a receiver that the system does not signal.
  private static let retryDelay = Duration.milliseconds(1)

  private func waitToRetry() async throws(IOError) {
    // Relaxed: it decides between two tasks and guards no other data.
    if isWaitingToRetry.exchange(true, ordering: .relaxed) { throw IOError(.send, .busy) }
    defer { isWaitingToRetry.store(false, ordering: .relaxed) }
    socket.turn.restart()
    try await network.pause(Self.retryDelay, .send)
  }

  /// Closes the socket, and removes its name from the file system unless another file has taken the name.
  public func close() {
    socket.close()
  }
}

private let noSignal = Int32(MSG_NOSIGNAL)
