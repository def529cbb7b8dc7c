public import Runtime
import RuntimePrimitives

/// Accepts connections on any runtime and has a handler answer their requests.
///
/// ```swift
/// let server = try await Server(runtime: runtime, address: .loopback(port: 8080), handler: router)
/// print("listening on \(server.localAddress)")
/// try await server.run()
/// ```
///
/// Connections may come from elsewhere too: from another listener, through a handshake of yours, or one by one from
/// ``serve(_:speaking:)``. They all count towards the server's limits and figures, and end when it shuts down.
public final class Server<R: AsyncRuntime, H: Handler>: Sendable {
  private enum Phase {
    case ready
    case running
    case ended
  }

  private struct State {
    var phase = Phase.ready
    /// What accepts connections, while the server runs.
    var acceptor: Task<Void, any Error>?
    /// What ends connections' waits that take too long, once there may be connections.
    var sweeper: Task<Void, any Error>?
    /// Those that end the connections when the grace is over.
    var graces: [Task<Void, any Error>] = []
    /// Who waits for the end.
    var waiters: [CheckedContinuation<Void, Never>] = []
  }

  private let runtime: R
  private let listener: any StreamListener
  /// Whether other processes accept from the listener's backlog, or one that is still to come.
  private let isHandedOver: Bool
  /// Accepts a connection.
  private let accepting: @Sendable () async throws(IOError) -> Accepted
  private let responder: Responder<H>
  private let registry: ConnectionRegistry
  private let acceptLog: AcceptLog<R.RuntimeClock>
  private let state = Lock(State())

  private typealias Accepted = (connection: ServedConnection, control: ConnectionControl)

  /// A server that listens on `address`; connections wait in the system's backlog until ``run()``.
  ///
  /// - Throws: what listening on `address` throws.
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

  /// A server that listens on a socket which another process has opened, such as systemd; see `InheritedSocket`.
  ///
  /// - Throws: what listening on `socket` throws.
  public convenience init(
    runtime: R, inherited socket: InheritedSocket, listening: ListenOptions = ListenOptions(),
    options: ServerOptions = ServerOptions(), handler: H
  ) async throws(IOError) {
    let acceptLog = AcceptLog(clock: runtime.clock, log: options.log)
    let listener = try await runtime.listen(onInherited: socket, options: listening.noting(in: acceptLog))
    self.init(runtime, listener, isHandedOver: true, options, handler, acceptLog) { stream, control, responder in
      ServedConnection.make(stream, speaking: .detected, control, responder)
    }
  }

  /// A server of the connections that `listener` accepts: one of another network, or one with other streams.
  ///
  /// The server closes the listener when it ends. To hear of a lack of descriptors, make the listener with
  /// `ListenOptions.onShortage`.
  public convenience init(
    runtime: R, listener: some StreamListener, options: ServerOptions = ServerOptions(), handler: H
  ) {
    let acceptLog = AcceptLog(clock: runtime.clock, log: options.log)
    self.init(runtime, listener, options, handler, acceptLog) { stream, control, responder in
      ServedConnection.make(stream, speaking: .detected, control, responder)
    }
  }

  /// A server of connections that have to be prepared before they are served, as by a TLS handshake.
  ///
  /// ```swift
  /// let server = Server(runtime: runtime, listener: listener, handler: router) { stream in
  ///   let tls = try await handshake(stream)
  ///   return (tls, speaking: ApplicationProtocol(alpn: tls.protocol) ?? .http1)
  /// }
  /// ```
  ///
  /// - Parameter prepare: called for each connection, in the connection's own task, so that a slow one holds up no other.
  ///   It has as long as ``ServerOptions/headTimeout``; then its task is cancelled, and the connection is closed a while
  ///   after if it goes on. What it throws is logged. A shutdown ends it at once. It returns the stream to speak on, which
  ///   closes the connection's own when it is closed, and what is spoken; or `nil` for a connection that is only to be
  ///   closed, as its client has gone.
  public convenience init<L: StreamListener, Stream: ByteStream>(
    runtime: R, listener: L, options: ServerOptions = ServerOptions(), handler: H,
    prepare: @escaping @Sendable (L.Stream) async throws -> (stream: Stream, speaking: ApplicationProtocol)?
  ) {
    let acceptLog = AcceptLog(clock: runtime.clock, log: options.log)
    self.init(runtime, listener, options, handler, acceptLog) { stream, control, responder in
      UnpreparedConnection(stream, control, responder, prepare: prepare)
    }
  }

  /// A server that does not listen, for connections that are accepted elsewhere; see ``serve(_:speaking:)``.
  public convenience init(runtime: R, options: ServerOptions = ServerOptions(), handler: H) {
    self.init(runtime: runtime, listener: NoListener(), options: options, handler: handler)
  }

  /// - Parameter make: makes a connection of an accepted stream.
  private init<L: StreamListener>(
    _ runtime: R, _ listener: L, isHandedOver: Bool = false, _ options: ServerOptions, _ handler: H,
    _ acceptLog: AcceptLog<R.RuntimeClock>,
    make: @escaping @Sendable (L.Stream, ConnectionControl, Responder<H>) -> ServedConnection
  ) {
    let responder = Responder(ConnectionContext(options), handler: handler, executor: runtime)
    self.runtime = runtime
    self.listener = listener
    self.isHandedOver = isHandedOver
    self.responder = responder
    self.acceptLog = acceptLog
    registry = acceptLog.registry
    accepting = { () async throws(IOError) -> Accepted in
      let stream = try await listener.accept()
      let control = ConnectionControl(responder.context, stream)
      return (make(stream, control, responder), control)
    }
  }

  private var context: ConnectionContext { responder.context }

  /// The address it listens on, with the port that the system chose where port 0 was asked for. If it does not listen, this
  /// is the address of a Unix-domain socket without a name.
  public var localAddress: SocketAddress { listener.localAddress }

  /// What it is doing just now.
  public var metrics: ServerMetrics {
    var metrics = registry.metrics
    metrics.heldBytes = context.memory.held
    if let overload = context.overload {
      metrics.shedRequests = overload.refusedCount
      metrics.isOverloaded = overload.isThere
    }
    return metrics
  }

  /// Whether it shuts down or has ended: what a handler would go on with for ever is to end then.
  public var isShuttingDown: Bool { context.isClosing }

  /// Accepts connections, each served in a task of its own on the runtime, until ``shutdown(grace:)`` is called or the
  /// task is cancelled; then shuts down gracefully, and returns when all connections have ended and its address is free.
  ///
  /// - Throws: ``IOError`` for the reason `busy` if the server runs already, and `closed` if it has ended.
  public func run() async throws(IOError) {
    try begin()
    startSweeper()
    let acceptor = runtime.spawn(context.taskOptions()) { [self] in await accept() }
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
    await registry.waitUntilOpen(isBelow: 1)
    await listener.closeAndWait()
    _ = await end()?.result
  }

  /// Serves a connection that was accepted elsewhere as one of the server's own, and returns when it has ended and its
  /// stream is closed. The server need not run, but has to be shut down.
  ///
  /// The connection has a task of its own on the runtime. If there are as many connections as
  /// ``ServerOptions/maximumConnections`` allows, it waits until another has ended.
  ///
  /// *Cancellation:* the handlers of its requests are cancelled, and the connection is closed.
  ///
  /// - Parameters:
  ///   - stream: the connection.
  ///   - protocol: what is spoken on it.
  /// - Throws: ``IOError`` for the reason `closed`, once the stream is closed, if the server shuts down or has ended.
  public func serve(
    _ stream: some ByteStream, speaking protocol: ApplicationProtocol = .detected
  ) async throws(IOError) {
    startSweeper()
    await waitForRoom()
    let control = ConnectionControl(context, stream)
    let slot = registry.insert(control)
    // After it is there to be seen: either the shutdown waits for it, or the shutdown is seen here.
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
  /// It takes the connections that wait in the listener's backlog, and stops accepting; those in the backlog of an
  /// `InheritedSocket` are left to the other processes that have it, and to those which will. Connections without a request are
  /// closed, or kept for ``ServerOptions/shutdownIdleGrace``; one whose request has come is served. Requests in flight go
  /// on, and their responses say `Connection: close`. After `grace` (that of the options, if `nil`) their handlers are
  /// cancelled, what has not begun to be answered gets a 503, and half a second later everything is closed. May be called
  /// more than once, from any task; a shorter grace counts.
  public func shutdown(grace: Duration? = nil) async {
    beginShutdown(grace: grace ?? context.options.shutdownGrace)
    // Where it does not run, connections that were accepted elsewhere may be there.
    await registry.waitUntilOpen(isBelow: 1)
    await withCheckedContinuation { continuation in
      let isRunning = state.withLock { state in
        if state.phase == .running { state.waiters.append(continuation) } else { state.phase = .ended }
        return state.phase == .running
      }
      if !isRunning {
        end()
        continuation.resume()
      }
    }
  }

  private func begin() throws(IOError) {
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
    // Cancelled, it takes what is in the backlog, and the listener is closed when it ends.
    let acceptor = state.withLock(\.acceptor)
    if let acceptor, hasRoom, !isHandedOver { acceptor.cancel() } else { listener.close() }
    for connection in registry.connections { connection.beginClosing() }
    if idleGrace == .zero { closeIdle() }
    let task = runtime.spawn { [self] in
      if idleGrace > .zero {
        try await runtime.clock.sleep(for: idleGrace)
        closeIdle()
      }
      try await runtime.clock.sleep(for: grace - idleGrace)
      for connection in registry.connections { connection.conclude() }
      try await runtime.clock.sleep(for: Self.lastWords)
      for connection in registry.connections { connection.abort() }
    }
    let isTooLate = state.withLock { state in
      state.graces.append(task)
      return state.phase == .ended
    }
    if isTooLate { task.cancel() }
  }

  /// How long final answers have to leave when the grace is over.
  private static var lastWords: Duration { .milliseconds(500) }

  private func closeIdle() {
    context.beginClosingIdle()
    for connection in registry.connections { connection.closeIfIdle() }
  }

  /// Ends what belongs to the server alone.
  ///
  /// - Returns: the sweeper, which may be about to end.
  @discardableResult
  private func end() -> Task<Void, any Error>? {
    let (sweeper, graces, waiters) = state.withLock { state in
      state.phase = .ended
      defer { (state.acceptor, state.sweeper, state.graces, state.waiters) = (nil, nil, [], []) }
      return (state.sweeper, state.graces, state.waiters)
    }
    sweeper?.cancel()
    for grace in graces { grace.cancel() }
    for waiter in waiters { waiter.resume() }
    return sweeper
  }

  /// The most connections at once, if there is a limit.
  private var mostConnections: Int? { context.options.maximumConnections.map { max(1, $0) } }

  /// Whether there may be one more connection.
  private var hasRoom: Bool { mostConnections.map { registry.openCount < $0 } ?? true }

  /// Waits until there may be one more connection. A shutdown ends connections, and so this wait.
  private func waitForRoom() async {
    guard let mostConnections else { return }
    await registry.waitUntilOpen(isBelow: mostConnections) { [acceptLog] in
      acceptLog.note("accept: there are as many connections as maximumConnections allows")
    }
  }

  /// Waits while there is so much to do that no connection is to be accepted.
  private func waitForOverloadToEnd() async {
    guard let overload = context.overload else { return }
    while overload.stopsAccepting, !context.isClosing { try? await runtime.clock.sleep(for: .milliseconds(10)) }
  }

  /// The most connections that are taken once the server shuts down: as many as a backlog holds by default, so that
  /// clients who go on connecting do not keep the server from its end.
  private static var mostAtEnd: Int { 4096 }

  /// Accepts connections until the task is cancelled and the backlog empty, or the listener is closed.
  private func accept() async {
    var left = Self.mostAtEnd
    while left > 0 {
      if context.isClosing {
        guard hasRoom else { return }
        left -= 1
      }
      await waitForRoom()
      await waitForOverloadToEnd()
      do {
        let (connection, control) = try await accepting()
        start(connection, control, registry.insert(control))
      } catch {
        if error.reason == .closed || error.reason == .cancelled { return }
        acceptLog.note("\(error)")
        // Whatever it is may pass; to ask again at once would be to spin.
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

  /// Starts the sweeper, unless it has been, or the server has ended.
  private func startSweeper() {
    // Started behind the lock, so that there is one: the runtime only takes it in.
    state.withLock { state in
      guard state.sweeper == nil, state.phase != .ended else { return }
      state.sweeper = runtime.spawn { [self] in await sweep() }
    }
  }

  /// Ends what takes too long, until it is cancelled.
  private func sweep() async {
    // A tick is slept for and not until: ticks that follow one another too fast would make timeouts early.
    while (try? await runtime.clock.sleep(for: context.ticker.period)) != nil {
      let now = context.ticker.advance()
      for connection in registry.connections { connection.sweep(at: now) }
    }
  }
}
