/// The protocol spoken on a connection.
public struct ApplicationProtocol: Hashable, Sendable {
  private enum Kind: Hashable {
    case detected, http1, http2
  }

  private let kind: Kind

  private init(_ kind: Kind) { self.kind = kind }

  /// HTTP/1, unless the client begins with the preface of HTTP/2 (RFC 9113 section 3.3, "prior knowledge") or asks for
  /// HTTP/2 by `Upgrade: h2c`.
  public static let detected = ApplicationProtocol(.detected)
  /// Only HTTP/1.
  public static let http1 = ApplicationProtocol(.http1)
  /// HTTP/2 from the first byte.
  public static let http2 = ApplicationProtocol(.http2)

  /// Creates the protocol for an ALPN identifier (RFC 7301): `h2`, `http/1.1` or `http/1.0`. Returns `nil` for any
  /// other.
  public init?(alpn identifier: String) {
    switch identifier {
    case "h2": self = .http2
    case "http/1.1", "http/1.0": self = .http1
    default: return nil
    }
  }
}
