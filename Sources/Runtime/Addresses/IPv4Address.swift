import Glibc

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
    // The system would see no more than what is before a NUL.
    guard !text.utf8.contains(0), inet_pton(AF_INET, String(text), &address) == 1 else { return nil }
    bits = UInt32(bigEndian: address.s_addr)
  }

  /// `a.b.c.d`
  public var description: String { "\(bits >> 24).\(bits >> 16 & 255).\(bits >> 8 & 255).\(bits & 255)" }
}
