public import HTTPTypes
public import RuntimeHTTP

extension HTTPRequest {
  /// The head of `request`.
  ///
  /// The `Host` field becomes the authority, as in other servers that use these types, and is no field any more. A target
  /// in absolute form says the scheme, the authority and the path by itself (RFC 9112 section 3.2.2). What has no place in
  /// this type stays with `request`: its version, content, parameters, where it came from, and what is under its keys.
  ///
  /// - Parameter scheme: what the client has used to get here: nothing in a request of HTTP/1 says so.
  /// - Throws: ``UnrepresentableMessage`` for 65,535 fields or more.
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
      // A second one is no authority: a server refuses it, and in a request made by hand it stays what it is.
      if name == "host", !hasHost {
        hasHost = true
        return false
      }
      return true
    }
  }
}

/// The scheme and the path of a request, as its target has them.
private struct TargetParts {
  /// `nil` where the target does not say.
  var scheme: String?
  /// With the query; `nil` for CONNECT, whose target is an authority.
  var path: String?

  init(_ request: Request) {
    if request.method == .connect, request.connectProtocol == nil { return }
    let target = request.target
    path = target
    // `*` and paths are what they are.
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
  /// A request made by hand, with the head `request`, for calling a handler without a network.
  ///
  /// The authority becomes the `Host` field, the first one, if there is none. The scheme has no place here, and neither has
  /// `extendedConnectProtocol`: it belongs to a connection, which such a request does not have.
  ///
  /// - Throws: ``UnrepresentableMessage`` for a method of more than 24 bytes, for a request without a target, and for an
  ///   extended CONNECT; `InvalidHeaderField` as `HeaderFields.init(_:)` does.
  public init(_ request: HTTPRequest, body: RequestBody = .empty) throws {
    guard let method = Method(request.method.rawValue) else {
      throw UnrepresentableMessage(.method(request.method.rawValue))
    }
    guard request.extendedConnectProtocol == nil else { throw UnrepresentableMessage(.target(request.path)) }
    guard let target = method == .connect ? request.authority : request.path, !target.isEmpty else {
      throw UnrepresentableMessage(.target(nil))
    }
    // What could not have come over a network would split a request that is passed on.
    guard target.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw UnrepresentableMessage(.target(target)) }
    var fields = HeaderFields()
    if let authority = request.authority, !request.headerFields.contains(where: { $0.name.canonicalName == "host" }) {
      try fields.append("Host", authority)
    }
    for field in request.headerFields { try fields.append(field) }
    self.init(method: method, target: target, headers: fields, body: body)
  }
}
