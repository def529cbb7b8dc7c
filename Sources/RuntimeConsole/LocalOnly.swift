import Runtime
import RuntimeHTTP

/// Answers 403 to requests that do not come from this machine, or that a browser may have been tricked into sending.
///
/// - The peer's address must be a loopback or Unix-domain address.
/// - `Host` must be an address, `localhost` or a name below it. A page of another site whose name resolves to this
///   machine (DNS rebinding) sends its own name.
/// - Fields that proxies add to forwarded requests must be absent: with a proxy, the peer's address is that of the
///   proxy.
struct LocalOnly: ImmediateMiddleware {
  func before(_ request: inout Request) throws -> Response? {
    guard let reason = Self.reason(toRefuse: request) else { return nil }
    throw HTTPError(.forbidden, "This page is available on this machine only: \(reason).")
  }

  private static let proxyFields = ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"]

  private static func reason(toRefuse request: Request) -> String? {
    guard request.remoteAddress?.isLocal == true else { return "the request comes from another machine" }
    guard let authority = request.authority, isLocalName(authority) else {
      return "the request is for a host other than localhost or an address"
    }
    if let field = proxyFields.first(where: { request.headers.contains($0) }) {
      return "a proxy has forwarded the request (\(field))"
    }
    return nil
  }

  /// Returns whether `authority`, a host with an optional port, is no name that a third party could resolve to this
  /// machine.
  static func isLocalName(_ authority: String) -> Bool {
    var host = authority[...]
    // The port begins at a colon after the last bracket, if there is one.
    if let colon = host.lastIndex(of: ":"), !host[colon...].contains("]") {
      guard host[colon...].dropFirst().utf8.allSatisfy({ (48...57).contains($0) }) else { return false }
      host = host[..<colon]
    }
    let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
    if isBracketed { return IPv6Address(host.dropFirst().dropLast()) != nil }
    if IPv4Address(host) != nil { return true }
    let name = host.lowercased()
    // RFC 6761 section 6.3: names below localhost resolve to the loopback address too.
    return name == "localhost" || name.hasSuffix(".localhost")
  }
}

extension SocketAddress {
  /// Whether the address belongs to this machine: 127.0.0.0/8, also mapped to IPv6, `::1`, or a Unix-domain socket.
  var isLocal: Bool {
    switch self {
    case .ipv4(let address, _): address.bits >> 24 == 127
    case .ipv6(let address, _, _): address == .loopback || address.bits >> 24 == 0xffff << 8 | 127
    case .unix: true
    }
  }
}
