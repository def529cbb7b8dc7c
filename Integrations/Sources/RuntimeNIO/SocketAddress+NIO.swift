import Glibc
import NIOCore
import Runtime

/// Both libraries have a `SocketAddress`. In this module it is Gearbox's; public declarations qualify it.
typealias SocketAddress = Runtime.SocketAddress

extension SocketAddress {
  /// Converts an address of NIO; `nil` if it has no counterpart.
  init?(_ address: NIOCore.SocketAddress) {
    self.init(writtenBy: { storage, length in
      address.withSockAddr { bytes, count in
        guard count <= Int(length.pointee) else { return -1 }
        UnsafeMutableRawPointer(storage).copyMemory(from: bytes, byteCount: count)
        length.pointee = UInt32(count)
        return 0
      }
    })
  }
}

extension NIOCore.SocketAddress {
  /// Converts an IPv4 or IPv6 address to NIO's type; `nil` for a Unix-domain address.
  init?(_ address: SocketAddress) {
    let converted = address.withSystemAddress { bytes, length -> NIOCore.SocketAddress? in
      switch address {
      case .ipv4: NIOCore.SocketAddress(UnsafeRawPointer(bytes).loadUnaligned(as: sockaddr_in.self))
      case .ipv6: NIOCore.SocketAddress(UnsafeRawPointer(bytes).loadUnaligned(as: sockaddr_in6.self))
      case .unix: nil
      }
    }
    guard let converted else { return nil }
    self = converted
  }
}
