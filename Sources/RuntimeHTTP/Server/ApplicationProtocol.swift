/// Which protocol a connection speaks.
public enum ApplicationProtocol: Hashable, Sendable {
  /// HTTP/1, unless the client begins with the preface of HTTP/2 (RFC 9113 section 3.3, "prior knowledge"), or asks for
  /// it (`Upgrade: h2c`).
  case detected
  /// HTTP/1 and nothing else.
  case http1
  /// HTTP/2 from the first byte.
  case http2

  /// What a TLS handshake has agreed upon by ALPN (RFC 7301): `h2`, `http/1.1` or `http/1.0`; `nil` for any other.
  public init?(alpn identifier: String) {
    switch identifier {
    case "h2": self = .http2
    case "http/1.1", "http/1.0": self = .http1
    default: return nil
    }
  }
}
