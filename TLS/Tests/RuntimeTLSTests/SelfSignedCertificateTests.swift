import Runtime
import RuntimeTLS
import Testing

@Suite(.timeLimit(.minutes(2))) struct SelfSignedCertificateTests {
  @Test(arguments: ["localhost", "127.0.0.1", "example.com"])
  func `A client that trusts it accepts its names, and no others`(name: String) async throws {
    let made = try SelfSignedCertificate(hosts: ["localhost"], addresses: ["127.0.0.1"])
    let identity = TLSIdentity(chain: .bytes(made.certificate), key: .bytes(made.key))
    let ends = try Ends(
      name: name, server: TLSConfiguration(identities: [identity]),
      client: .client { $0.trust = .roots([.bytes(made.certificate)]) })
    async let server: Void = ends.server.handshake()
    if name == "example.com" {
      await #expect(throws: IOError.self) { try await ends.client.handshake() }
      _ = try? await server
    } else {
      try await ends.client.handshake()
      try await server
    }
  }

  @Test(arguments: [[], [""], ["a,DNS:b"], ["a\0b"]])
  func `A certificate without names, or with invalid ones, is refused`(hosts: [String]) {
    #expect(throws: TLSConfigurationError.self) { try SelfSignedCertificate(hosts: hosts) }
  }
}
