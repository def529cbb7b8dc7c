/// A version of TLS. Only two are still recommended (RFC 9325).
public struct TLSVersion: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The protocol's number of the version.
  let number: Int32

  init(number: Int32) { self.number = number }

  /// TLS 1.2 (RFC 5246).
  public static let v1_2 = TLSVersion(number: 0x0303)
  /// TLS 1.3 (RFC 8446).
  public static let v1_3 = TLSVersion(number: 0x0304)

  public static func < (a: TLSVersion, b: TLSVersion) -> Bool { a.number < b.number }

  /// A description such as "TLS 1.3".
  public var description: String { "TLS 1.\(number - 0x0301)" }
}
