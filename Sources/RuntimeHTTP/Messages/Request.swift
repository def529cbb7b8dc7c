public import Runtime

/// A request: what the engine hands to a ``Handler``.
public struct Request: Sendable {
  /// What is to be done.
  public var method: Method
  /// The version of HTTP it came in.
  public var version: HTTPVersion
  /// The fields of its head.
  public var headers: HeaderFields
  /// Its content, which may still be on its way.
  public var body: RequestBody
  /// What the path held where the route has a parameter; filled in by a ``Router``.
  public var parameters = PathParameters()
  /// Where it came from, where the stream knows.
  public var remoteAddress: SocketAddress? {
    get { peer?.address }
    set { peer = newValue.map(Peer.init) }
  }

  private let parts: RequestTarget
  private var peer: Peer?

  /// A request made by hand, for tests and for calling a handler without a network.
  ///
  /// A `target` that could not come over the network is taken as a path.
  public init(
    method: Method = .get, target: String, headers: HeaderFields = [:], body: RequestBody = .empty
  ) {
    var parts = RequestTarget()
    parts.bytes = Array(target.utf8)
    _ = parts.locateParts(method: method)
    self.init(method: method, version: .http1_1, parts: parts, headers: headers, body: body, peer: nil)
  }

  init(
    method: Method, version: HTTPVersion, parts: RequestTarget, headers: HeaderFields, body: RequestBody,
    peer: Peer?
  ) {
    self.method = method
    self.version = version
    self.parts = parts
    self.headers = headers
    self.body = body
    self.peer = peer
  }

  /// The target as it was sent: `/users/7?full`, `*`, `http://example.org/`, or for CONNECT `example.org:443`.
  public var target: String { String(decoding: parts.bytes, as: UTF8.self) }

  /// The path as it was sent, percent-encoded: `/` where an absolute target has none, `*` for `OPTIONS *`, and empty
  /// for CONNECT, whose target is an authority.
  public var path: String { String(decoding: pathBytes, as: UTF8.self) }

  /// The bytes of ``path``; asking for them allocates nothing.
  public var pathBytes: ArraySlice<UInt8> {
    parts.path.isEmpty && method != .connect ? rootPath : parts.bytes[parts.path]
  }

  /// What the query holds, decoded each time it is asked for.
  public var query: QueryItems { QueryItems(queryBytes) }

  /// The query as it was sent, percent-encoded and without its `?`; empty where there is none.
  var queryBytes: ArraySlice<UInt8> { parts.query.map { parts.bytes[$0] } ?? [] }

  /// Whom the request is for: the authority of an absolute target or of CONNECT, or else the `Host` field
  /// (RFC 9112 section 3.2.2).
  public var authority: String? {
    parts.authority.map { String(decoding: parts.bytes[$0], as: UTF8.self) } ?? headers["Host"]
  }
}

/// Where a connection's requests come from, kept once for all of them.
final class Peer: Sendable {
  let address: SocketAddress

  init(_ address: SocketAddress) { self.address = address }
}

private let rootPath: ArraySlice<UInt8> = [UInt8(ascii: "/")]
