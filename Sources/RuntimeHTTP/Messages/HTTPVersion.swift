/// The HTTP version of a message (RFC 9110 section 2.5).
public struct HTTPVersion: Hashable, Sendable {
  /// The major version number.
  public let major: UInt8
  /// The minor version number; 0 from HTTP/2 on, which has none.
  public let minor: UInt8

  /// Creates a version from its numbers.
  public init(major: UInt8, minor: UInt8) {
    self.major = major
    self.minor = minor
  }

  /// HTTP/1.0 (RFC 1945).
  public static var http1_0: HTTPVersion { HTTPVersion(major: 1, minor: 0) }
  /// HTTP/1.1 (RFC 9112). Requests of a later minor version are handled as 1.1.
  public static var http1_1: HTTPVersion { HTTPVersion(major: 1, minor: 1) }
  /// HTTP/2 (RFC 9113).
  public static var http2: HTTPVersion { HTTPVersion(major: 2, minor: 0) }
}

extension HTTPVersion: Comparable {
  /// Returns whether `left` is an earlier version than `right`.
  public static func < (left: HTTPVersion, right: HTTPVersion) -> Bool {
    (left.major, left.minor) < (right.major, right.minor)
  }
}

extension HTTPVersion: CustomStringConvertible {
  /// `HTTP/1.1`, `HTTP/1.0` or `HTTP/2`.
  public var description: String { major < 2 ? "HTTP/\(major).\(minor)" : "HTTP/\(major)" }
}
