/// What an end of a connection proves itself with: a certificate, those that vouch for it, and its private key.
public struct TLSIdentity: Sendable {
  /// The certificate, and after it those that lead to a root, each signing the one before it.
  public var chain: PEM
  /// The certificate's private key: RSA, ECDSA or EdDSA, without a password.
  public var key: PEM
  /// A file with an OCSP response for the certificate, DER-encoded, which the server sends to clients that ask for it
  /// (RFC 6066 section 8). Whether it is still valid is not checked: to renew it, see ``TLSSource/replace(_:)``.
  public var ocspResponsePath: String?

  /// An identity of a certificate and its key, which may be in the same file.
  public init(chain: PEM, key: PEM, ocspResponsePath: String? = nil) {
    self.chain = chain
    self.key = key
    self.ocspResponsePath = ocspResponsePath
  }

  /// An identity of two files.
  public init(certificatePath: String, keyPath: String) {
    self.init(chain: .file(certificatePath), key: .file(keyPath))
  }
}
