extension Request {
  /// Sends an informational response ahead of the final one (RFC 9110 section 15.2). A `103` with `Link` fields has the
  /// client fetch what it will need while the handler is at work still (RFC 8297).
  ///
  /// ```swift
  /// try await request.sendInformational(.earlyHints, ["Link": "</style.css>; rel=preload; as=style"])
  /// ```
  ///
  /// It is sent at once, and this waits while the client does not read. Nothing is sent over HTTP/1.0, which has no such
  /// responses, and nothing where the request did not come over a connection, or where its handler was asked for an
  /// answer in a plain call (``Handler/respondAtOnce(to:)``). Fields that frame a message or are about the connection are
  /// left out. Cancelling the task ends the wait, and over HTTP/1 the connection.
  ///
  /// - Throws: an error if `status` is not in 102...199, since the engine sends a 100 itself and a 101 belongs to
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
  /// What would frame a message, and what is about a connection (RFC 9110 section 7.6.1).
  fileprivate static let notInformational = [
    "Connection", "Content-Length", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
  ]
}

/// A request's exchange with its client, as long as a handler is at work on it.
///
/// A class and not a protocol, so that a ``Request`` refers to it by one word.
class RequestExchange: @unchecked Sendable {  // It has no state; those that inherit it guard theirs.
  func sendInformational(_ status: Status, _ headers: HeaderFields) async throws {}
}

/// A handler's informational response whose status is not one.
struct NotInformational: Error, CustomStringConvertible {
  let status: Status
  var description: String { "a handler may send 102 to 199 ahead of its response, not \(status.code)" }
}
