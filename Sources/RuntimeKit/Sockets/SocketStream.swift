import Glibc
public import Runtime

/// A connected TCP or Unix-domain socket, used by all three backends.
///
/// It belongs to the runtime that created it, may be used from any task, and is closed with the last reference.
public final class SocketStream: ByteStream {
  let socket: Socket

  package init(_ socket: Socket) {
    self.socket = socket
  }

  deinit {
    socket.close()
  }

  public func waitUntilReadable() async throws(IOError) {
    // After a refusal by `tryRead` too, so that a loop of the two calls lets other tasks run.
    if socket.turn.isOver { await socket.turn.yieldTurn() }
    if socket.reading.isReady { return }
    try await socket.wait(for: .read, .read)
  }

  public func waitUntilReadableOrClosed() async throws(IOError) {
    // Both paths end in a call, so the function has almost no frame: idle connections wait here.
    if socket.turn.isOver { return try await yieldAndWait() }
    if socket.reading.isReady { return }
    socket.willWait(for: .read, .read)
    try await socket.reading.waitOnce(.read)
  }

  /// Repeats the end of the function above. If that function were called instead, an idle connection would need a
  /// kilobyte more (Swift 6.3.1).
  private func yieldAndWait() async throws(IOError) {
    await socket.turn.yieldTurn()
    if socket.reading.isReady { return }
    socket.willWait(for: .read, .read)
    try await socket.reading.waitOnce(.read)
  }

  public func read(into buffer: inout OutputRawSpan) async throws(IOError) -> Int {
    guard buffer.freeCapacity > 0 else { return 0 }
    if socket.turn.isOver { await socket.turn.yieldTurn() }
    while true {
      try await socket.wait(for: .read, .read)
      if let count = try receive(into: &buffer) { return count }
    }
  }

  public func tryRead(into buffer: inout OutputRawSpan) throws(IOError) -> Int? {
    guard buffer.freeCapacity > 0 else { return 0 }
    guard try !socket.reading.mustWait(.read), !socket.turn.refuses() else { return nil }
    return try receive(into: &buffer)
  }

  /// Calls `recv` once. Returns `nil` if there is nothing to read.
  @inline(__always)
  private func receive(into buffer: inout OutputRawSpan) throws(IOError) -> Int? {
    let room = buffer.freeCapacity
    socket.reading.clear()
    let (count, code) = try buffer.withUnsafeMutableBytes { bytes, initialized throws(IOError) in
      let free = UnsafeMutableRawBufferPointer(rebasing: bytes[initialized...])
      let (count, code) = try socket.call(.read) { recv($0, free.baseAddress, free.count, 0) }
      if count > 0 { initialized += count }
      return (count, code)
    }
    // A short read has emptied the socket, and later data brings an edge. Otherwise there may be more.
    if count == room || count == 0 { socket.reading.signal() }
    socket.turn.spend(Turn.systemCall + max(0, count))
    if count >= 0 { return count }
    if code == EAGAIN { return nil }
    socket.reading.signal()
    throw IOError(.read, .system(code))
  }

  public func write(_ bytes: RawSpan) async throws(IOError) {
    try await write(bytes, RawSpan())
  }

  public func write(_ first: RawSpan, _ second: RawSpan) async throws(IOError) {
    let total = first.byteCount + second.byteCount
    var written = 0
    while written < total {
      if socket.turn.isOver { await socket.turn.yieldTurn() }
      if let count = try send(first, second, from: written) { written += count } else { try await waitToWrite() }
    }
  }

  public func writeSome(_ bytes: RawSpan) async throws(IOError) -> Int {
    if bytes.isEmpty { return 0 }
    if socket.turn.isOver { await socket.turn.yieldTurn() }
    while true {
      if let count = try send(bytes, RawSpan(), from: 0) { return count }
      try await waitToWrite()
    }
  }

  /// Waits after a write of which the kernel accepted nothing.
  func waitToWrite() async throws(IOError) {
    // The first time, it only clears the hint, and the caller retries. Otherwise an edge between the call and the
    // clearing would be lost.
    if socket.writing.isReady { return socket.writing.clear() }
    try await socket.wait(for: .write, .write)
  }

  public func tryWrite(_ bytes: RawSpan) throws(IOError) -> Int {
    if socket.turn.refuses() { return 0 }
    return try send(bytes, RawSpan(), from: 0) ?? 0
  }

  /// Calls `send` or `sendmsg` once with the bytes from `offset` on. Returns `nil` if the kernel accepts none.
  @inline(__always)
  private func send(_ first: RawSpan, _ second: RawSpan, from offset: Int) throws(IOError) -> Int? {
    let a = first.extracting(droppingFirst: min(offset, first.byteCount))
    let b = second.extracting(droppingFirst: max(0, offset - first.byteCount))
    let (count, code) = try a.withUnsafeBytes { a throws(IOError) in
      try b.withUnsafeBytes { b throws(IOError) in
        // With MSG_NOSIGNAL a disconnected peer is an error, not a SIGPIPE.
        try socket.call(.write) { descriptor in
          if b.isEmpty { return Glibc.send(descriptor, a.baseAddress, a.count, noSignal) }
          if a.isEmpty { return Glibc.send(descriptor, b.baseAddress, b.count, noSignal) }
          return sendTwo(descriptor, a, b)
        }
      }
    }
    socket.turn.spend(Turn.systemCall + max(0, count))
    if count >= 0 { return count }
    if code == EAGAIN { return nil }
    throw IOError(.write, .system(code))
  }

  public func shutdownWrite() throws(IOError) {
    let (result, code) = try socket.call(.shutdown) { Int(shutdown($0, Int32(SHUT_WR))) }
    // A peer that has already disconnected needs no end marker.
    if result < 0, code != ENOTCONN { throw IOError(.shutdown, .system(code)) }
  }

  public func close() {
    socket.close()
  }

  public func attribute<Attribute: StreamAttribute>(_ type: Attribute.Type) -> Attribute? {
    if type == PeerPresence.self { return socket.peerPresence as? Attribute }
    if type == PendingInput.self { return socket.pendingInput as? Attribute }
    if type == QueueTime.self { return socket.reading.queueTime as? Attribute }
    return type == PeerCredentials.self ? socket.peerCredentials as? Attribute : nil
  }

  /// The peer's address; `nil` once the stream is closed or the peer has disconnected.
  public var peerAddress: SocketAddress? { socket.peerAddress }

  /// The local address; `nil` once the stream is closed.
  public var localAddress: SocketAddress? { socket.localAddress }
}

private let noSignal = Int32(MSG_NOSIGNAL)

private func sendTwo(_ descriptor: Int32, _ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Int {
  withUnsafeTemporaryAllocation(of: iovec.self, capacity: 2) { pieces in
    // The kernel only reads through an `iovec`, but its type has no const pointer.
    pieces[0] = iovec(iov_base: UnsafeMutableRawPointer(mutating: a.baseAddress), iov_len: a.count)
    pieces[1] = iovec(iov_base: UnsafeMutableRawPointer(mutating: b.baseAddress), iov_len: b.count)
    var message = msghdr()
    message.msg_iov = pieces.baseAddress
    message.msg_iovlen = 2
    return sendmsg(descriptor, &message, noSignal)
  }
}
