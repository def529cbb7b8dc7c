public import Runtime
import RuntimePrimitives

/// A server that accepts connections on any runtime and passes their requests to a handler.
///
/// ```swift
/// let server = try await Server(runtime: runtime, address: .loopback(port: 8080), handler: router)
/// print("listening on \(server.localAddress)")
/// try await server.run()
/// ```
///
/// Connections can also come from other sources: from another listener, after a handshake, or one by one through
/// ``serve(_:speaking:)``. All of them count towards the server's limits and metrics, and end when it shuts down.
public final class Server<R: AsyncRuntime, H: Handler>: Sendable {
  private enum Phase {
    case ready
    case running
    case ended
  }

  private struct State {
    var phase = Phase.ready
    /// The task that accepts connections while the server runs.
    var acceptor: Task<Void, any Error>?
    /// The task that ends waits that take too long. Started before the first connection.
    var sweeper: Task<Void, any Error>?
    /// The tasks that end the connections when a grace period is over.
    var graceTasks: [Task<Void, any Error>] = []
    /// The tasks that wait for the server to end.
    var waiters: [CheckedContinuation<Void, Never>] = []
  }

  private let runtime: R
  private let listener: any StreamListener
  /// Whether other processes also accept from the listener's backlog, now or later.
  private let sharesBacklog: Bool
  /// Accepts a connection.
  private let acceptNext: @Sendable () async throws(IOError) -> Accepted
  private let responder: Responder<H>
  private let registry: ConnectionRegistry
  private let acceptLog: AcceptLog<R.RuntimeClock>
  private let state = Lock(State())

  private typealias Accepted = (connection: ServedConnection, control: ConnectionControl)

  /// Creates a server that listens on `address`. Connections wait in the system's backlog until ``run()``.
  ///
  /// - Throws: The error of listening on `address`.
  public convenience init(
    runtime: R, address: SocketAddress, listening: ListenOptions = ListenOptions(),
    options: ServerOptions = ServerOptions(), handler: H
  ) async throws(IOError) {
    let acceptLog = AcceptLog(clock: runtime.clock, log: options.log)
    let listener = try await runtime.listen(on: address, options: listening.noting(in: acceptLog))
    self.init(runtime, listener, options, handler, acceptLog) { stream, control, responder in
      ServedConnection.make(stream, speaking: .detected, control, responder)
    }
  }

  /// Creates a server that listens on a socket which another process, such as systemd, has opened; see
  /// `InheritedSocket`.
  ///
  /// - Throws: The error of listening on `socket`.
  public convenience init(
    runtime: R, inherited socket: InheritedSocket, listening: ListenOptions = ListenOptions(),
    options: ServerOptions = ServerOptions(), handler: H
  ) async throws(IOError) {
    let acceptLog = AcceptLog(clock: runtime.clock, log: options.log)
    let listener = try await runtime.listen(onInherited: socket, options: listening.noting(in: acceptLog))
    self.init(runtime, listener, sharesBacklog: true, options, handler, acceptLog) { stream, control, responder in
      ServedConnection.make(stream, speaking: .detected, control, responder)
    }
  }

  /// Creates a server for the connections that `listener` accepts, for instance from another network or with another
  /// type of stream.
  ///
  /// The server closes the listener when it ends. To be notified of a lack of descriptors, create the listener with
  /// `ListenOptions.onShortage`.
  public convenience init(
    runtime: R, listener: some StreamListener, options: ServerOptions = ServerOptions(), handler: H
  ) {
    let acceptLog = AcceptLog(clock: runtime.clock, log: options.log)
    self.init(runtime, listener, options, handler, acceptLog) { stream, control, responder in
      ServedConnection.make(stream, speaking: .detected, control, responder)
    }
  }

  /// Creates a server for connections that have to be prepared before they are served, for instance by a TLS handshake.
  ///
  /// ```swift
  /// let server = Server(runtime: runtime, listener: listener, handler: router) { stream in
  ///   let tls = try await handshake(stream)
  ///   return (tls, speaking: ApplicationProtocol(alpn: tls.protocol) ?? .http1)
  /// }
  /// ```
  ///
  /// - Parameter prepare: Prepares a connection, in the connection's own task, so that a slow client delays no other.
  ///   It returns the stream to use, which must close the original stream when it is closed, and its protocol; or `nil`
  ///   to close the connection, for instance because the client has disconnected. It may take as long as
  ///   ``ServerOptions/headTimeout``. Then its task is cancelled, and if it still does not end, the connection is
  ///   closed some time later. Errors are logged. A shutdown ends it immediately.
  public convenience init<L: StreamListener, Stream: ByteStream>(
    runtime: R, listener: L, options: ServerOptions = ServerOptions(), handler: H,
    prepare: @escaping @Sendable (L.Stream) async throws -> (stream: Stream, speaking: ApplicationProtocol)?
  ) {
    let acceptLog = AcceptLog(clock: runtime.clock, log: options.log)
    self.init(runtime, listener, options, handler, acceptLog) { stream, control, responder in
      UnpreparedConnection(stream, control, responder, prepare: prepare)
    }
  }

  /// Creates a server that does not listen, for connections that are accepted elsewhere; see ``serve(_:speaking:)``.
  public convenience init(runtime: R, options: ServerOptions = ServerOptions(), handler: H) {
    self.init(runtime: runtime, listener: NoListener(), options: options, handler: handler)
  }

  /// - Parameter make: Creates a connection from an accepted stream.
  private init<L: StreamListener>(
    _ runtime: R, _ listener: L, sharesBacklog: Bool = false, _ options: ServerOptions, _ handler: H,
    _ acceptLog: AcceptLog<R.RuntimeClock>,
    make: @escaping @Sendable (L.Stream, ConnectionControl, Responder<H>) -> ServedConnection
  ) {
    let responder = Responder(ConnectionContext(options), handler: handler, executor: runtime)
    self.runtime = runtime
    self.listener = listener
    self.sharesBacklog = sharesBacklog
    self.responder = responder
    self.acceptLog = acceptLog
    registry = acceptLog.registry
    acceptNext = { () async throws(IOError) -> Accepted in
      let stream = try await listener.accept()
      let control = ConnectionControl(responder.context, stream)
      return (make(stream, control, responder), control)
    }
  }

  private var context: ConnectionContext { responder.context }

  /// The address the server listens on, with the port that the system chose if port 0 was requested. If the server does
  /// not listen, this is the address of an unnamed Unix-domain socket.
  public var localAddress: SocketAddress { listener.localAddress }

  /// The current figures of the server.
  public var metrics: ServerMetrics {
    var metrics = registry.metrics
    metrics.heldBytes = context.memory.held
    if let overload = context.overload {
      metrics.shedRequests = overload.refusedCount
      metrics.isOverloaded = overload.isOverloaded
    }
    return metrics
  }

  /// Whether the server is shutting down or has ended. Handlers that would otherwise run forever should end then.
  public var isShuttingDown: Bool { context.isClosing }

  /// Accepts connections, and serves each in a task of its own on the runtime, until ``shutdown(grace:)`` is called or
  /// the task is cancelled. Then shuts down gracefully, and returns when all connections have ended and the address is
  /// free.
  ///
  /// - Throws: ``IOError`` for the reason `busy` if the server is already running, or `closed` if it has ended.
  public func run() async throws(IOError) {
    try markRunning()
    startSweeper()
    let acceptor = runtime.spawn(context.taskOptions()) { [self] in await acceptConnections() }
    let isTooLate = state.withLock { state in
      state.acceptor = acceptor
      return context.isClosing
    }
    if isTooLate { acceptor.cancel() }
    await withTaskCancellationHandler {
      _ = await acceptor.result
    } onCancel: {
      beginShutdown(grace: context.options.shutdownGrace)
    }
    listener.close()
    beginShutdown(grace: context.options.shutdownGrace)
    await registry.waitUntilCount(isBelow: 1)
    await listener.closeAndWait()
    _ = await stopOwnTasks()?.result
  }

  /// Serves a connection that was accepted elsewhere like the server's own, and returns when it has ended and its
  /// stream is closed. The server need not be running, but must be shut down in the end.
  ///
  /// The connection has a task of its own on the runtime. If ``ServerOptions/maximumConnections`` is reached, this
  /// first waits until another connection has ended.
  ///
  /// Cancelling the task cancels the handlers of the connection's requests and closes it.
  ///
  /// - Parameters:
  ///   - stream: The connection.
  ///   - protocol: The protocol spoken on it.
  /// - Throws: ``IOError`` for the reason `closed`, after closing the stream, if the server is shutting down or has
  ///   ended.
  public func serve(
    _ stream: some ByteStream, speaking protocol: ApplicationProtocol = .detected
  ) async throws(IOError) {
    startSweeper()
    await waitForRoom()
    let control = ConnectionControl(context, stream)
    let slot = registry.insert(control)
    // Checked after the insertion: either the shutdown sees the connection and waits for it, or this sees the shutdown.
    guard !context.isClosing else {
      stream.close()
      registry.remove(at: slot)
      throw IOError(.accept, .closed)
    }
    let task = start(ServedConnection.make(stream, speaking: `protocol`, control, responder), control, slot)
    await withTaskCancellationHandler {
      _ = await task.result
    } onCancel: {
      control.abort()
    }
  }

  /// Shuts the server down gracefully, and returns when all connections have ended.
  ///
  /// The server accepts the connections that are already in the listener's backlog and then stops accepting; those in
  /// the backlog of an `InheritedSocket` are left to the other processes that share it, now or later. Idle connections
  /// are closed, or kept for ``ServerOptions/shutdownIdleGrace``; one whose request has arrived is served. Requests in
  /// flight continue, and their responses have `Connection: close`. After `grace` (by default that of the options)
  /// their handlers are cancelled and requests without a response get a 503; half a second later everything is closed.
  /// This may be called more than once and from any task; the shortest grace applies.
  public func shutdown(grace: Duration? = nil) async {
    beginShutdown(grace: grace ?? context.options.shutdownGrace)
    // Even if the server is not running, connections that were accepted elsewhere may be open.
    await registry.waitUntilCount(isBelow: 1)
    await withCheckedContinuation { continuation in
      let isRunning = state.withLock { state in
        if state.phase == .running { state.waiters.append(continuation) } else { state.phase = .ended }
        return state.phase == .running
      }
      if !isRunning {
        stopOwnTasks()
        continuation.resume()
      }
    }
  }

  /// Marks the server as running.
  ///
  /// - Throws: ``IOError`` for the reason `busy` if it is already running, or `closed` if it has ended.
  private func markRunning() throws(IOError) {
    let phase = state.withLock { state in
      defer { if state.phase == .ready { state.phase = .running } }
      return state.phase
    }
    switch phase {
    case .ready: return
    case .running: throw IOError(.accept, .busy)
    case .ended: throw IOError(.accept, .closed)
    }
  }

  private func beginShutdown(grace: Duration) {
    context.beginClosing()
    let idleGrace = max(.zero, min(context.options.shutdownIdleGrace, grace))
    // A cancelled acceptor takes what is in the backlog; `run` closes the listener after it has ended.
    let acceptor = state.withLock(\.acceptor)
    if let acceptor, hasRoom, !sharesBacklog { acceptor.cancel() } else { listener.close() }
    for connection in registry.connections { connection.beginClosing() }
    if idleGrace == .zero { closeIdle() }
    let task = runtime.spawn { [self] in
      if idleGrace > .zero {
        try await runtime.clock.sleep(for: idleGrace)
        closeIdle()
      }
      try await runtime.clock.sleep(for: grace - idleGrace)
      for connection in registry.connections { connection.cancelRequests() }
      try await runtime.clock.sleep(for: Self.finalResponseTime)
      for connection in registry.connections { connection.abort() }
    }
    let isTooLate = state.withLock { state in
      state.graceTasks.append(task)
      return state.phase == .ended
    }
    if isTooLate { task.cancel() }
  }

  /// The time for sending final responses after the grace period.
  private static var finalResponseTime: Duration { .milliseconds(500) }

  private func closeIdle() {
    context.beginClosingIdle()
    for connection in registry.connections { connection.closeIfIdle() }
  }

  /// Stops the server's own tasks, and resumes the tasks that wait for its end.
  ///
  /// - Returns: The sweeper, which may still be ending.
  @discardableResult
  private func stopOwnTasks() -> Task<Void, any Error>? {
    let (sweeper, graceTasks, waiters) = state.withLock { state in
      state.phase = .ended
      defer { (state.acceptor, state.sweeper, state.graceTasks, state.waiters) = (nil, nil, [], []) }
      return (state.sweeper, state.graceTasks, state.waiters)
    }
    sweeper?.cancel()
    for task in graceTasks { task.cancel() }
    for waiter in waiters { waiter.resume() }
    return sweeper
  }

  /// The maximum number of connections, if there is one.
  private var maximumConnections: Int? { context.options.maximumConnections.map { max(1, $0) } }

  /// Whether one more connection is allowed.
  private var hasRoom: Bool { maximumConnections.map { registry.openCount < $0 } ?? true }

  /// Waits until one more connection is allowed. A shutdown ends connections, and thereby this wait.
  private func waitForRoom() async {
    guard let maximumConnections else { return }
    await registry.waitUntilCount(isBelow: maximumConnections) { [acceptLog] in
      acceptLog.note("accept: the limit maximumConnections is reached")
    }
  }

  /// Waits while overload keeps the server from accepting connections.
  private func waitForOverloadToEnd() async {
    guard let overload = context.overload else { return }
    while overload.stopsAccepting, !context.isClosing { try? await runtime.clock.sleep(for: .milliseconds(10)) }
  }

  /// The maximum number of connections that are accepted during a shutdown: the default length of a backlog. The bound
  /// keeps clients that go on connecting from delaying the end.
  private static var maximumAcceptedDuringShutdown: Int { 4096 }

  /// Accepts connections until the task is cancelled and the backlog is empty, or the listener is closed.
  private func acceptConnections() async {
    var left = Self.maximumAcceptedDuringShutdown
    while left > 0 {
      if context.isClosing {
        guard hasRoom else { return }
        left -= 1
      }
      await waitForRoom()
      await waitForOverloadToEnd()
      do {
        let (connection, control) = try await acceptNext()
        start(connection, control, registry.insert(control))
      } catch {
        if error.reason == .closed || error.reason == .cancelled { return }
        acceptLog.note("\(error)")
        // The cause may be temporary. Retrying without a pause would spin.
        try? await runtime.clock.sleep(for: .milliseconds(100))
      }
    }
  }

  @discardableResult
  private func start(
    _ connection: ServedConnection, _ control: ConnectionControl, _ slot: Int
  ) -> Task<Void, any Error> {
    let task = runtime.spawn(context.taskOptions()) { [registry] in
      await connection.run()
      registry.remove(at: slot)
    }
    control.attach(task)
    return task
  }

  /// Starts the sweeper, unless it has been started or the server has ended.
  private func startSweeper() {
    // Started under the lock, so that there is only one. Spawning only enqueues the task.
    state.withLock { state in
      guard state.sweeper == nil, state.phase != .ended else { return }
      state.sweeper = runtime.spawn { [self] in await sweep() }
    }
  }

  /// Ends waits that take too long, until the task is cancelled.
  private func sweep() async {
    // Sleeps for a period and not until a time: ticks in quick succession would make timeouts early.
    while (try? await runtime.clock.sleep(for: context.ticker.period)) != nil {
      let now = context.ticker.advance()
      for connection in registry.connections { connection.sweep(at: now) }
    }
  }
}
