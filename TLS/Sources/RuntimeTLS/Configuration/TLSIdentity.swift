/// The identity of one end of a connection: a certificate, its chain and its private key.
public struct TLSIdentity: Sendable {
  /// The certificate, followed by the chain to a root, each certificate signing the previous one.
  public var chain: PEM
  /// The certificate's private key: RSA, ECDSA or EdDSA, not encrypted.
  public var key: PEM
  /// The path of a DER-encoded OCSP response for the certificate, which the server sends to clients that request it
  /// (RFC 6066 section 8). Its validity is not checked; see ``TLSSource/replace(_:)`` to renew it.
  public var ocspResponsePath: String?

  /// Creates an identity from a certificate and its key, which may be in the same file.
  public init(chain: PEM, key: PEM, ocspResponsePath: String? = nil) {
    self.chain = chain
    self.key = key
    self.ocspResponsePath = ocspResponsePath
  }

  /// Creates an identity from two files.
  public init(certificatePath: String, keyPath: String) {
    self.init(chain: .file(certificatePath), key: .file(keyPath))
  }
}
