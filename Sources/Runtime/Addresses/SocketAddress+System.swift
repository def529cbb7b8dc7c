public import Glibc

// Conversions between `SocketAddress` and `sockaddr`, for backends that open sockets of their own.

extension SocketAddress {
  /// The address family for `socket(2)`: `AF_INET`, `AF_INET6` or `AF_UNIX`.
  public var family: Int32 {
    switch self {
    case .ipv4: AF_INET
    case .ipv6: AF_INET6
    case .unix: AF_UNIX
    }
  }

  /// Calls `body` with a pointer to this address as a `sockaddr`, for `bind(2)` and `connect(2)`. The pointer is valid
  /// only during the call.
  ///
  /// A path that no Unix-domain socket can have (see ``IOError/Reason/invalidPath``) is not truncated. It becomes an
  /// address that these calls reject with `EINVAL`.
  ///
  /// - Returns: the result of `body`.
  /// - Throws: the error of `body`.
  public func withSystemAddress<Result, Failure: Error>(
    _ body: (UnsafePointer<sockaddr>, socklen_t) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    var storage = sockaddr_storage()
    let length = withUnsafeMutableBytes(of: &storage) { bytes -> Int in
      switch self {
      case .ipv4(let address, let port):
        var system = sockaddr_in()
        system.sin_family = sa_family_t(family)
        system.sin_port = port.bigEndian
        system.sin_addr.s_addr = address.bits.bigEndian
        bytes.storeBytes(of: system, as: sockaddr_in.self)
        return MemoryLayout<sockaddr_in>.size
      case .ipv6(let address, let port, let scope):
        var system = sockaddr_in6()
        system.sin6_family = sa_family_t(family)
        system.sin6_port = port.bigEndian
        system.sin6_addr = address.systemValue
        system.sin6_scope_id = scope
        bytes.storeBytes(of: system, as: sockaddr_in6.self)
        return MemoryLayout<sockaddr_in6>.size
      case .unix(let path):
        bytes.storeBytes(of: sa_family_t(family), as: sa_family_t.self)
        // The returned length exceeds that of any Unix-domain address, so the call fails with `EINVAL`.
        guard hasValidPath else { return bytes.count }
        UnsafeMutableRawBufferPointer(rebasing: bytes[Self.pathOffset...]).copyBytes(from: path.utf8)
        // Only a path ends with a NUL. The length delimits an abstract name.
        return Self.pathOffset + path.utf8.count + (filePath == nil ? 0 : 1)
      }
    }
    return try withUnsafePointer(to: &storage) { storage throws(Failure) in
      try storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { address throws(Failure) in
        try body(address, socklen_t(length))
      }
    }
  }

  /// Creates the address that a system call writes, such as `SocketAddress(writtenBy: { getsockname(descriptor, $0, $1)
  /// })`.
  ///
  /// Returns `nil` if the call fails or if the address is not of a family that `SocketAddress` represents.
  public init?(writtenBy call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32) {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let result = withUnsafeMutablePointer(to: &storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { call($0, &length) }
    }
    guard result == 0, let address = withUnsafeBytes(of: storage, { SocketAddress($0.prefix(Int(length))) })
    else { return nil }
    self = address
  }

  private init?(_ bytes: Slice<UnsafeRawBufferPointer>) {
    let bytes = UnsafeRawBufferPointer(rebasing: bytes)
    guard bytes.count >= MemoryLayout<sa_family_t>.size else { return nil }
    switch Int32(bytes.load(as: sa_family_t.self)) {
    case AF_INET where bytes.count >= MemoryLayout<sockaddr_in>.size:
      let system = bytes.load(as: sockaddr_in.self)
      let address = IPv4Address(bits: UInt32(bigEndian: system.sin_addr.s_addr))
      self = .ipv4(address, port: UInt16(bigEndian: system.sin_port))
    case AF_INET6 where bytes.count >= MemoryLayout<sockaddr_in6>.size:
      let system = bytes.load(as: sockaddr_in6.self)
      let port = UInt16(bigEndian: system.sin6_port)
      self = .ipv6(IPv6Address(system.sin6_addr), port: port, scope: system.sin6_scope_id)
    case AF_UNIX:
      let path = bytes.dropFirst(Self.pathOffset)
      let isAbstract = path.first == 0
      self = .unix(path: String(decoding: isAbstract ? path : path.prefix { $0 != 0 }, as: UTF8.self))
    default:
      return nil
    }
  }

  private static let pathOffset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
}
