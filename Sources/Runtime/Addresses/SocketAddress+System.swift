public import Glibc

// An address as system calls take and give it: what a backend needs that makes sockets of its own.

extension SocketAddress {
  /// The kind of address, as `socket(2)` is told it: `AF_INET`, `AF_INET6` or `AF_UNIX`.
  public var family: Int32 {
    switch self {
    case .ipv4: AF_INET
    case .ipv6: AF_INET6
    case .unix: AF_UNIX
    }
  }

  /// Runs `body` with the address as `bind(2)` and `connect(2)` want it; the pointer is good for that long.
  ///
  /// A path that no Unix-domain socket can have (see ``IOError/Reason/invalidPath``) is not cut: it becomes an address
  /// that these calls refuse with `EINVAL`.
  ///
  /// - Returns: what `body` returns, or throws what it throws.
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
        // Longer than any such address: the call fails with `EINVAL`.
        guard hasValidPath else { return bytes.count }
        UnsafeMutableRawBufferPointer(rebasing: bytes[Self.pathOffset...]).copyBytes(from: path.utf8)
        // Only a path ends with a NUL; an abstract name is as long as the length says.
        return Self.pathOffset + path.utf8.count + (filePath == nil ? 0 : 1)
      }
    }
    return try withUnsafePointer(to: &storage) { storage throws(Failure) in
      try storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { address throws(Failure) in
        try body(address, socklen_t(length))
      }
    }
  }

  /// The address that a system call writes, such as `SocketAddress(writtenBy: { getsockname(descriptor, $0, $1) })`; `nil`
  /// where the call fails or the address is none of ours.
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
