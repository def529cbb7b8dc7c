public import Runtime

/// Serves one connection to its end, over any stream, as a ``Server`` does for each connection it accepts.
///
/// When this returns, the stream is closed and every handler has ended. Over HTTP/1 everything runs in the caller's
/// task and on its executor, except that a child task measures the timeouts. Over HTTP/2 each request has a task on
/// `executor`, unless the handler answers it in a plain call, and reading has one too. Cancelling the task ends the
/// connection.
///
/// ```swift
/// await serveConnection(stream, clock: ContinuousClock(), handler: router)
/// ```
///
/// After a TLS handshake, pass its stream and the protocol that ALPN selected:
///
/// ```swift
/// await serveConnection(
///   tls, speaking: ApplicationProtocol(alpn: tls.protocol) ?? .http1, clock: runtime.clock, executor: runtime,
///   handler: router)
/// ```
///
/// - Parameters:
///   - stream: The connection.
///   - protocol: The protocol spoken on it.
///   - clock: The clock that measures the timeouts.
///   - executor: The executor for the tasks of an HTTP/2 connection; by default Swift's own pool.
///   - options: Limits, timeouts, and the log.
///   - handler: The handler that responds to the requests.
public func serveConnection<Stream: ByteStream, C: Clock<Duration>, H: Handler>(
  _ stream: Stream, speaking protocol: ApplicationProtocol = .detected, clock: C,
  executor: any Executor = ExecutorPreference(nil), options: ServerOptions = ServerOptions(), handler: H
) async {
  let context = ConnectionContext(options)
  let control = ConnectionControl(context, stream)
  let responder = Responder(context, handler: handler, executor: executor)
  await withTaskGroup(of: Event.self) { group in
    group.addTask {
      await ServedConnection.make(stream, speaking: `protocol`, control, responder).run()
      return .ended
    }
    repeat {
      group.addTask {
        do {
          try await clock.sleep(for: context.ticker.period)
          return .ticked
        } catch {
          return .cancelled
        }
      }
      // A cancelled task cannot sleep, so there are no more ticks after that; the connection itself notices the
      // cancellation.
    } while await group.next() == .ticked && !control.sweep(at: context.ticker.advance())
    // Either the connection has ended and needs no more ticks, or it is to end now. A connection that waits for a
    // request, or for the peer to close its side, does not notice cancellation.
    context.beginClosingIdle()
    control.stopWatching()
    group.cancelAll()
  }
}

private enum Event {
  case ended
  case ticked
  case cancelled
}
