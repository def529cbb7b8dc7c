import CTLS
import Glibc

/// A certificate that is signed with its own key, and that key (ECDSA, P-256): for development, and for tests.
///
/// A client that is told to trust it, by its file as a root, can tell its server from others.
public struct SelfSignedCertificate: Sendable {
  /// The certificate as PEM.
  public let certificate: [UInt8]
  /// Its private key as PEM.
  public let key: [UInt8]

  /// Makes a certificate and its key.
  ///
  /// - Parameters:
  ///   - hosts: the host names that it is for.
  ///   - addresses: the IP addresses that it is for.
  ///   - lifetime: how long it is valid.
  /// - Throws: ``TLSConfigurationError`` if OpenSSL makes none, for example of a name that cannot be one.
  public init(
    hosts: [String], addresses: [String] = [], lifetime: Duration = .seconds(365 * 86_400)
  ) throws(TLSConfigurationError) {
    let names = hosts.map { "DNS:\($0)" } + addresses.map { "IP:\($0)" }
    // What follows a comma would be a name of its own, and what follows NUL would be lost.
    guard !names.isEmpty, !(hosts + addresses).contains(where: { $0.isEmpty || $0.contains(",") || $0.contains("\0") })
    else { throw TLSConfigurationError(subject: "a certificate", reason: "it has to be for names or addresses") }
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
        subject: "a certificate", reason: "OpenSSL makes none for \(names.joined(separator: ", "))")
    }
    self.certificate = Array(UnsafeRawBufferPointer(start: certificate, count: certificateLength))
    self.key = Array(UnsafeRawBufferPointer(start: key, count: keyLength))
  }
}
