public import Runtime

extension Response {
  /// A response after which another protocol is spoken on the connection: `101` over HTTP/1.1 (RFC 9110 section 7.8), and
  /// a `200` to an extended CONNECT over HTTP/2 (RFC 8441), where the stream of the request takes the connection's place.
  ///
  /// ```swift
  /// guard request.offersUpgrade(to: "echo") else { throw HTTPError(.upgradeRequired, headers: ["Upgrade": "echo"]) }
  /// return .upgrade(to: "echo") { stream in
  ///   while case let bytes = try await stream.read(), !bytes.isEmpty { try await stream.write(bytes) }
  /// }
  /// ```
  ///
  /// `talk` begins once the head has been sent, in the handler's task and on its executor. It gets the stream with all
  /// that the client has sent behind its request, and without a timeout of the server's. The stream is closed when it
  /// returns or throws; where it returns, the client gets all that it has written, also if more has come than it has read.
  /// Until then the request counts as in flight: when the server shuts down, the task is cancelled and the stream closed
  /// after the grace. An error is logged, unless it is an `IOError` or the task has been cancelled.
  ///
  /// If the client has not offered the protocol, it gets a 500 instead, which is logged.
  ///
  /// - Parameters:
  ///   - name: the protocol, as the `Upgrade` field calls it.
  ///   - headers: more fields of the head.
  public static func upgrade(
    to name: String, headers: HeaderFields = [:], _ talk: @escaping @Sendable (AnyStream) async throws -> Void
  ) -> Response {
    var response = Response(
      status: .switchingProtocols, headers: headers, body: ResponseBody(storage: .takeover(talk)))
    response.headers["Upgrade"] = name
    return response
  }

  /// A response to CONNECT after which bytes go both ways on the connection, or over HTTP/2 on the request's stream
  /// (RFC 9110 section 9.3.6, RFC 9113 section 8.5). `talk` is called as that of ``upgrade(to:headers:_:)`` is.
  ///
  /// If the request is no CONNECT, the client gets a 500 instead, which is logged.
  public static func tunnel(
    headers: HeaderFields = [:], _ talk: @escaping @Sendable (AnyStream) async throws -> Void
  ) -> Response {
    Response(headers: headers, body: ResponseBody(storage: .takeover(talk)))
  }
}

extension Request {
  /// Whether the client would go on with the protocol called `name`: by its `Upgrade` field over HTTP/1.1, by an extended
  /// CONNECT over HTTP/2 (RFC 8441). Case does not matter.
  public func offersUpgrade(to name: String) -> Bool {
    let name = name.lowercased()
    if version >= .http2 { return connectProtocol?.lowercased() == name }
    guard version == .http1_1, headers.lists("upgrade", in: "Connection") else { return false }
    return headers.lists(name, in: "Upgrade")
  }

  /// Whether `response`, which would take over the stream, has been asked for.
  func allowsTakeover(by response: Response) -> Bool {
    if response.status == .switchingProtocols { return response.headers["Upgrade"].map(offersUpgrade(to:)) ?? false }
    return method == .connect && connectProtocol == nil && response.status.isSuccess
  }
}

extension HeaderFields {
  /// Whether `element`, in lower case, is in the lists that the fields called `name` hold (RFC 9110 section 5.6.1).
  fileprivate func lists(_ element: String, in name: String) -> Bool {
    values(for: name).contains { list in
      list.split(separator: ",").contains { $0.trimmed.lowercased() == element }
    }
  }
}

extension Substring {
  /// The text without the blanks at either end.
  fileprivate var trimmed: Substring {
    var text = drop { $0 == " " || $0 == "\t" }
    while text.last == " " || text.last == "\t" { text.removeLast() }
    return text
  }
}

/// A handler's response that would take over a stream of which the client has not said that it may.
struct NotOffered: Error, CustomStringConvertible {
  var description: String { "the client has not asked for the protocol that the handler would go on with" }
}
