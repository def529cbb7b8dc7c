import Glibc

/// The address of a socket: an IPv4 or IPv6 address with a port, or the name of a Unix-domain socket.
public enum SocketAddress: Hashable, Sendable {
  /// An IPv4 address and a port.
  case ipv4(IPv4Address, port: UInt16)
  /// An IPv6 address, a port, and the interface index of a link-local address (0 for other addresses).
  case ipv6(IPv6Address, port: UInt16, scope: UInt32 = 0)
  /// A Unix-domain socket: a path in the file system of at most 107 bytes.
  ///
  /// A path that begins with a NUL is an abstract name (`unix(7)`): up to 107 bytes of any value after that NUL. It has
  /// no entry in a file system, becomes free when its socket is closed, and accepts connections from any user of this
  /// machine. The path is empty for a socket without a name. Linux assigns an abstract name to a socket that is bound
  /// to an empty path.
  case unix(path: String)

  /// Returns `127.0.0.1` with `port`. With port 0 the system chooses one.
  public static func loopback(port: UInt16) -> SocketAddress {
    .ipv4(IPv4Address(127, 0, 0, 1), port: port)
  }

  /// Creates an address from text: `127.0.0.1:80`, `[::1]:80`, `[fe80::1%2]:80`, `unix:/run/app.sock`, or `unix:@app`
  /// for an abstract name. A file whose name begins with `@` is written `unix:./@app`.
  ///
  /// Host names are not resolved. Returns `nil` for any other text.
  public init?(_ text: some StringProtocol) {
    let prefix = "unix:"
    if text.hasPrefix(prefix) {
      let path = text.dropFirst(prefix.count)
      guard !path.isEmpty, path.utf8.first != 0 else { return nil }
      self = .unix(
        path: path.utf8.first == Self.at ? "\0" + String(decoding: path.utf8.dropFirst(), as: UTF8.self) : String(path))
      if !hasValidPath { return nil }
      return
    }
    guard let colon = text.lastIndex(of: ":"), let port = Self.port(text[text.index(after: colon)...]) else {
      return nil
    }
    self.init(host: text[..<colon], port: port)
  }

  /// Creates an address from `host`, an IPv4 or IPv6 address with or without brackets, and `port`. Host names are not
  /// resolved.
  public init?(host: some StringProtocol, port: UInt16) {
    if let address = IPv4Address(host) {
      self = .ipv4(address, port: port)
      return
    }
    let bracketed = host.hasPrefix("[") && host.hasSuffix("]") && host.utf8.count > 2
    let inner = bracketed ? host.dropFirst().dropLast() : host[...]
    let parts = inner.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, let address = IPv6Address(first) else { return nil }
    if parts.count == 2 {
      guard let scope = UInt32(parts[1]) else { return nil }
      self = .ipv6(address, port: port, scope: scope)
    } else {
      self = .ipv6(address, port: port)
    }
  }

  /// The port, or `nil` for a Unix-domain socket.
  public var port: UInt16? {
    switch self {
    case .ipv4(_, let port), .ipv6(_, let port, _): port
    case .unix: nil
    }
  }

  /// The character that marks an abstract name in text.
  fileprivate static let at = UInt8(ascii: "@")

  /// The capacity of `sun_path` on Linux, without the NUL that ends a path or begins an abstract name.
  static let maximumPathLength = 107

  /// The path of a Unix-domain socket in the file system; `nil` for other addresses.
  package var filePath: String? {
    if case .unix(let path) = self, let first = path.utf8.first, first != 0 { path } else { nil }
  }

  /// Whether the path, if there is one, fits a `sockaddr_un`.
  var hasValidPath: Bool {
    guard case .unix(let path) = self else { return true }
    guard path.utf8.first == 0 else { return path.utf8.count <= Self.maximumPathLength && !path.utf8.contains(0) }
    return path.utf8.count - 1 <= Self.maximumPathLength
  }

  /// Checks that a Unix-domain socket can have this path.
  ///
  /// - Throws: ``IOError/Reason/invalidPath`` if it cannot.
  package func checkPath(_ operation: IOError.Operation) throws(IOError) {
    if !hasValidPath { throw IOError(operation, .invalidPath) }
  }

  /// Parses a port of digits only: `UInt16("+80")` would accept a sign.
  private static func port(_ text: some StringProtocol) -> UInt16? {
    guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
    return UInt16(text)
  }
}

extension SocketAddress: CustomStringConvertible {
  /// The text form that ``init(_:)`` parses.
  public var description: String {
    switch self {
    case .ipv4(let address, let port): "\(address):\(port)"
    case .ipv6(let address, let port, 0): "[\(address)]:\(port)"
    case .ipv6(let address, let port, let scope): "[\(address)%\(scope)]:\(port)"
    case .unix(let path) where path.utf8.first == 0: "unix:@" + String(decoding: path.utf8.dropFirst(), as: UTF8.self)
    case .unix(let path): path.utf8.first == Self.at ? "unix:./\(path)" : "unix:\(path)"
    }
  }
}
