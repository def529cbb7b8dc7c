import Glibc
import Runtime
import RuntimeTLS
import Testing

@Suite(.timeLimit(.minutes(2))) struct SourceTests {
  /// The names in the certificate that a client gets for `name`.
  private func certificate(for name: String, from source: TLSSource) async throws -> [UInt8]? {
    let context = try TLSContext(.client { $0.trust = .anything })
    let ends = try Ends(Carrier.whole.pair(), name: name, source: source, context: context)
    try await ends.performHandshake()
    return ends.client.session?.peerCertificates.first
  }

  @Test func `The name that a client asks for chooses the certificate`() async throws {
    let source = try TLSSource(.server(Authority.localhost, Authority.example))
    let localhost = try await certificate(for: "localhost", from: source)
    let example = try await certificate(for: "example.com", from: source)
    #expect(localhost != nil && example != nil && localhost != example)
    #expect(try await certificate(for: "www.example.com", from: source) == example)
    #expect(try await certificate(for: "WWW.EXAMPLE.COM", from: source) == example)
    // A name without a certificate gets the first one, and so does a client that sends no name.
    for name in ["example.org", "a.www.example.com", "127.0.0.1"] {
      #expect(try await certificate(for: name, from: source) == localhost)
    }
  }

  @Test func `The client verifies the chosen certificate`() async throws {
    let server = TLSConfiguration.server(Authority.localhost, Authority.example)
    for name in ["localhost", "example.com", "www.example.com"] {
      _ = try await Ends.established(name: name, server: server)
    }
    let (client, _) = try await Ends(name: "example.org", server: server).failures()
    #expect(client?.failure?.verification == "hostname mismatch")
  }

  @Test func `For each name, the kind of key that the client supports is chosen`() async throws {
    let rsa = Authority.issue("example.com", ["DNS:example.com"], isRSA: true)
    let server = TLSConfiguration.server(Authority.localhost, Authority.rsa, Authority.example, rsa)
    for (ciphers, kind) in [("ECDHE-RSA-AES128-GCM-SHA256", "RSA"), ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDSA")] {
      let client = TLSConfiguration.client {
        $0.maximumVersion = .v1_2
        $0.ciphers = ciphers
      }
      for name in ["localhost", "example.com"] {
        let ends = try await Ends.established(name: name, server: server, client: client)
        #expect(ends.client.session?.cipher.contains(kind) == true)
      }
    }
  }

  @Test func `A name without a certificate can be refused`() async throws {
    let server = TLSConfiguration.server(Authority.localhost, Authority.example) { $0.refusesUnknownNames = true }
    let errors = try await Ends(name: "example.org", server: server).failures()
    #expect(errors.server?.failure?.alert?.code == 112 && errors.client?.failure?.alert?.code == 112)
    // A client that sends no name is not refused.
    _ = try await Ends.established(name: "127.0.0.1", server: server)
  }

  // MARK: Replacing

  @Test func `New connections get the new certificate, and old ones go on`() async throws {
    let source = try TLSSource(.server())
    let context = try TLSContext(.client { $0.trust = .anything })
    let old = try Ends(Carrier.whole.pair(), source: source, context: context)
    try await old.performHandshake()
    let before = try await certificate(for: "localhost", from: source)
    try source.replace(.server(Authority.example))
    #expect(try await certificate(for: "localhost", from: source) != before)
    try await old.client.write("still there")
    #expect(try await old.server.readText(11) == "still there")
  }

  @Test func `An invalid certificate replaces nothing`() async throws {
    let source = try TLSSource(.server())
    let before = try await certificate(for: "localhost", from: source)
    #expect(throws: TLSConfigurationError.self) {
      try source.replace(
        TLSConfiguration(identities: [
          TLSIdentity(chain: .text(Authority.localhost.chain), key: .text(Authority.example.key))
        ]))
    }
    #expect(try await certificate(for: "localhost", from: source) == before)
  }

  @Test func `A handshake keeps the certificate that it started with`() async throws {
    let source = try TLSSource(.server())
    let ends = try Ends(Carrier.whole.pair(), source: source, context: TLSContext(.client()))
    try source.replace(.server(Authority.example))
    try await ends.performHandshake()
  }
}
