/// The version of HTTP that a message was sent in (RFC 9110 section 2.5).
public enum HTTPVersion: UInt8, Hashable, Sendable, Comparable {
  /// HTTP/1.0 (RFC 1945).
  case http1_0
  /// HTTP/1.1 (RFC 9112), and any later minor version, which is spoken to as 1.1.
  case http1_1
  /// HTTP/2 (RFC 9113).
  case http2

  /// Earlier versions come first.
  public static func < (left: HTTPVersion, right: HTTPVersion) -> Bool { left.rawValue < right.rawValue }
}

extension HTTPVersion: CustomStringConvertible {
  /// `HTTP/1.1`, `HTTP/1.0` or `HTTP/2`.
  public var description: String {
    switch self {
    case .http1_0: "HTTP/1.0"
    case .http1_1: "HTTP/1.1"
    case .http2: "HTTP/2"
    }
  }
}
