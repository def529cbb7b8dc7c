import Glibc

/// An IPv6 address, without a zone.
public struct IPv6Address: Hashable, Sendable, CustomStringConvertible {
  /// The sixteen bytes in network order, the first in the highest bits.
  public let bits: UInt128

  /// `::`: a socket bound to it receives on every address of this machine.
  public static let any = IPv6Address(bits: 0)
  /// The loopback address, `::1`.
  public static let loopback = IPv6Address(bits: 1)

  /// Creates the address with these bits.
  public init(bits: UInt128) { self.bits = bits }

  /// Creates an address from the text form of RFC 4291 section 2.2, without brackets or a zone. Returns `nil` for any
  /// other text.
  public init?(_ text: some StringProtocol) {
    var address = in6_addr()
    // `inet_pton` would stop reading at a NUL.
    guard !text.utf8.contains(0), inet_pton(AF_INET6, String(text), &address) == 1 else { return nil }
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

  /// The address in the canonical text form of RFC 5952.
  public var description: String {
    var address = systemValue
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { buffer in
      guard let base = buffer.baseAddress, inet_ntop(AF_INET6, &address, base, socklen_t(buffer.count)) != nil
      else { return "" }
      return String(cString: base)
    }
  }
}
