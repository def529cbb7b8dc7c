import CCertificates
import Glibc
import RuntimeTLS

/// A certificate with its key, created during the tests.
struct Certificate: Sendable {
  let chain: String
  let key: String

  var identity: TLSIdentity { TLSIdentity(chain: .text(chain), key: .text(key)) }
}

/// The issuers of the tests' certificates, and the certificates.
enum Authority {
  static let trusted = make("Trusted", [], isAuthority: true)
  static let unknown = make("Unknown", [], isAuthority: true)

  /// For `localhost` and the loopback addresses.
  static let localhost = issue("localhost", ["DNS:localhost", "IP:127.0.0.1", "IP:::1"])
  static let rsa = issue("localhost", ["DNS:localhost", "IP:127.0.0.1"], isRSA: true)
  static let example = issue("example.com", ["DNS:example.com", "DNS:*.example.com"])
  static let client = issue("a client", [])

  /// A certificate that `issuer` has signed.
  static func issue(
    _ name: String, _ names: [String], by issuer: Certificate = trusted, isRSA: Bool = false,
    from start: Int = -40 * 365 * 86_400, to end: Int = 24 * 3600
  ) -> Certificate {
    make(name, names, isAuthority: false, issuer, isRSA: isRSA, from: start, to: end)
  }

  private static func make(
    _ name: String, _ names: [String], isAuthority: Bool, _ issuer: Certificate? = nil, isRSA: Bool = false,
    from start: Int = -40 * 365 * 86_400, to end: Int = 24 * 3600
  ) -> Certificate {
    func with<Result>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> Result) -> Result {
      if let text { text.withCString(body) } else { body(nil) }
    }
    var (certificate, key): (UnsafeMutablePointer<CChar>?, UnsafeMutablePointer<CChar>?)
    let isMade = name.withCString { name in
      with(names.isEmpty ? nil : names.joined(separator: ",")) { names in
        with(issuer?.chain) { chain in
          with(issuer?.key) { issuerKey in
            var request = certificate_request(
              common_name: name, alternative_names: names, is_authority: isAuthority, is_rsa: isRSA, not_before: start,
              not_after: end, issuer: chain, issuer_key: issuerKey)
            return make_certificate(&request, &certificate, &key)
          }
        }
      }
    }
    precondition(isMade, "OpenSSL cannot make a certificate for \(name)")
    defer {
      free(certificate)
      free(key)
    }
    return Certificate(chain: certificate.map { String(cString: $0) } ?? "", key: key.map { String(cString: $0) } ?? "")
  }
}

extension TLSConfiguration {
  /// A server called `localhost`, after `change`.
  static func server(
    _ certificates: Certificate..., change: (inout TLSConfiguration) -> Void = { _ in }
  ) -> TLSConfiguration {
    let certificates = certificates.isEmpty ? [Authority.localhost] : certificates
    var configuration = TLSConfiguration(identities: certificates.map(\.identity))
    change(&configuration)
    return configuration
  }

  /// A client that trusts the tests' authority, after `change`.
  static func client(change: (inout TLSConfiguration) -> Void = { _ in }) -> TLSConfiguration {
    var configuration = TLSConfiguration()
    configuration.trust = .roots([.text(Authority.trusted.chain)])
    change(&configuration)
    return configuration
  }
}
