public import Runtime

/// The negotiated parameters of a connection: an attribute of a TLS stream, available after the handshake.
///
/// ```swift
/// let user = stream.attribute(TLSSession.self)?.peerCertificates.first
/// ```
public struct TLSSession: StreamAttribute, Hashable {
  /// The protocol version.
  public let version: TLSVersion
  /// The name of the cipher, such as `TLS_AES_128_GCM_SHA256`.
  public let cipher: String
  /// The application protocol (ALPN), if one was negotiated.
  public let applicationProtocol: String?
  /// The server name that the client requested, if any.
  public let serverName: String?
  /// The peer's certificates, its own first, DER-encoded. They have been verified unless verification is disabled.
  /// After a resumption there may be only the first one.
  public let peerCertificates: [[UInt8]]
  /// The OCSP response that a client requested and received, DER-encoded (RFC 6960); see
  /// ``TLSConfiguration/stapling-swift.property``. There is none after a resumption.
  public let ocspResponse: [UInt8]?
  /// Whether an earlier session was resumed.
  public let isResumed: Bool
}
