import Runtime
import RuntimeTLS

/// A runtime with TLS connections that otherwise forwards to another, for the conformance suite of streams.
///
/// Connecting includes the handshake of both ends, so one end has to accept while the other connects.
struct SecureRuntime<Base: AsyncRuntime>: AsyncRuntime {
  private let base: Base
  private let source: TLSSource
  private let context: TLSContext

  init(_ base: Base) throws {
    self.base = base
    source = try TLSSource(.server())
    context = try TLSContext(.client())
  }

  var name: String { base.name }
  var workerCount: Int { base.workerCount }
  var taskExecutor: (any TaskExecutor)? { base.taskExecutor }
  var clock: Base.RuntimeClock { base.clock }
  var metrics: RuntimeMetrics { base.metrics }

  @discardableResult
  func spawn<Success: Sendable>(
    _ options: TaskOptions, _ operation: nonisolated(nonsending) sending @escaping () async throws -> Success
  ) -> Task<Success, any Error> {
    base.spawn(options, operation)
  }

  func listen(on address: SocketAddress, options: ListenOptions) async throws(IOError) -> SecureListener<Base.Listener>
  {
    SecureListener(base: TLSListener(try await base.listen(on: address, options: options), source: source))
  }

  func connect(
    to address: SocketAddress, options: ConnectOptions
  ) async throws(IOError) -> TLSStream<Base.Listener.Stream> {
    let stream = try TLSStream(
      client: try await base.connect(to: address, options: options), name: "localhost", context: context)
    try await stream.handshake()
    return stream
  }

  func bindDatagrams(on address: SocketAddress, options: DatagramOptions) async throws(IOError) -> Base.Datagrams {
    try await base.bindDatagrams(on: address, options: options)
  }

  func addresses(ofHost name: String, port: UInt16) async throws(IOError) -> [SocketAddress] {
    try await base.addresses(ofHost: name, port: port)
  }

  func runBlocking<Success: Sendable>(_ work: sending @escaping () throws -> Success) async throws -> Success {
    try await base.runBlocking(work)
  }

  func shutdown(grace: Duration) async { await base.shutdown(grace: grace) }
}

/// A listener that does the handshake before it returns a connection.
struct SecureListener<Base: StreamListener>: StreamListener {
  let base: TLSListener<Base>

  var localAddress: SocketAddress { base.localAddress }

  func accept() async throws(IOError) -> TLSStream<Base.Stream> {
    let stream = try await base.accept()
    try await stream.handshake()
    return stream
  }

  func close() { base.close() }
  func closeAndWait() async { await base.closeAndWait() }
}
