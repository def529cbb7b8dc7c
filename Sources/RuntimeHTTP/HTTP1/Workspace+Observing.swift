/// What observers are told of the requests of a connection.
extension Workspace {
  /// Begins to trace the request whose head has come.
  ///
  /// - Parameter isRefused: whether no handler is asked.
  @inline(never)
  func beginTrace(for observers: RequestObservers, isRefused: Bool = false) {
    let parts = decoder.parts
    let trace = RequestTrace(Request(parts).withoutBody, from: parts.origin, parts.number, isRefused: isRefused)
    self.trace = trace
    decoder.parts.trace = trace
    if !isRefused { observers.began(trace) }
  }

  /// The response to a request that is refused for `error`, which observers are told of.
  ///
  /// - Parameter number: which request of its connection it is, if its head has not come.
  @inline(never)
  func refusal(
    _ error: HTTPError, from origin: RequestOrigin, _ number: UInt32, _ errors: ErrorResponder
  ) -> Response {
    let request = trace?.request ?? decoder.request(from: origin, number)
    if observers != nil, trace == nil { trace = RequestTrace(request, from: origin, number, isRefused: true) }
    trace?.note(error)
    return errors.response(for: error, request)
  }

  /// Ends the trace of the request whose response has been made; observers are told once it has left.
  @inline(__always)
  func endTrace() {
    if trace != nil { moveTrace() }
  }

  @inline(never)
  private func moveTrace() {
    guard let trace = trace.take() else { return }
    answered.append(trace)
  }

  /// Tells observers of the requests whose responses have just left.
  @inline(__always)
  func noteWritten() {
    if !answered.isEmpty { tellAnswered(.complete) }
  }

  /// Tells observers of the requests whose responses will not leave any more, since the connection has ended.
  @inline(__always)
  func noteLost(_ ending: @autoclosure () -> RequestRecord.Ending) {
    if trace == nil, answered.isEmpty { return }
    moveTrace()
    tellAnswered(ending())
  }

  @inline(never)
  private func tellAnswered(_ ending: RequestRecord.Ending) {
    for trace in answered {
      observers?.ended(trace, ending)
    }
    answered.removeAll(keepingCapacity: true)
  }
}
