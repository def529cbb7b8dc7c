import RuntimeTLS
import Testing

@Suite(.timeLimit(.minutes(1))) struct ConfigurationTests {
  /// The error of a server's configuration.
  private func error(_ configuration: TLSConfiguration) -> TLSConfigurationError? {
    do throws(TLSConfigurationError) {
      _ = try TLSSource(configuration)
      return nil
    } catch {
      return error
    }
  }

  private func error(certificatePath: String, keyPath: String) -> TLSConfigurationError? {
    error(TLSConfiguration(identities: [TLSIdentity(certificatePath: certificatePath, keyPath: keyPath)]))
  }

  @Test func `A certificate and its key are read from files, or both from one`() {
    let (directory, certificate) = (TemporaryDirectory(), Authority.localhost)
    let (chain, key) = (directory.file("cert", certificate.chain), directory.file("key", certificate.key))
    #expect(error(certificatePath: chain, keyPath: key) == nil)
    for both in [certificate.chain + certificate.key, certificate.key + certificate.chain] {
      let path = directory.file("both", both)
      #expect(error(certificatePath: path, keyPath: path) == nil)
    }
  }

  @Test func `A missing or invalid file is named`() {
    #expect(
      error(certificatePath: "/nowhere/cert.pem", keyPath: "/dev/null")?.description
        == "/nowhere/cert.pem: No such file or directory")
    #expect(error(certificatePath: "/tmp", keyPath: "/dev/null")?.description == "/tmp: Is a directory")
    #expect(error(certificatePath: "/dev/zero", keyPath: "/dev/null")?.reason.contains("larger than") == true)
  }

  @Test func `A file without the certificate or key is named`() {
    let (directory, certificate) = (TemporaryDirectory(), Authority.localhost)
    let (chain, key) = (directory.file("cert", certificate.chain), directory.file("key", certificate.key))
    let (empty, wrong) = (directory.file("empty"), directory.file("wrong", broken))
    let noCertificate = error(certificatePath: empty, keyPath: key)
    #expect(noCertificate?.description == "\(empty): it contains no certificate")
    let noKey = error(certificatePath: chain, keyPath: chain)
    #expect(noKey?.description == "\(chain): it contains no private key")
    #expect(error(certificatePath: wrong, keyPath: key)?.subject == wrong)
  }

  private var broken: String { "-----BEGIN CERTIFICATE-----\nbm8gY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n" }

  @Test func `A chain with a broken certificate is refused`() {
    let certificate = Authority.localhost
    #expect(
      error(
        TLSConfiguration(identities: [
          TLSIdentity(chain: .text(certificate.chain + broken), key: .text(certificate.key))
        ]))?.subject == "the certificate")
  }

  @Test func `A key of another certificate is refused, and both files are named`() {
    let directory = TemporaryDirectory()
    let chain = directory.file("cert", Authority.localhost.chain)
    for other in [Authority.example, Authority.rsa] {
      let key = directory.file("key", other.key)
      let wrong = error(certificatePath: chain, keyPath: key)
      #expect(wrong?.description == "\(key), \(chain): the key does not belong to the certificate")
    }
  }

  @Test func `A key with a password is refused without a prompt`() {
    #expect(
      error(
        TLSConfiguration(identities: [
          TLSIdentity(chain: .text(Authority.localhost.chain), key: .text(encryptedKey))
        ]))?.reason == "the key is encrypted")
  }

  /// The head of an encrypted key file, which is enough for OpenSSL to ask for the password.
  private var encryptedKey: String {
    """
    -----BEGIN EC PRIVATE KEY-----
    Proc-Type: 4,ENCRYPTED
    DEK-Info: AES-256-CBC,00112233445566778899AABBCCDDEEFF

    AAAAAAAAAAAAAAAAAAAAAA==
    -----END EC PRIVATE KEY-----

    """
  }

  @Test func `Settings that cannot be used are named`() {
    let changes: [(String, (inout TLSConfiguration) -> Void)] = [
      ("identities", { $0.identities = [] }),
      ("ciphers", { $0.ciphers = "ROT13" }),
      ("cipherSuites", { $0.cipherSuites = "TLS_ROT13" }),
      ("minimumVersion", { ($0.minimumVersion, $0.maximumVersion) = (.v1_3, .v1_2) }),
      ("applicationProtocols", { $0.applicationProtocols = ["h2", ""] }),
      ("applicationProtocols", { $0.applicationProtocols = [String(repeating: "x", count: 256)] }),
      ("clientCertificates", { $0.clientCertificates = .required(roots: []) }),
      ("the roots of clientCertificates", { $0.clientCertificates = .required(roots: [.text("none")]) }),
      ("ticketKeyLifetime", { $0.ticketKeyLifetime = .zero }),
    ]
    for (setting, change) in changes { #expect(error(.server(change: change))?.subject == setting) }
  }

  @Test func `A client needs roots, and may have no certificate`() throws {
    _ = try TLSContext(TLSConfiguration())
    let error = #expect(throws: TLSConfigurationError.self) { try TLSContext(.client { $0.trust = .roots([]) }) }
    #expect(error?.subject == "trust")
    let changes: [(String, (inout TLSConfiguration) -> Void)] = [
      ("sessionCapacity", { $0.sessionCapacity = -1 }), ("sessionCapacity", { $0.sessionCapacity = 100_000 }),
      ("stapling", { ($0.stapling, $0.trust) = (.required, .anything) }),
    ]
    for (setting, change) in changes {
      let error = #expect(throws: TLSConfigurationError.self) { try TLSContext(.client(change: change)) }
      #expect(error?.subject == setting)
    }
  }
}
