import CRuntime
package import Glibc

// The system calls that make sockets. Whatever they make is non-blocking and closed on exec from the start.

/// A new stream socket of `family`.
func streamDescriptor(_ family: sa_family_t) throws(IOError) -> Int32 {
  #if os(Linux)
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = Glibc.socket(Int32(family), kind, 0)
  #else
    let descriptor = Glibc.socket(Int32(family), Int32(SOCK_STREAM.rawValue), 0)
    makeNonBlocking(descriptor)
  #endif
  guard descriptor >= 0 else { throw IOError(.socket, .system(errno)) }
  return descriptor
}

/// Takes a connection off `listener`'s backlog; -1 and `errno` if there is none.
func acceptDescriptor(_ listener: Int32) -> Int32 {
  #if os(Linux)
    return gearbox_accept(listener)
  #else
    let descriptor = accept(listener, nil, nil)
    if descriptor >= 0 { makeNonBlocking(descriptor) }
    return descriptor
  #endif
}

#if !os(Linux)
  private func makeNonBlocking(_ descriptor: Int32) {
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
  }
#endif

/// Turns on an option that is a flag. On a socket that has no such option it does nothing.
func turnOn(_ option: Int32, _ level: Int32, of descriptor: Int32) {
  var on: Int32 = 1
  setsockopt(descriptor, level, option, &on, socklen_t(MemoryLayout<Int32>.size))
}

/// A descriptor bound to `address` and listening.
func listeningDescriptor(_ address: SocketAddress, _ options: ListenOptions) throws(IOError) -> Int32 {
  let descriptor = try streamDescriptor(address.family)
  do throws(IOError) {
    if case .unix = address {
      try bindPath(descriptor, to: address, replacingStale: options.reuseAddress)
    } else {
      if options.reuseAddress { turnOn(SO_REUSEADDR, SOL_SOCKET, of: descriptor) }
      if options.reusePort { turnOn(SO_REUSEPORT, SOL_SOCKET, of: descriptor) }
      guard address.withSystemAddress({ bind(descriptor, $0, $1) }) == 0 else { throw IOError(.bind, .system(errno)) }
    }
    guard listen(descriptor, options.backlog) == 0 else { throw IOError(.listen, .system(errno)) }
    return descriptor
  } catch {
    close(descriptor)
    throw error
  }
}

/// Binds to a path, on which a server that died may have left a socket that nobody listens on.
private func bindPath(_ descriptor: Int32, to address: SocketAddress, replacingStale: Bool) throws(IOError) {
  if address.withSystemAddress({ bind(descriptor, $0, $1) }) == 0 { return }
  let code = errno
  guard code == EADDRINUSE, replacingStale, case .unix(let path) = address else { throw IOError(.bind, .system(code)) }
  let probe = try streamDescriptor(address.family)
  let refused = address.withSystemAddress { connect(probe, $0, $1) } != 0 && errno == ECONNREFUSED
  close(probe)
  guard refused, unlink(path) == 0, address.withSystemAddress({ bind(descriptor, $0, $1) }) == 0 else {
    throw IOError(.bind, .system(code))
  }
}

extension SocketAddress {
  var family: sa_family_t {
    switch self {
    case .ipv4: sa_family_t(AF_INET)
    case .ipv6: sa_family_t(AF_INET6)
    case .unix: sa_family_t(AF_UNIX)
    }
  }

  /// Runs `body` with the address as the system wants it.
  package func withSystemAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    var storage = sockaddr_storage()
    let length = withUnsafeMutableBytes(of: &storage) { bytes -> Int in
      switch self {
      case .ipv4(let address, let port):
        var system = sockaddr_in()
        system.sin_family = family
        system.sin_port = port.bigEndian
        system.sin_addr.s_addr = address.bits.bigEndian
        bytes.storeBytes(of: system, as: sockaddr_in.self)
        return MemoryLayout<sockaddr_in>.size
      case .ipv6(let address, let port, let scope):
        var system = sockaddr_in6()
        system.sin6_family = family
        system.sin6_port = port.bigEndian
        system.sin6_addr = address.systemValue
        system.sin6_scope_id = scope
        bytes.storeBytes(of: system, as: sockaddr_in6.self)
        return MemoryLayout<sockaddr_in6>.size
      case .unix(let path):
        // `init(_:)` bounds what it parses; a longer path that was built by hand is cut, and binding to it says so.
        let name = path.utf8.prefix(Self.maximumPathLength)
        bytes.storeBytes(of: family, as: sa_family_t.self)
        UnsafeMutableRawBufferPointer(rebasing: bytes[Self.pathOffset...]).copyBytes(from: name)
        return Self.pathOffset + name.count + 1
      }
    }
    return withUnsafePointer(to: &storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(length)) }
    }
  }

  private static let pathOffset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2

  /// The address that `call`, a `getsockname` or its like, writes; `nil` where it fails or writes none we know.
  static func read(_ call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32) -> SocketAddress?
  {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let result = withUnsafeMutablePointer(to: &storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { call($0, &length) }
    }
    guard result == 0 else { return nil }
    return withUnsafeBytes(of: storage) { SocketAddress($0.prefix(Int(length))) }
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
      self = .unix(path: String(decoding: bytes.dropFirst(Self.pathOffset).prefix { $0 != 0 }, as: UTF8.self))
    default:
      return nil
    }
  }
}
