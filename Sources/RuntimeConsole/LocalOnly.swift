import Runtime
import RuntimeHTTP

/// Answers 403 to whatever does not come from this machine, and to what a browser may have been tricked into asking.
///
/// - The peer's address has to be of the loopback, or of a Unix-domain socket.
/// - `Host` has to be an address, `localhost` or a name below it. A page of another site whose name is made to lead here
///   (DNS rebinding) asks under its own name.
/// - Fields with which proxies pass on requests of others must not be there: for those, the peer is the proxy.
struct LocalOnly: ImmediateMiddleware {
  func before(_ request: inout Request) throws -> Response? {
    guard let reason = Self.reason(toRefuse: request) else { return nil }
    throw HTTPError(.forbidden, "This is shown on this machine only: \(reason).")
  }

  private static let proxyFields = ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"]

  private static func reason(toRefuse request: Request) -> String? {
    guard request.remoteAddress?.isLocal == true else { return "the request comes from elsewhere" }
    guard let authority = request.authority, isLocalName(authority) else {
      return "the request is for a host other than localhost or an address"
    }
    if let field = proxyFields.first(where: { request.headers.contains($0) }) {
      return "a proxy has passed the request on (\(field))"
    }
    return nil
  }

  /// Whether `authority`, a host and perhaps a port, names no host that another could have given an address of ours.
  static func isLocalName(_ authority: String) -> Bool {
    var host = authority[...]
    // A colon after the last bracket, if there is one, begins the port.
    if let colon = host.lastIndex(of: ":"), !host[colon...].contains("]") {
      guard host[colon...].dropFirst().utf8.allSatisfy({ (48...57).contains($0) }) else { return false }
      host = host[..<colon]
    }
    let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
    if isBracketed { return IPv6Address(host.dropFirst().dropLast()) != nil }
    if IPv4Address(host) != nil { return true }
    let name = host.lowercased()
    // RFC 6761 section 6.3: names below localhost lead to the loopback, too.
    return name == "localhost" || name.hasSuffix(".localhost")
  }
}

extension SocketAddress {
  /// Whether it is of this machine: 127.0.0.0/8, `::1`, the former in an IPv6 address, or a Unix-domain socket.
  var isLocal: Bool {
    switch self {
    case .ipv4(let address, _): address.bits >> 24 == 127
    case .ipv6(let address, _, _): address == .loopback || address.bits >> 24 == 0xffff << 8 | 127
    case .unix: true
    }
  }
}
