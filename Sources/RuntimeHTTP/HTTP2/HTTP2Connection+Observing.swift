import Runtime
import RuntimePrimitives

/// Notifies observers of the requests of a connection.
extension HTTP2Connection {
  /// Begins to trace the request in `slot`. Returns the request with its trace.
  ///
  /// - Parameter isRefused: Whether no handler is called.
  @inline(never)
  func trace(
    _ request: Request, _ slot: Int, _ stream: StreamID, isRefused: Bool, _ state: inout HTTP2ConnectionState
  ) -> Request {
    let trace = RequestTrace(request.withoutBody, from: origin, stream, isRefused: isRefused)
    state.core.trace(slot, by: trace)
    return request.traced(by: trace)
  }

  /// Notifies observers of the requests that ended with the bytes of `buffer`.
  ///
  /// - Parameter ending: The ending of those requests for which the core has recorded none. If the bytes have been
  ///   written, the requests are complete.
  @inline(__always)
  func notifyEnded(with buffer: HTTP2Buffer, _ ending: RequestRecord.Ending = .complete) {
    if !buffer.traces.isEmpty { notify(&buffer.traces, ending) }
  }

  /// Notifies observers of the requests that ended after the last write.
  @inline(never)
  func notifyEnded() {
    var traces: [RequestTrace] = []
    state.withLock { state in state.core.takeFinishedTraces(into: &traces) }
    notify(&traces, .clientGone)
  }

  @inline(never)
  private func notify(_ traces: inout [RequestTrace], _ ending: RequestRecord.Ending) {
    for trace in traces { context.observers?.ended(trace, ending) }
    traces.removeAll(keepingCapacity: true)
  }
}
