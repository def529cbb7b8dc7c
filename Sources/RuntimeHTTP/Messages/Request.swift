public import Runtime
import Synchronization

/// A request: what the engine hands to a ``Handler``.
///
/// It is a value of three words, which cost little to pass on: copies share what they have in common until one is changed.
public struct Request: Sendable {
  private var parts: RequestParts
  /// The route that a router has found, if there is one.
  var endpoint: Endpoint?
  /// Its exchange with the client, while a handler that may wait is at work on it.
  var exchange: RequestExchange?

  /// What is to be done.
  public var method: Method {
    get { parts.method }
    set { withOwnParts { $0.method = newValue } }
  }
  /// What tells it from other requests in logs, here and at those who have passed it on: its `X-Request-Id`, if that is 1
  /// to 128 letters, digits and `+ - . / : = @ _`, or else one that is made here. It is the same in each copy of the
  /// request, and in all that is logged of it.
  ///
  /// A client may send what it likes, the identity of another request too. It is made each time that it is asked for, and
  /// costs nothing otherwise.
  public var requestID: String {
    var bytes = ByteBuffer(capacity: 128)
    appendRequestID(to: &bytes)
    return String(decoding: bytes.taken, as: UTF8.self)
  }

  /// Appends the bytes of ``requestID``.
  func appendRequestID(to bytes: inout ByteBuffer) {
    if let range = parts.fields.requestID {
      // Only here, since a copy of the fields counts as one.
      let fields = parts.fields
      bytes.append(fields.bytes.span.extracting(range))
    } else {
      RequestIdentity(connection: parts.origin?.number ?? 0, request: parts.number).append(to: &bytes)
    }
  }

  /// The version of HTTP it came in.
  public var version: HTTPVersion {
    get { parts.version }
    set { withOwnParts { $0.version = newValue } }
  }
  /// The fields of its head.
  public var headers: HeaderFields {
    get { parts.fields }
    set { withOwnParts { $0.fields = newValue } }
  }
  /// Its content, which may still be on its way.
  public var body: RequestBody {
    get { parts.body }
    set { withOwnParts { $0.body = newValue } }
  }
  /// What the path held where the route has a parameter; filled in by a ``Router``.
  public var parameters: PathParameters {
    get { parts.parameters }
    set { withOwnParts { $0.parameters = newValue } }
  }
  /// The pattern of the route that a ``Router`` has found for it, as in `/users/:id`, with the prefixes of the groups
  /// that the route is in; `nil` before a router has it, and where there is no route.
  ///
  /// There are as many patterns as routes, whatever clients send: it is what to count and to time requests by.
  public var route: String? { endpoint?.route.path }
  /// Where it came from, where the stream knows.
  public var remoteAddress: SocketAddress? {
    get { parts.origin?.address }
    set { withOwnParts { $0.origin = RequestOrigin(newValue, $0.origin?.errors ?? .standard, as: $0.origin) } }
  }

  /// A request made by hand, for tests and for calling a handler without a network.
  ///
  /// A `target` that could not come over the network is taken as a path.
  public init(
    method: Method = .get, target: String, headers: HeaderFields = [:], body: RequestBody = .empty
  ) {
    parts = RequestParts()
    parts.method = method
    parts.target.bytes = Array(target.utf8)
    _ = parts.target.locateParts(method: method)
    parts.fields = headers
    parts.body = body
    parts.origin = RequestOrigin(nil)
  }

  /// The request that `parts` make up, which are not to be changed while anybody has it.
  init(_ parts: RequestParts) { self.parts = parts }

  /// The protocol that an extended CONNECT over HTTP/2 names (RFC 8441 section 4), as `websocket`; `nil` in any other
  /// request. Such a request has the method CONNECT and a path.
  public var connectProtocol: String? { parts.connectProtocol }

  /// What observers will be told of it, where there are any.
  var trace: RequestTrace? { parts.trace }

  /// The response that `error` becomes, by its server's rules where it has come to one.
  func response(for error: any Error) -> Response {
    (parts.origin?.errors ?? .standard).response(to: self, for: error)
  }

  /// What the stream of its connection says of itself: its TLS session, or over a Unix-domain socket who the peer is.
  ///
  /// - Returns: `nil` where that stream does not say so, and in a request made by hand.
  public func attribute<Attribute: StreamAttribute>(_ type: Attribute.Type) -> Attribute? {
    parts.origin?.connection?.attribute(type)
  }

  /// The same request without its content.
  var withoutBody: Request {
    let copy = parts.copy()
    copy.body = .empty
    return Request(copy)
  }

  /// The same request with responses of errors made by `errors`.
  func answered(by errors: ErrorResponder) -> Request {
    var copy = self
    copy.withOwnParts { $0.origin = RequestOrigin($0.origin?.address, errors, as: $0.origin) }
    return copy
  }

  /// This request, of which `trace` is kept.
  func traced(by trace: RequestTrace) -> Request {
    parts.trace = trace
    return self
  }

  private mutating func withOwnParts(_ change: (RequestParts) -> Void) {
    if !isKnownUniquelyReferenced(&parts) { parts = parts.copy() }
    change(parts)
  }

  /// What a middleware or a router in front has left for those behind, under `key`; see ``RequestKey``.
  ///
  /// It belongs to the request, not to the connection, and costs nothing where it is not used.
  public subscript<Key: RequestKey>(key: Key.Type) -> Key.Value? {
    get { parts.values[ObjectIdentifier(key)] as? Key.Value }
    set { withOwnParts { $0.values[ObjectIdentifier(key)] = newValue } }
  }

  /// The target as it was sent: `/users/7?full`, `*`, `http://example.org/`, or for CONNECT `example.org:443`.
  public var target: String { String(decoding: targetBytes, as: UTF8.self) }

  /// The bytes of ``target``.
  var targetBytes: [UInt8] { parts.target.bytes }

  /// The path as it was sent, percent-encoded: `/` where an absolute target has none, `*` for `OPTIONS *`, and empty
  /// for CONNECT, whose target is an authority.
  public var path: String { String(decoding: pathBytes, as: UTF8.self) }

  /// The bytes of ``path``; asking for them allocates nothing.
  public var pathBytes: ArraySlice<UInt8> {
    parts.target.path.isEmpty && method != .connect ? rootPath : parts.target.bytes[parts.target.path]
  }

  /// What the query holds, decoded each time it is asked for.
  public var query: QueryItems { QueryItems(queryBytes) }

  /// The query as it was sent, percent-encoded and without its `?`; empty where there is none.
  var queryBytes: ArraySlice<UInt8> { parts.target.query.map { parts.target.bytes[$0] } ?? [] }

  /// Whom the request is for: the authority of an absolute target or of CONNECT, or else the `Host` field
  /// (RFC 9112 section 3.2.2).
  public var authority: String? {
    parts.target.authority.map { String(decoding: parts.target.bytes[$0], as: UTF8.self) } ?? headers["Host"]
  }
}

/// What a request consists of, in memory that a connection uses for one request after another.
///
/// Unchecked: it is changed only by whoever has the only reference, a decoder before there is a ``Request`` of it or a
/// request that shares it with nobody. The checks of exclusive access would ask the same once more.
///
/// A decoder that uses it again keeps its own reference meanwhile. So a request of it that is changed has a copy, and
/// what is put there, parameters and values among it, never gets into the next request.
final class RequestParts: @unchecked Sendable {
  @exclusivity(unchecked) var method = Method.get
  @exclusivity(unchecked) var version = HTTPVersion.http1_1
  @exclusivity(unchecked) var target = RequestTarget()
  @exclusivity(unchecked) var fields = HeaderFields()
  @exclusivity(unchecked) var body = RequestBody.empty
  @exclusivity(unchecked) var parameters = PathParameters()
  @exclusivity(unchecked) var origin: RequestOrigin?
  /// Which request of its connection it is: the how many-th over HTTP/1, and its stream over HTTP/2.
  @exclusivity(unchecked) var number: UInt32 = 0
  /// The protocol that an extended CONNECT names (RFC 8441 section 4).
  @exclusivity(unchecked) var connectProtocol: String?
  /// What observers will be told of the request, where there are any.
  @exclusivity(unchecked) var trace: RequestTrace?
  /// What has been left under the keys of the request. An empty dictionary is one word and no memory.
  @exclusivity(unchecked) var values: [ObjectIdentifier: any Sendable] = [:]

  init() {}

  /// The parts of a head.
  init(
    _ method: Method, _ version: HTTPVersion, _ target: RequestTarget, _ fields: HeaderFields,
    from origin: RequestOrigin?, _ number: UInt32
  ) {
    self.method = method
    self.version = version
    self.target = target
    self.fields = fields
    self.origin = origin
    self.number = number
  }

  func copy() -> RequestParts {
    let other = RequestParts(method, version, target, fields, from: origin, number)
    other.body = body
    other.parameters = parameters
    other.connectProtocol = connectProtocol
    other.trace = trace
    other.values = values
    return other
  }
}

/// Where a connection's requests come from, kept once for all of them.
final class RequestOrigin: Sendable {
  let address: SocketAddress?
  /// The connection's number, or 0 before it has been asked for. It fits in behind the address, where there would be a
  /// gap: each idle connection has one of these.
  private let assigned: Atomic<UInt32>
  /// Makes responses of errors: the server's, or the standard one where there is no server.
  let errors: ErrorResponder
  /// The connection itself, where there is one.
  let connection: ConnectionControl?

  private static let count = Atomic<UInt32>(0)

  init(_ address: SocketAddress?, _ errors: ErrorResponder = .standard, connection: ConnectionControl? = nil) {
    self.address = address
    self.errors = errors
    self.connection = connection
    assigned = Atomic(0)
  }

  /// The same connection, if it is that of `other`, with another address or other responses.
  init(_ address: SocketAddress?, _ errors: ErrorResponder, as other: RequestOrigin?) {
    self.address = address
    self.errors = errors
    connection = other?.connection
    assigned = Atomic(other?.number ?? 0)
  }

  /// The connection's number, which is given to it now if it has none. It differs from that of each of the four billion
  /// connections before it that have one.
  var number: UInt32 {
    // Relaxed throughout: the numbers have to differ, and order nothing.
    let known = assigned.load(ordering: .relaxed)
    if known != 0 { return known }
    var next: UInt32
    repeat { next = Self.count.wrappingAdd(1, ordering: .relaxed).newValue } while next == 0
    let (isFirst, other) = assigned.compareExchange(expected: 0, desired: next, ordering: .relaxed)
    return isFirst ? next : other
  }
}

private let rootPath: ArraySlice<UInt8> = [UInt8(ascii: "/")]
