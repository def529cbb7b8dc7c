/// Notifies observers of the requests of a connection.
extension Workspace {
  /// Begins to trace the request whose head has been received.
  ///
  /// - Parameter isRefused: Whether no handler is called.
  @inline(never)
  func beginTrace(for observers: RequestObservers, isRefused: Bool = false) {
    let parts = decoder.parts
    let trace = RequestTrace(Request(parts).withoutBody, from: parts.origin, parts.number, isRefused: isRefused)
    self.trace = trace
    decoder.parts.trace = trace
    if !isRefused { observers.began(trace) }
  }

  /// Returns the response to a request that is refused because of `error`, and notes it in the trace.
  ///
  /// - Parameter number: The number of the request on its connection, in case its head has not been received.
  @inline(never)
  func refusal(
    _ error: HTTPError, from origin: RequestOrigin, _ number: UInt32, _ errors: ErrorResponder
  ) -> Response {
    let request = trace?.request ?? decoder.request(from: origin, number)
    if observers != nil, trace == nil { trace = RequestTrace(request, from: origin, number, isRefused: true) }
    trace?.note(error)
    return errors.response(for: error, request)
  }

  /// Ends the trace of a request whose response has been encoded. Observers are notified when it has been written.
  @inline(__always)
  func endTrace() {
    if trace != nil { moveTrace() }
  }

  @inline(never)
  private func moveTrace() {
    guard let trace = trace.take() else { return }
    answered.append(trace)
  }

  /// Notifies observers of the requests whose responses have just been written.
  @inline(__always)
  func notifyWritten() {
    if !answered.isEmpty { notifyEnded(.complete) }
  }

  /// Notifies observers of the requests whose responses will not be written, because the connection has ended.
  @inline(__always)
  func notifyLost(_ ending: @autoclosure () -> RequestRecord.Ending) {
    if trace == nil, answered.isEmpty { return }
    moveTrace()
    notifyEnded(ending())
  }

  @inline(never)
  private func notifyEnded(_ ending: RequestRecord.Ending) {
    for trace in answered {
      observers?.ended(trace, ending)
    }
    answered.removeAll(keepingCapacity: true)
  }
}
