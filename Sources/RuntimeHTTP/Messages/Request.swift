public import Runtime
import Synchronization

/// A request, as passed to a ``Handler``.
///
/// It is a value of three words and cheap to copy: copies share storage until one of them is changed.
public struct Request: Sendable {
  private var parts: RequestParts
  /// The endpoint that a router has found, if any.
  var endpoint: Endpoint?
  /// The exchange with the client, while a handler that may wait works on the request.
  var exchange: RequestExchange?

  /// The request method, such as GET.
  public var method: Method {
    get { parts.method }
    set { withOwnParts { $0.method = newValue } }
  }
  /// The identity of the request in logs, here and at proxies: its `X-Request-Id`, if that consists of 1 to 128
  /// letters, digits and `+ - . / : = @ _`, or else one that is generated here. It is the same in every copy of the
  /// request and in everything that is logged about it.
  ///
  /// It is not trustworthy: a client may send any identity, even that of another request. It is computed on each
  /// access, and costs nothing otherwise.
  public var requestID: String {
    var bytes = ByteBuffer(capacity: 128)
    appendRequestID(to: &bytes)
    return String(decoding: bytes.contents, as: UTF8.self)
  }

  /// Appends the bytes of ``requestID``.
  func appendRequestID(to bytes: inout ByteBuffer) {
    if let range = parts.fields.requestID {
      // Only in this branch, because the copy of the fields costs reference counting.
      let fields = parts.fields
      bytes.append(fields.bytes.span.extracting(range))
    } else {
      RequestIdentity(connection: parts.origin?.number ?? 0, request: parts.number).append(to: &bytes)
    }
  }

  /// The HTTP version of the request.
  public var version: HTTPVersion {
    get { parts.version }
    set { withOwnParts { $0.version = newValue } }
  }
  /// The header fields.
  public var headers: HeaderFields {
    get { parts.fields }
    set { withOwnParts { $0.fields = newValue } }
  }
  /// The content, which may not have been received yet.
  public var body: RequestBody {
    get { parts.body }
    set { withOwnParts { $0.body = newValue } }
  }
  /// The values of the path parameters of the route. Set by a ``Router``.
  public var parameters: PathParameters {
    get { parts.parameters }
    set { withOwnParts { $0.parameters = newValue } }
  }
  /// The pattern of the route that a ``Router`` has found, such as `/users/:id`, including the prefixes of its groups;
  /// `nil` before routing, and if there is no route.
  ///
  /// The number of patterns is that of the routes, whatever clients send, so it is a suitable label for metrics.
  public var route: String? { endpoint?.route.path }
  /// The address of the client; `nil` if the stream does not know it.
  public var remoteAddress: SocketAddress? {
    get { parts.origin?.address }
    set { withOwnParts { $0.origin = RequestOrigin(newValue, $0.origin?.errors ?? .standard, as: $0.origin) } }
  }

  /// Creates a request for tests and for calling a handler without a network.
  ///
  /// A `target` that would be invalid on the network is used as a path.
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

  /// Creates a request of `parts`, which must not be changed while the request is in use.
  init(_ parts: RequestParts) { self.parts = parts }

  /// The protocol that an extended CONNECT over HTTP/2 names (RFC 8441 section 4), such as `websocket`; `nil` for all
  /// other requests. The method of such a request is CONNECT, and it has a path.
  public var connectProtocol: String? { parts.connectProtocol }

  /// The trace for observers, if there are any.
  var trace: RequestTrace? { parts.trace }

  /// Returns the response for `error`, formed by the settings of the server if there is one.
  func response(for error: any Error) -> Response {
    (parts.origin?.errors ?? .standard).response(to: self, for: error)
  }

  /// Returns an attribute of the connection's stream, such as the TLS session, or the credentials of the peer of a
  /// Unix-domain socket.
  ///
  /// - Returns: `nil` if the stream does not have the attribute, or if the request did not come over a connection.
  public func attribute<Attribute: StreamAttribute>(_ type: Attribute.Type) -> Attribute? {
    parts.origin?.connection?.attribute(type)
  }

  /// A copy of the request without its content.
  var withoutBody: Request {
    let copy = parts.copy()
    copy.body = .empty
    return Request(copy)
  }

  /// Returns a copy whose error responses are made by `errors`.
  func withErrorResponder(_ errors: ErrorResponder) -> Request {
    var copy = self
    copy.withOwnParts { $0.origin = RequestOrigin($0.origin?.address, errors, as: $0.origin) }
    return copy
  }

  /// Returns this request, with `trace` attached.
  func traced(by trace: RequestTrace) -> Request {
    parts.trace = trace
    return self
  }

  private mutating func withOwnParts(_ change: (RequestParts) -> Void) {
    if !isKnownUniquelyReferenced(&parts) { parts = parts.copy() }
    change(parts)
  }

  /// The value stored under `key` by a middleware or router, for the handlers behind it; see ``RequestKey``.
  ///
  /// It belongs to the request, not to the connection, and costs nothing if it is not used.
  public subscript<Key: RequestKey>(key: Key.Type) -> Key.Value? {
    get { parts.values[ObjectIdentifier(key)] as? Key.Value }
    set { withOwnParts { $0.values[ObjectIdentifier(key)] = newValue } }
  }

  /// The target as it was sent: `/users/7?full`, `*`, `http://example.org/`, or for CONNECT `example.org:443`.
  public var target: String { String(decoding: targetBytes, as: UTF8.self) }

  /// The bytes of ``target``.
  var targetBytes: [UInt8] { parts.target.bytes }

  /// The path as it was sent, percent-encoded: `/` if an absolute target has none, `*` for `OPTIONS *`, and empty for
  /// CONNECT, whose target is an authority.
  public var path: String { String(decoding: pathBytes, as: UTF8.self) }

  /// The bytes of ``path``. Accessing them does not allocate.
  public var pathBytes: ArraySlice<UInt8> {
    parts.target.path.isEmpty && method != .connect ? rootPath : parts.target.bytes[parts.target.path]
  }

  /// The items of the query, decoded on each access.
  public var query: QueryItems { QueryItems(queryBytes) }

  /// The query as it was sent, percent-encoded and without its `?`; empty if there is none.
  var queryBytes: ArraySlice<UInt8> { parts.target.query.map { parts.target.bytes[$0] } ?? [] }

  /// The authority that the request is for: that of an absolute target or of CONNECT, or else the `Host` field (RFC
  /// 9112 section 3.2.2).
  public var authority: String? {
    parts.target.authority.map { String(decoding: parts.target.bytes[$0], as: UTF8.self) } ?? headers["Host"]
  }
}

/// The storage of a request, which a connection reuses for one request after another.
///
/// Unchecked: it is changed only through a unique reference, which a decoder has before there is a ``Request``, and a
/// request has when it shares the storage with no other. Checks of exclusive access would repeat that test.
///
/// A decoder that reuses the storage keeps its own reference meanwhile. So changing a request makes a copy, and
/// parameters, values and other changes never reach the next request.
final class RequestParts: @unchecked Sendable {
  @exclusivity(unchecked) var method = Method.get
  @exclusivity(unchecked) var version = HTTPVersion.http1_1
  @exclusivity(unchecked) var target = RequestTarget()
  @exclusivity(unchecked) var fields = HeaderFields()
  @exclusivity(unchecked) var body = RequestBody.empty
  @exclusivity(unchecked) var parameters = PathParameters()
  @exclusivity(unchecked) var origin: RequestOrigin?
  /// The number of the request on its connection: a count over HTTP/1, and the stream over HTTP/2.
  @exclusivity(unchecked) var number: UInt32 = 0
  /// The protocol that an extended CONNECT names (RFC 8441 section 4).
  @exclusivity(unchecked) var connectProtocol: String?
  /// The trace for observers, if there are any.
  @exclusivity(unchecked) var trace: RequestTrace?
  /// The values by key. An empty dictionary is one word and allocates nothing.
  @exclusivity(unchecked) var values: [ObjectIdentifier: any Sendable] = [:]

  init() {}

  /// Creates the parts of a head.
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

/// The origin of a connection's requests, stored once for all of them.
final class RequestOrigin: Sendable {
  let address: SocketAddress?
  /// The connection's number, or 0 until it is first asked for. It fits into padding after the address, which matters
  /// because each idle connection has an origin.
  private let assigned: Atomic<UInt32>
  /// Makes error responses: that of the server, or the standard one if there is no server.
  let errors: ErrorResponder
  /// The connection, if there is one.
  let connection: ConnectionControl?

  private static let count = Atomic<UInt32>(0)

  init(_ address: SocketAddress?, _ errors: ErrorResponder = .standard, connection: ConnectionControl? = nil) {
    self.address = address
    self.errors = errors
    self.connection = connection
    assigned = Atomic(0)
  }

  /// Creates an origin with another address or error responder, for the connection of `other`.
  init(_ address: SocketAddress?, _ errors: ErrorResponder, as other: RequestOrigin?) {
    self.address = address
    self.errors = errors
    connection = other?.connection
    assigned = Atomic(other?.number ?? 0)
  }

  /// The connection's number, which is assigned on first access. It is unique among the last four billion numbers
  /// assigned.
  var number: UInt32 {
    // All accesses are relaxed: the numbers must be unique, and order nothing.
    let known = assigned.load(ordering: .relaxed)
    if known != 0 { return known }
    var next: UInt32
    repeat { next = Self.count.wrappingAdd(1, ordering: .relaxed).newValue } while next == 0
    let (isFirst, other) = assigned.compareExchange(expected: 0, desired: next, ordering: .relaxed)
    return isFirst ? next : other
  }
}

private let rootPath: ArraySlice<UInt8> = [UInt8(ascii: "/")]
