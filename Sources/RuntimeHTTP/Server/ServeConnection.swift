public import Runtime

/// Serves one connection, over any stream, until its end: what a ``Server`` does for each it accepts.
///
/// The stream is closed when it returns. Everything happens in the caller's task and on its executor; nothing but the
/// timeouts needs a second task, a child. Cancelling the task ends the connection.
///
/// ```swift
/// await serveConnection(stream, clock: ContinuousClock(), handler: router)
/// ```
///
/// - Parameters:
///   - stream: the connection.
///   - clock: what the timeouts are measured with.
///   - options: limits, timeouts, and where to log.
///   - handler: who answers.
public func serveConnection<Stream: ByteStream, C: Clock<Duration>, H: Handler>(
  _ stream: Stream, clock: C, options: ServerOptions = ServerOptions(), handler: H
) async {
  let context = ConnectionContext(options)
  let control = ConnectionControl(context) { stream.close() }
  await withTaskGroup(of: Event.self) { group in
    group.addTask {
      await serve(stream, handler: handler, context: context, control: control)
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
    // Either the connection has ended, and nobody needs the next tick, or its time has come. One that waits for a request
    // does not see that it is cancelled.
    context.beginClosing()
    control.closeIfIdle()
    group.cancelAll()
  }
}

private enum Event {
  case ended
  case ticked
  case cancelled
}

/// Serves one connection by the protocol that it speaks. HTTP/1 is the only one so far: another is chosen here.
///
/// Most servers have a router behind a socket; for them there is code that knows so, and need not look up at every turn
/// what kind of stream and of handler it has (SE-0460).
@specialized(where Stream == SocketStream, H == Router)
func serve<Stream: ByteStream, H: Handler>(
  _ stream: Stream, handler: H, context: ConnectionContext, control: ConnectionControl
) async {
  await HTTP1Connection(stream, handler: handler, context: context, control: control).run()
}
