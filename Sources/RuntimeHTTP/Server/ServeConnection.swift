public import Runtime

/// Serves one connection, over any stream, until its end: what a ``Server`` does for each it accepts.
///
/// The stream is closed when it returns, and every handler has ended. Over HTTP/1 everything happens in the caller's task
/// and on its executor, but that the timeouts need a child of it; over HTTP/2 each request has a task of its own on
/// `executor`, unless the handler answers it at once, and so has the reading. Cancelling the task ends the connection.
///
/// ```swift
/// await serveConnection(stream, clock: ContinuousClock(), handler: router)
/// ```
///
/// Whoever has done a TLS handshake hands its stream over with what ALPN has agreed upon:
///
/// ```swift
/// await serveConnection(
///   tls, speaking: ApplicationProtocol(alpn: tls.protocol) ?? .http1, clock: runtime.clock, executor: runtime,
///   handler: router)
/// ```
///
/// - Parameters:
///   - stream: the connection.
///   - protocol: what is spoken on it.
///   - clock: what the timeouts are measured with.
///   - executor: where the tasks of an HTTP/2 connection run: Swift's own pool, unless given.
///   - options: limits, timeouts, and where to log.
///   - handler: who answers.
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
      // A cancelled task cannot sleep, so it is not asked to again; the connection sees for itself that it is cancelled.
    } while await group.next() == .ticked && !control.sweep(at: context.ticker.advance())
    // Either the connection has ended, and nobody needs the next tick, or its time has come. One that waits for a request,
    // or for the peer to see the end, does not see that it is cancelled.
    context.beginClosingIdle()
    control.endWatch()
    group.cancelAll()
  }
}

private enum Event {
  case ended
  case ticked
  case cancelled
}
