public import Runtime

extension Response {
  /// Returns a response that switches the connection to another protocol: `101` over HTTP/1.1 (RFC 9110 section 7.8),
  /// and `200` to an extended CONNECT over HTTP/2 (RFC 8441), where the request's stream takes the place of the
  /// connection.
  ///
  /// ```swift
  /// guard request.offersUpgrade(to: "echo") else { throw HTTPError(.upgradeRequired, headers: ["Upgrade": "echo"]) }
  /// return .upgrade(to: "echo") { stream in
  ///   while case let bytes = try await stream.read(), !bytes.isEmpty { try await stream.write(bytes) }
  /// }
  /// ```
  ///
  /// `talk` starts after the head has been sent, in the handler's task and on its executor. It gets a stream that
  /// begins with any bytes the client sent after its request; the server's timeouts no longer apply. The stream is
  /// closed when `talk` returns or throws. If it returns, the client receives everything that was written, even if some
  /// of the client's bytes were not read. Until then the request counts as in flight: on shutdown, the task is
  /// cancelled and the stream closed when the grace period ends. An error is logged, unless it is an `IOError` or the
  /// task has been cancelled.
  ///
  /// If the client has not offered the protocol, it gets a 500 instead, which is logged.
  ///
  /// - Parameters:
  ///   - name: The protocol, as the `Upgrade` field names it.
  ///   - headers: More fields for the head.
  ///   - talk: The code that speaks the protocol.
  public static func upgrade(
    to name: String, headers: HeaderFields = [:], _ talk: @escaping @Sendable (AnyStream) async throws -> Void
  ) -> Response {
    var response = Response(
      status: .switchingProtocols, headers: headers, body: ResponseBody(storage: .takeover(talk)))
    response.headers["Upgrade"] = name
    return response
  }

  /// Returns a response to CONNECT that turns the connection, or over HTTP/2 the request's stream, into a tunnel (RFC
  /// 9110 section 9.3.6, RFC 9113 section 8.5). `talk` is called as in ``upgrade(to:headers:_:)``.
  ///
  /// If the request's method is not CONNECT, the client gets a 500 instead, which is logged.
  public static func tunnel(
    headers: HeaderFields = [:], _ talk: @escaping @Sendable (AnyStream) async throws -> Void
  ) -> Response {
    Response(headers: headers, body: ResponseBody(storage: .takeover(talk)))
  }
}

extension Request {
  /// Returns whether the client offers to switch to the protocol called `name`: by its `Upgrade` field over HTTP/1.1,
  /// or by an extended CONNECT over HTTP/2 (RFC 8441). Case is ignored.
  public func offersUpgrade(to name: String) -> Bool {
    let name = name.lowercased()
    if version >= .http2 { return connectProtocol?.lowercased() == name }
    guard version == .http1_1, headers.lists("upgrade", in: "Connection") else { return false }
    return headers.lists(name, in: "Upgrade")
  }

  /// Returns whether the client has asked for `response`, which would take over the stream.
  func allowsTakeover(by response: Response) -> Bool {
    if response.status == .switchingProtocols { return response.headers["Upgrade"].map(offersUpgrade(to:)) ?? false }
    return method == .connect && connectProtocol == nil && response.status.isSuccess
  }
}

extension HeaderFields {
  /// Returns whether `element`, in lower case, is in the lists of the fields called `name` (RFC 9110 section 5.6.1).
  fileprivate func lists(_ element: String, in name: String) -> Bool {
    values(for: name).contains { list in
      list.split(separator: ",").contains { $0.trimmed.lowercased() == element }
    }
  }
}

extension Substring {
  /// The text without leading and trailing blanks.
  fileprivate var trimmed: Substring {
    var text = drop { $0 == " " || $0 == "\t" }
    while text.last == " " || text.last == "\t" { text.removeLast() }
    return text
  }
}

/// The error for a response that would take over a stream although the client has not offered this.
struct NotOffered: Error, CustomStringConvertible {
  var description: String { "the client has not asked for the protocol that the handler would switch to" }
}
