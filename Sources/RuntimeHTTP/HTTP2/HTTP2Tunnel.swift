import Glibc
import Runtime
import RuntimePrimitives

/// The stream of a request as a stream of bytes, for a protocol that has taken the place of HTTP on it (RFC 9113 section
/// 8.5, RFC 8441 section 5).
final class HTTP2Tunnel<Stream: ByteStream, H: Handler>: ByteStream {
  private let exchange: HTTP2Exchange<Stream, H>
  /// What has come and has not been read.
  private let unread = Lock<ArraySlice<UInt8>>([])
  private let isClosed = Lock(false)

  init(_ exchange: HTTP2Exchange<Stream, H>) { self.exchange = exchange }

  /// Sends the head of the response that begins it.
  func open(_ fields: HeaderFields) {
    change { state in
      state.core.setTime(to: secondsSince1970())
      state.core.openTunnel(exchange.slot, fields)
    }
  }

  // MARK: Reading

  func waitUntilReadable() async throws(IOError) {
    if unread.withLock({ $0.isEmpty }) { _ = try await fill() }
  }

  func read(into buffer: inout OutputRawSpan) async throws(IOError) -> Int {
    if buffer.freeCapacity == 0 { return 0 }
    repeat {
      if let count = unread.withLock({ $0.moveFirst(into: &buffer) }) { return count }
    } while try await fill()
    return 0
  }

  func tryRead(into buffer: inout OutputRawSpan) throws(IOError) -> Int? {
    unread.withLock { $0.moveFirst(into: &buffer) }
  }

  /// Waits for more.
  ///
  /// - Returns: whether there is any; if not, the peer has finished.
  private func fill() async throws(IOError) -> Bool {
    if isClosed.withLock(\.self) { throw IOError(.read, .closed) }
    do {
      guard let bytes = try await exchange.next() else { return false }
      unread.withLock { $0 += bytes }
      return true
    } catch {
      throw ioError(.read, error)
    }
  }

  // MARK: Writing

  func writeSome(_ bytes: RawSpan) async throws(IOError) -> Int {
    if bytes.isEmpty { return 0 }
    while true {
      let count = try tryWrite(bytes)
      if count > 0 { return count }
      do {
        await exchange.waitForRoom()
        try exchange.check()
      } catch {
        throw ioError(.write, error)
      }
    }
  }

  func tryWrite(_ bytes: RawSpan) throws(IOError) -> Int {
    if isClosed.withLock(\.self) { throw IOError(.write, .closed) }
    do {
      let room = try exchange.room()
      guard room > 0, !bytes.isEmpty else { return 0 }
      let piece = bytes.extracting(first: min(bytes.byteCount, room))
      _ = try exchange.add(piece.withUnsafeBytes { Array($0) })
      return piece.byteCount
    } catch {
      throw ioError(.write, error)
    }
  }

  func shutdownWrite() async throws(IOError) {
    if isClosed.withLock(\.self) { throw IOError(.shutdown, .closed) }
    change { state in try? state.core.endContent(exchange.slot, trailers: nil) }
  }

  func close() {
    let wasClosed = isClosed.withLock { isClosed in
      defer { isClosed = true }
      return isClosed
    }
    if wasClosed { return }
    change { state in try? state.core.endContent(exchange.slot, trailers: nil) }
    exchange.wakeWaiters()
  }

  /// Closes the stream, and has the peer told that it has not ended well.
  func abort() {
    isClosed.withLock { $0 = true }
    change { state in state.core.reset(exchange.slot, .connectError) }
    exchange.wakeWaiters()
  }

  var peerAddress: SocketAddress? { exchange.connection.stream.peerAddress }
  var localAddress: SocketAddress? { exchange.connection.stream.localAddress }

  func attribute<Attribute: StreamAttribute>(_ type: Attribute.Type) -> Attribute? {
    exchange.connection.stream.attribute(type)
  }

  /// Changes the connection's state, if the stream is there still, and has written what that leads to.
  private func change(_ change: (inout HTTP2ConnectionState) -> Void) {
    let writer = exchange.connection.state.withLock { state in
      if state.core.isLive(exchange.slot, exchange.stream) { change(&state) }
      return state.writerToWake()
    }
    writer?.resume()
  }

  /// What `error`, of an exchange, is for a stream.
  private func ioError(_ operation: IOError.Operation, _ error: any Error) -> IOError {
    if let error = error as? IOError { return error }
    if isClosed.withLock(\.self) { return IOError(operation, .closed) }
    return switch error as? BodyError {
    case BodyError.busy?: IOError(operation, .busy)
    case BodyError.ended?: IOError(operation, .closed)
    case BodyError.disconnected?: IOError(operation, .system(operation == .read ? ECONNRESET : EPIPE))
    default: IOError(operation, causedBy: error)
    }
  }
}

extension HTTP2Exchange {
  /// How many bytes may be written before the peer has to take some.
  func room() throws(BodyError) -> Int {
    try connection.state.withLock { state throws(BodyError) in
      try state.core.checkWritable(slot, stream)
      guard !state.core.hasEnd(slot) else { throw .ended }
      return Self.mark - state.core.unsentCount(of: slot)
    }
  }

  /// Waits until there is room, or will be none, or the task is cancelled.
  func waitForRoom() async {
    await connection.wait(slot, stream, as: .writer) { core, slot in core.unsentCount(of: slot) < Self.mark }
  }

  /// Wakes what waits for the stream, which has been closed on this side.
  func wakeWaiters() {
    let waiters = connection.state.withLock { state -> [UnsafeContinuation<Void, Never>?] in
      state.core.isLive(slot, stream) ? [state.seats[slot].reader.take(), state.seats[slot].writer.take()] : []
    }
    for waiter in waiters { waiter?.resume() }
  }
}
