import Glibc

/// Where a socket is: an IPv4 or IPv6 address with a port, or the name of a Unix-domain socket.
public enum SocketAddress: Hashable, Sendable {
  /// An IPv4 address and a port.
  case ipv4(IPv4Address, port: UInt16)
  /// An IPv6 address, a port, and the number of the interface that a link-local address belongs to (else 0).
  case ipv6(IPv6Address, port: UInt16, scope: UInt32 = 0)
  /// A Unix-domain socket: a path in the file system of at most 107 bytes.
  ///
  /// A path that begins with a NUL is an abstract name (`unix(7)`): up to 107 bytes of any value after that NUL. It is in
  /// no file system, is free again when its socket is closed, and may be connected to by any user of this machine. The
  /// path is empty for a socket that has no name; Linux gives an abstract name to one that listens on an empty path.
  case unix(path: String)

  /// `127.0.0.1` on `port`; port 0 lets the system choose one.
  public static func loopback(port: UInt16) -> SocketAddress {
    .ipv4(IPv4Address(127, 0, 0, 1), port: port)
  }

  /// The address that `text` spells: `127.0.0.1:80`, `[::1]:80`, `[fe80::1%2]:80`, `unix:/run/app.sock`, or `unix:@app`
  /// for an abstract name. A file whose name begins with `@` is spelled `unix:./@app`.
  ///
  /// Names are not looked up. `nil` where `text` is none of these.
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

  /// The address of `host`, an IPv4 or IPv6 address with or without brackets, and `port`. Names are not looked up.
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

  /// The port, where there is one.
  public var port: UInt16? {
    switch self {
    case .ipv4(_, let port), .ipv6(_, let port, _): port
    case .unix: nil
    }
  }

  /// What an abstract name begins with in text.
  fileprivate static let at = UInt8(ascii: "@")

  /// What `sun_path` holds on Linux, less the NUL at the end of a path or at the beginning of an abstract name.
  static let maximumPathLength = 107

  /// The path of a Unix-domain socket whose name is in the file system.
  var filePath: String? {
    if case .unix(let path) = self, let first = path.utf8.first, first != 0 { path } else { nil }
  }

  /// Whether a system call could be told of it.
  var hasValidPath: Bool {
    guard case .unix(let path) = self else { return true }
    guard path.utf8.first == 0 else { return path.utf8.count <= Self.maximumPathLength && !path.utf8.contains(0) }
    return path.utf8.count - 1 <= Self.maximumPathLength
  }

  /// - Throws: ``IOError/Reason/invalidPath`` if a Unix-domain socket cannot have this path.
  package func checkPath(_ operation: IOError.Operation) throws(IOError) {
    if !hasValidPath { throw IOError(operation, .invalidPath) }
  }

  /// Digits alone: `UInt16("+80")` would be a number too.
  private static func port(_ text: some StringProtocol) -> UInt16? {
    guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
    return UInt16(text)
  }
}

extension SocketAddress: CustomStringConvertible {
  /// The spelling that ``init(_:)`` reads.
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

/// The four bytes of an IPv4 address.
public struct IPv4Address: Hashable, Sendable, CustomStringConvertible {
  /// The bytes in network order, the first in the highest bits: 127.0.0.1 is `0x7f00_0001`.
  public let bits: UInt32

  /// Every address of this machine.
  public static let any = IPv4Address(0, 0, 0, 0)
  /// 127.0.0.1.
  public static let loopback = IPv4Address(127, 0, 0, 1)

  /// The address that is written `a.b.c.d`.
  public init(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) {
    bits = UInt32(a) << 24 | UInt32(b) << 16 | UInt32(c) << 8 | UInt32(d)
  }

  package init(bits: UInt32) { self.bits = bits }

  /// The address that `text` spells with four decimal numbers.
  public init?(_ text: some StringProtocol) {
    var address = in_addr()
    guard inet_pton(AF_INET, String(text), &address) == 1 else { return nil }
    bits = UInt32(bigEndian: address.s_addr)
  }

  /// `a.b.c.d`
  public var description: String { "\(bits >> 24).\(bits >> 16 & 255).\(bits >> 8 & 255).\(bits & 255)" }
}

/// The sixteen bytes of an IPv6 address.
public struct IPv6Address: Hashable, Sendable, CustomStringConvertible {
  /// The bytes in network order, the first in the highest bits.
  public let bits: UInt128

  /// Every address of this machine.
  public static let any = IPv6Address(bits: 0)
  /// `::1`.
  public static let loopback = IPv6Address(bits: 1)

  /// The address with these bits.
  public init(bits: UInt128) { self.bits = bits }

  /// The address that `text` spells as RFC 4291 section 2.2 says, without brackets or a zone.
  public init?(_ text: some StringProtocol) {
    var address = in6_addr()
    guard inet_pton(AF_INET6, String(text), &address) == 1 else { return nil }
    self.init(address)
  }

  init(_ address: in6_addr) {
    bits = withUnsafeBytes(of: address) { UInt128(bigEndian: $0.loadUnaligned(as: UInt128.self)) }
  }

  var systemValue: in6_addr {
    var address = in6_addr()
    withUnsafeMutableBytes(of: &address) { $0.storeBytes(of: bits.bigEndian, as: UInt128.self) }
    return address
  }

  /// The shortest spelling, as RFC 5952 recommends.
  public var description: String {
    var address = systemValue
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { buffer in
      guard let base = buffer.baseAddress, inet_ntop(AF_INET6, &address, base, socklen_t(buffer.count)) != nil
      else { return "" }
      return String(cString: base)
    }
  }
}
