public import Runtime
import RuntimePrimitives

/// Accepts connections on any runtime and has a handler answer their requests.
///
/// ```swift
/// let server = try await Server(runtime: runtime, address: .loopback(port: 8080), handler: router)
/// print("listening on \(server.localAddress)")
/// try await server.run()
/// ```
public final class Server<R: AsyncRuntime, H: Handler>: Sendable {
  private enum Phase {
    case ready
    case running
    case ended
  }

  private struct State {
    var phase = Phase.ready
    /// Those that end the connections when the grace is over.
    var graces: [Task<Void, any Error>] = []
    /// Who waits for the end.
    var waiters: [CheckedContinuation<Void, Never>] = []
  }

  private let runtime: R
  private let listener: R.Listener
  private let service: Service<H>
  private let registry: ConnectionRegistry
  private let acceptLog: AcceptLog<R.RuntimeClock>
  private let state = Lock(State())

  /// A server that listens on `address`; connections wait in the system's backlog until ``run()``.
  ///
  /// - Throws: what listening on `address` throws.
  public init(
    runtime: R, address: SocketAddress, listening: ListenOptions = ListenOptions(),
    options: ServerOptions = ServerOptions(), handler: H
  ) async throws(IOError) {
    self.runtime = runtime
    service = Service(ConnectionContext(options), handler: handler, executor: runtime)
    let registry = ConnectionRegistry()
    let acceptLog = AcceptLog(clock: runtime.clock, registry: registry, log: options.log)
    (self.registry, self.acceptLog) = (registry, acceptLog)
    var listening = listening
    let onShortage = listening.onShortage
    listening.onShortage = { error in
      acceptLog.note("\(error)")
      onShortage?(error)
    }
    listener = try await runtime.listen(on: address, options: listening)
  }

  private var context: ConnectionContext { service.context }

  /// The address it listens on, with the port that the system chose where port 0 was asked for.
  public var localAddress: SocketAddress { listener.localAddress }

  /// What it is doing just now.
  public var metrics: ServerMetrics {
    var metrics = registry.metrics
    metrics.heldBytes = context.memory.held
    return metrics
  }

  /// Accepts connections, each served in a task of its own on the runtime, until ``shutdown(grace:)`` is called or the
  /// task is cancelled; then shuts down gracefully, and returns when all connections have ended and its address is free.
  ///
  /// - Throws: ``IOError`` for the reason `busy` if the server runs already, and `closed` if it has ended.
  public func run() async throws(IOError) {
    try begin()
    let sweeper = runtime.spawn { [self] in await sweep() }
    // To cancel it is to shut down also while there is no room for another connection, and so nothing to be cancelled.
    await withTaskCancellationHandler {
      await accept()
    } onCancel: {
      beginShutdown(grace: context.options.shutdownGrace)
    }
    beginShutdown(grace: context.options.shutdownGrace)
    await registry.waitUntilOpen(isBelow: 1)
    await listener.closeAndWait()
    sweeper.cancel()
    _ = await sweeper.result
    end()
  }

  /// Shuts the server down gracefully, and returns when all connections have ended.
  ///
  /// It stops accepting and closes idle connections at once. Requests in flight go on, their responses say
  /// `Connection: close`, and what is not done after `grace` (that of the options, if `nil`) is cancelled and closed. May
  /// be called more than once, from any task; a shorter grace counts.
  public func shutdown(grace: Duration? = nil) async {
    beginShutdown(grace: grace ?? context.options.shutdownGrace)
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
    listener.close()
    for connection in registry.connections { connection.closeIfIdle() }
    let task = runtime.spawn { [self] in
      try await runtime.clock.sleep(for: grace)
      for connection in registry.connections { connection.abort() }
    }
    let isTooLate = state.withLock { state in
      state.graces.append(task)
      return state.phase == .ended
    }
    if isTooLate { task.cancel() }
  }

  private func end() {
    let (graces, waiters) = state.withLock { state in
      state.phase = .ended
      defer { (state.graces, state.waiters) = ([], []) }
      return (state.graces, state.waiters)
    }
    for grace in graces { grace.cancel() }
    for waiter in waiters { waiter.resume() }
  }

  private func accept() async {
    while !context.isClosing {
      // A shutdown ends connections, and so this wait.
      if let maximum = context.options.maximumConnections {
        await registry.waitUntilOpen(isBelow: max(1, maximum)) { [acceptLog] in
          acceptLog.note("accept: there are as many connections as maximumConnections allows")
        }
      }
      do {
        start(try await listener.accept())
      } catch {
        if error.reason == .closed || error.reason == .cancelled { return }
        acceptLog.note("\(error)")
        // Whatever it is may pass; to ask again at once would be to spin.
        try? await runtime.clock.sleep(for: .milliseconds(100))
      }
    }
  }

  private func start(_ stream: R.Listener.Stream) {
    let control = ConnectionControl(context, stream)
    let slot = registry.insert(control)
    let connection = ServedConnection.make(stream, control, service)
    let task = runtime.spawn { [registry] in
      await connection.run()
      registry.remove(at: slot)
    }
    control.attach(task)
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
