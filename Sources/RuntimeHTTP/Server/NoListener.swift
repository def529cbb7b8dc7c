import Runtime

/// The listener of a server that does not listen. It accepts nothing; `accept()` waits until the listener is closed.
struct NoListener: StreamListener {
  /// The address of an unnamed socket.
  let localAddress = SocketAddress.unix(path: "")
  private let open: AsyncStream<Never>
  private let closing: AsyncStream<Never>.Continuation

  init() { (open, closing) = AsyncStream.makeStream() }

  func accept() async throws(IOError) -> AnyStream {
    for await _ in open {}
    throw IOError(.accept, Task.isCancelled ? .cancelled : .closed)
  }

  func close() { closing.finish() }
}
