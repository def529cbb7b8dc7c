extension Request {
  /// Sends an informational response before the final one (RFC 9110 section 15.2). A `103` with `Link` fields lets the
  /// client fetch what it will need while the handler is still working (RFC 8297).
  ///
  /// ```swift
  /// try await request.sendInformational(.earlyHints, ["Link": "</style.css>; rel=preload; as=style"])
  /// ```
  ///
  /// It is sent immediately; this waits while the client does not read. Nothing is sent in three cases: over HTTP/1.0,
  /// which has no informational responses; if the request did not come over a connection; and in a plain call
  /// (``Handler/respondAtOnce(to:)``). Fields that frame a message or describe the connection are left out. Cancelling
  /// the task ends the wait, and over HTTP/1 also the connection.
  ///
  /// - Throws: An error if `status` is not in 102...199, because the engine sends 100 itself and 101 belongs to
  ///   ``Response/upgrade(to:headers:_:)``; ``BodyError/ended`` if the final response has begun; ``BodyError`` or
  ///   `IOError` as a write of ``BodyWriter`` does.
  public func sendInformational(_ status: Status, _ headers: HeaderFields = [:]) async throws {
    guard 102..<200 ~= status.code else { throw NotInformational(status: status) }
    guard let exchange else { return }
    var headers = headers
    for name in HeaderFields.notInformational { headers.remove(name) }
    try await exchange.sendInformational(status, headers)
  }
}

extension HeaderFields {
  /// The fields that would frame a message or describe a connection (RFC 9110 section 7.6.1).
  fileprivate static let notInformational = [
    "Connection", "Content-Length", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
  ]
}

/// The exchange that a request belongs to, for as long as its handler runs.
///
/// A class and not a protocol, so that the reference in ``Request`` is one word.
class RequestExchange: @unchecked Sendable {  // It has no state; each subclass guards its own.
  func sendInformational(_ status: Status, _ headers: HeaderFields) async throws {}
}

/// The error for a status that is not informational.
struct NotInformational: Error, CustomStringConvertible {
  let status: Status
  var description: String { "an informational response has a status from 102 to 199, not \(status.code)" }
}
