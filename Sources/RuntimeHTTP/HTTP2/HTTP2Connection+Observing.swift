import Runtime
import RuntimePrimitives

/// What observers are told of the requests of a connection.
extension HTTP2Connection {
  /// Begins to trace the request that has come for `slot`, and returns it with its trace.
  ///
  /// - Parameter isRefused: whether no handler is asked.
  @inline(never)
  func trace(
    _ request: Request, _ slot: Int, _ stream: StreamID, isRefused: Bool, _ state: inout HTTP2ConnectionState
  ) -> Request {
    let trace = RequestTrace(request.withoutBody, from: origin, stream, isRefused: isRefused)
    state.core.trace(slot, by: trace)
    return request.traced(by: trace)
  }

  /// Tells observers of the requests that ended with the bytes of `buffer`.
  ///
  /// - Parameter ending: how those ended of which the core knows no reason; they ended well if the bytes have left.
  @inline(__always)
  func tellEnded(with buffer: HTTP2Buffer, _ ending: RequestRecord.Ending = .complete) {
    if !buffer.traces.isEmpty { tell(&buffer.traces, ending) }
  }

  /// Tells observers of the requests that ended when nothing could be written any more.
  @inline(never)
  func tellEnded() {
    var traces: [RequestTrace] = []
    state.withLock { state in state.core.takeEndedTraces(into: &traces) }
    tell(&traces, .clientGone)
  }

  @inline(never)
  private func tell(_ traces: inout [RequestTrace], _ ending: RequestRecord.Ending) {
    for trace in traces { context.observers?.ended(trace, ending) }
    traces.removeAll(keepingCapacity: true)
  }
}
