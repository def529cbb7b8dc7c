/// The version of HTTP that a message was sent in (RFC 9110 section 2.5).
public struct HTTPVersion: Hashable, Sendable {
  /// The number before the point.
  public let major: UInt8
  /// The number behind it; 0 from HTTP/2 on, which has none.
  public let minor: UInt8

  /// The version with these numbers.
  public init(major: UInt8, minor: UInt8) {
    self.major = major
    self.minor = minor
  }

  /// HTTP/1.0 (RFC 1945).
  public static var http1_0: HTTPVersion { HTTPVersion(major: 1, minor: 0) }
  /// HTTP/1.1 (RFC 9112), and any later minor version, which is spoken to as 1.1.
  public static var http1_1: HTTPVersion { HTTPVersion(major: 1, minor: 1) }
  /// HTTP/2 (RFC 9113).
  public static var http2: HTTPVersion { HTTPVersion(major: 2, minor: 0) }
}

extension HTTPVersion: Comparable {
  /// Earlier versions come first.
  public static func < (left: HTTPVersion, right: HTTPVersion) -> Bool {
    (left.major, left.minor) < (right.major, right.minor)
  }
}

extension HTTPVersion: CustomStringConvertible {
  /// `HTTP/1.1`, `HTTP/1.0` or `HTTP/2`.
  public var description: String { major < 2 ? "HTTP/\(major).\(minor)" : "HTTP/\(major)" }
}
