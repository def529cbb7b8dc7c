public import HTTPTypes
public import RuntimeHTTP

extension HTTPRequest {
  /// Creates the head of `request`.
  ///
  /// The `Host` field becomes the authority, as in other servers that use these types, and is removed from the fields.
  /// A target in absolute form determines the scheme, the authority and the path (RFC 9112 section 3.2.2). The version,
  /// content, parameters, remote address and values of `request` have no counterpart in this type.
  ///
  /// - Parameter scheme: the scheme used by the client, which an HTTP/1 request does not contain.
  /// - Throws: ``UnrepresentableMessage`` if there are 65,535 fields or more.
  public init(_ request: Request, scheme: String = "http") throws(UnrepresentableMessage) {
    let name = request.method.name
    guard let method = Method(name) else { throw UnrepresentableMessage(.method(name)) }
    let target = TargetParts(request)
    self.init(
      method: method, scheme: target.scheme ?? (target.path == nil ? nil : scheme), authority: request.authority,
      path: target.path)
    extendedConnectProtocol = request.connectProtocol
    var hasHost = false
    try headerFields.append(request.headers) { name in
      // A second `Host` is not an authority. Servers reject it, and in a handmade request it stays a field.
      if name == "host", !hasHost {
        hasHost = true
        return false
      }
      return true
    }
  }
}

/// The scheme and the path of a request target.
private struct TargetParts {
  /// The scheme; `nil` if the target contains none.
  var scheme: String?
  /// The path with the query; `nil` for CONNECT, whose target is an authority.
  var path: String?

  init(_ request: Request) {
    if request.method == .connect, request.connectProtocol == nil { return }
    let target = request.target
    path = target
    // `*` and paths are used as they are.
    guard target.utf8.first != UInt8(ascii: "/"), let colon = target.utf8.firstIndex(of: UInt8(ascii: ":")),
      target[colon...].hasPrefix("://")
    else { return }
    scheme = String(target[..<colon])
    let rest = target[target.index(colon, offsetBy: 3)...]
    guard let start = rest.firstIndex(where: { $0 == "/" || $0 == "?" }) else {
      path = "/"
      return
    }
    path = rest[start] == "/" ? String(rest[start...]) : "/" + rest[start...]
  }
}

extension Request {
  /// Creates a request with the head `request`, to call a handler without a network.
  ///
  /// The authority becomes the first field, `Host`, unless there is one. The scheme is dropped.
  /// `extendedConnectProtocol` is rejected, because it belongs to a connection, which such a request does not have.
  ///
  /// - Throws: ``UnrepresentableMessage`` for a method of more than 24 bytes, a request without a target, or an
  ///   extended CONNECT; the errors of `HeaderFields.init(_:)`.
  public init(_ request: HTTPRequest, body: RequestBody = .empty) throws {
    guard let method = Method(request.method.rawValue) else {
      throw UnrepresentableMessage(.method(request.method.rawValue))
    }
    guard request.extendedConnectProtocol == nil else { throw UnrepresentableMessage(.target(request.path)) }
    guard let target = method == .connect ? request.authority : request.path, !target.isEmpty else {
      throw UnrepresentableMessage(.target(nil))
    }
    // Characters that cannot arrive over a network would allow request splitting if the request is forwarded.
    guard target.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw UnrepresentableMessage(.target(target)) }
    var fields = HeaderFields()
    if let authority = request.authority, !request.headerFields.contains(where: { $0.name.canonicalName == "host" }) {
      try fields.append("Host", authority)
    }
    for field in request.headerFields { try fields.append(field) }
    self.init(method: method, target: target, headers: fields, body: body)
  }
}
