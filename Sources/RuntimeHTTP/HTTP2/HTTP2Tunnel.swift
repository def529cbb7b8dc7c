import Glibc
import Runtime
import RuntimePrimitives

/// A request's stream as a stream of bytes, for a protocol that has replaced HTTP on it (RFC 9113 section 8.5, RFC 8441
/// section 5).
final class HTTP2Tunnel<Stream: ByteStream, H: Handler>: ByteStream {
  private let exchange: HTTP2Exchange<Stream, H>
  /// The bytes that have been received and not read.
  private let unread = Lock<ArraySlice<UInt8>>([])
  private let isClosed = Lock(false)

  init(_ exchange: HTTP2Exchange<Stream, H>) { self.exchange = exchange }

  /// Sends the head of the response that opens the tunnel.
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

  /// Waits for more bytes.
  ///
  /// - Returns: Whether there are any. If not, the peer has finished.
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
        try exchange.checkWritten()
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
      _ = try exchange.send(piece.withUnsafeBytes { Array($0) })
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

  /// Closes the stream with an error for the peer.
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

  /// Changes the connection's state, if the stream still exists, and wakes the writer if there is output.
  private func change(_ change: (inout HTTP2ConnectionState) -> Void) {
    let writer = exchange.connection.state.withLock { state in
      if state.core.isLive(exchange.slot, exchange.stream) { change(&state) }
      return state.writerToWake()
    }
    writer?.resume()
  }

  /// Returns the `IOError` for an error of the exchange.
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
  /// Returns the number of bytes that can be written before the peer has to receive some.
  func room() throws(BodyError) -> Int {
    try connection.state.withLock { state throws(BodyError) in
      try state.core.checkWritable(slot, stream)
      guard !state.core.hasSentEnd(slot) else { throw .ended }
      return Self.highWaterMark - state.core.unsentCount(of: slot)
    }
  }

  /// Waits until there is room, the stream closes, or the task is cancelled.
  func waitForRoom() async {
    await connection.wait(slot, stream, as: .writer) { core, slot in core.unsentCount(of: slot) < Self.highWaterMark }
  }

  /// Resumes the tasks that wait for the stream, which has been closed on this side.
  func wakeWaiters() {
    let waiters = connection.state.withLock { state -> [UnsafeContinuation<Void, Never>?] in
      state.core.isLive(slot, stream) ? [state.waiters[slot].reader.take(), state.waiters[slot].writer.take()] : []
    }
    for waiter in waiters { waiter?.resume() }
  }
}
