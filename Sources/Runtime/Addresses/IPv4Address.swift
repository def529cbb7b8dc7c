import Glibc

/// An IPv4 address.
public struct IPv4Address: Hashable, Sendable, CustomStringConvertible {
  /// The four bytes in network order, the first in the highest bits: 127.0.0.1 is `0x7f00_0001`.
  public let bits: UInt32

  /// `0.0.0.0`: a socket bound to it receives on every address of this machine.
  public static let any = IPv4Address(0, 0, 0, 0)
  /// The loopback address, `127.0.0.1`.
  public static let loopback = IPv4Address(127, 0, 0, 1)

  /// Creates the address written `a.b.c.d`.
  public init(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) {
    bits = UInt32(a) << 24 | UInt32(b) << 16 | UInt32(c) << 8 | UInt32(d)
  }

  package init(bits: UInt32) { self.bits = bits }

  /// Creates an address from its dotted decimal form, or returns `nil` if `text` is not one.
  public init?(_ text: some StringProtocol) {
    var address = in_addr()
    // `inet_pton` would stop reading at a NUL.
    guard !text.utf8.contains(0), inet_pton(AF_INET, String(text), &address) == 1 else { return nil }
    bits = UInt32(bigEndian: address.s_addr)
  }

  /// The address in dotted decimal form.
  public var description: String { "\(bits >> 24).\(bits >> 16 & 255).\(bits >> 8 & 255).\(bits & 255)" }
}
