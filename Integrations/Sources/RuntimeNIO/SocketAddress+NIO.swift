import Glibc
import NIOCore
import Runtime

/// Both libraries have a `SocketAddress`. In this module it is Gearbox's; public declarations spell it out.
typealias SocketAddress = Runtime.SocketAddress

extension SocketAddress {
  /// The same address, as NIO has it; `nil` for one that NIO has no word for.
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
  /// An IPv4 or IPv6 address, as NIO has it; `nil` for the name of a Unix-domain socket.
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
