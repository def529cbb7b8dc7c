import CTLS
import Glibc

/// A self-signed certificate with its key (ECDSA, P-256), for development and tests.
///
/// A client that trusts it as a root can authenticate its server.
public struct SelfSignedCertificate: Sendable {
  /// The certificate as PEM.
  public let certificate: [UInt8]
  /// Its private key as PEM.
  public let key: [UInt8]

  /// Creates a certificate and its key.
  ///
  /// - Parameters:
  ///   - hosts: the host names of the certificate.
  ///   - addresses: the IP addresses of the certificate.
  ///   - lifetime: how long the certificate is valid.
  /// - Throws: ``TLSConfigurationError`` if OpenSSL cannot create it, for example because of an invalid name.
  public init(
    hosts: [String], addresses: [String] = [], lifetime: Duration = .seconds(365 * 86_400)
  ) throws(TLSConfigurationError) {
    let names = hosts.map { "DNS:\($0)" } + addresses.map { "IP:\($0)" }
    // A comma would begin another name, and a NUL would end the list.
    guard !names.isEmpty, !(hosts + addresses).contains(where: { $0.isEmpty || $0.contains(",") || $0.contains("\0") })
    else { throw TLSConfigurationError(subject: "a certificate", reason: "it needs valid names or addresses") }
    var certificate: UnsafeMutableRawPointer?
    var key: UnsafeMutableRawPointer?
    var (certificateLength, keyLength) = (0, 0)
    let isMade = gearbox_tls_make_self_signed(
      names.joined(separator: ","), Int(lifetime.components.seconds), &certificate, &certificateLength, &key, &keyLength
    )
    defer {
      free(certificate)
      free(key)
    }
    guard isMade else {
      throw TLSConfigurationError(
        subject: "a certificate", reason: "OpenSSL cannot create one for \(names.joined(separator: ", "))")
    }
    self.certificate = Array(UnsafeRawBufferPointer(start: certificate, count: certificateLength))
    self.key = Array(UnsafeRawBufferPointer(start: key, count: keyLength))
  }
}
