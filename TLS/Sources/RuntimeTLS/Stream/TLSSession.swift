public import Runtime

/// What both ends of a connection have agreed upon: an attribute of a stream over TLS, once its handshake is done.
///
/// ```swift
/// let user = stream.attribute(TLSSession.self)?.peerCertificates.first
/// ```
public struct TLSSession: StreamAttribute, Hashable {
  /// The version that is spoken.
  public let version: TLSVersion
  /// The cipher, by its name: `TLS_AES_128_GCM_SHA256`.
  public let cipher: String
  /// What is spoken on top (ALPN), if that has been agreed upon.
  public let applicationProtocol: String?
  /// The name that the client has asked for, if it has.
  public let serverName: String?
  /// The peer's certificates, its own first, each DER-encoded. They have been verified, unless that is switched off. After
  /// a resumption there may be only the first.
  public let peerCertificates: [[UInt8]]
  /// The OCSP response that a client has asked for and been sent, DER-encoded (RFC 6960); see
  /// ``TLSConfiguration/stapling-swift.property``. There is none after a resumption.
  public let ocspResponse: [UInt8]?
  /// Whether an earlier session was resumed.
  public let isResumed: Bool
}
