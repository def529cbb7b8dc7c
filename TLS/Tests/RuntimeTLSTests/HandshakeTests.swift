import Runtime
import RuntimeTLS
import Testing

@Suite(.timeLimit(.minutes(2))) struct HandshakeTests {
  @Test(arguments: Carrier.allCases, [TLSVersion.v1_2, .v1_3])
  func `Both ends use the newest version that both support`(carrier: Carrier, version: TLSVersion) async throws {
    let ends = try await Ends.established(
      carrier, server: .server { $0.ticketKeyLifetime = nil }, client: .client { $0.maximumVersion = version })
    #expect(ends.client.session?.version == version && ends.server.session?.version == version)
    #expect(ends.server.session?.serverName == "localhost")
    #expect(ends.client.session?.peerCertificates.count == 1)
    #expect(ends.server.attribute(TLSSession.self)?.cipher == ends.client.session?.cipher)
  }

  @Test(arguments: ["127.0.0.1", "::1", "LOCALHOST"])
  func `A server is accepted under each of its names and addresses`(name: String) async throws {
    _ = try await Ends.established(name: name)
  }

  @Test func `Addresses are not sent as names`() async throws {
    let ends = try await Ends.established(name: "127.0.0.1")
    #expect(ends.server.session?.serverName == nil)
  }

  @Test(arguments: ["", "a\0b", "127.0.0.1\0.example.com"])
  func `An invalid name is refused`(name: String) throws {
    let error = #expect(throws: IOError.self) { try Ends(name: name) }
    #expect(error?.operation == .connect && error?.failure?.reason.hasSuffix("is not a valid server name") == true)
  }

  @Test func `An RSA certificate works too, and an ECDSA one is preferred`() async throws {
    let rsa = try await Ends.established(server: .server(Authority.rsa))
    #expect(rsa.client.session?.version == .v1_3)
    let both = try await Ends.established(
      server: .server(Authority.rsa, Authority.localhost), client: .client { $0.maximumVersion = .v1_2 })
    #expect(both.client.session?.cipher.contains("ECDSA") == true)
    let one = try await Ends.established(
      server: .server(Authority.localhost, Authority.rsa),
      client: .client {
        $0.maximumVersion = .v1_2
        $0.ciphers = "ECDHE-RSA-AES128-GCM-SHA256"
      })
    #expect(one.client.session?.cipher == "ECDHE-RSA-AES128-GCM-SHA256")
  }

  /// A server's certificate that a client rejects, and the reason.
  struct Refusal: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let certificate: @Sendable () -> Certificate
    let verification: String
    let alert: UInt8

    init(_ what: String, _ verification: String, _ alert: UInt8, _ certificate: @escaping @Sendable () -> Certificate) {
      testDescription = what
      self.certificate = certificate
      self.verification = verification
      self.alert = alert
    }
  }

  static let refusals = [
    Refusal("expired", "certificate has expired", 45) { Authority.issue("a", ["DNS:localhost"], to: -60) },
    Refusal("not yet valid", "certificate is not yet valid", 42) {
      Authority.issue("a", ["DNS:localhost"], from: 3600)
    },
    Refusal("wrong name", "hostname mismatch", 42) { Authority.example },
    Refusal("name in the subject only", "hostname mismatch", 42) { Authority.issue("localhost", []) },
    Refusal("untrusted", "unable to get local issuer certificate", 48) {
      Authority.issue("localhost", ["DNS:localhost"], by: Authority.unknown)
    },
  ]

  @Test(arguments: refusals)
  func `An invalid certificate ends the handshake, and both ends know why`(refusal: Refusal) async throws {
    let (client, server) = try await Ends(server: .server(refusal.certificate())).failures()
    #expect(client?.operation == .connect && client?.reason == .foreign)
    #expect(client?.failure?.verification == refusal.verification)
    #expect(client?.failure?.alert?.code == refusal.alert && client?.failure?.alert?.isFromPeer == false)
    #expect(server?.failure?.alert?.code == refusal.alert && server?.failure?.alert?.isFromPeer == true)
  }

  @Test func `A wrong address ends the handshake`() async throws {
    let (client, _) = try await Ends(name: "127.0.0.2").failures()
    #expect(client?.failure?.verification == "IP address mismatch")
  }

  @Test func `The system does not trust the authority of the tests`() async throws {
    let (client, _) = try await Ends(client: .client { $0.trust = .system }).failures()
    #expect(client?.failure?.verification == "unable to get local issuer certificate")
  }

  @Test func `A client that does not verify accepts any certificate`() async throws {
    _ = try await Ends.established(
      server: .server(Authority.issue("a", [], by: Authority.unknown)), client: .client { $0.trust = .anything })
  }

  // MARK: Negotiation

  @Test func `Handshakes without a common version fail`() async throws {
    let (client, server) = try await Ends(
      server: .server { $0.minimumVersion = .v1_3 }, client: .client { $0.maximumVersion = .v1_2 }
    ).failures()
    #expect(server?.operation == .accept && server?.failure?.alert?.code == 70)
    #expect(client?.failure?.alert?.code == 70 && client?.failure?.alert?.isFromPeer == true)
  }

  @Test func `Handshakes without a common cipher fail`() async throws {
    let (_, server) = try await Ends(
      server: .server { $0.ciphers = "ECDHE+CHACHA20" },
      client: .client {
        $0.maximumVersion = .v1_2
        $0.ciphers = "ECDHE+AESGCM"
      }
    ).failures()
    #expect(server?.failure?.reason == "no shared cipher" && server?.failure?.alert?.code == 40)
  }

  @Test(
    arguments: [
      (["h2", "http/1.1"], ["http/1.1", "h2"], "h2"), (["http/1.1"], ["h2", "http/1.1"], "http/1.1"),
      ([], ["h2"], nil), (["h2"], [], nil),
    ] as [([String], [String], String?)])
  func `The server chooses the protocol that it prefers of the client's`(
    server: [String], client: [String], chosen: String?
  ) async throws {
    let ends = try await Ends.established(
      server: .server { $0.applicationProtocols = server }, client: .client { $0.applicationProtocols = client })
    #expect(ends.server.session?.applicationProtocol == chosen && ends.client.session?.applicationProtocol == chosen)
  }

  @Test func `Handshakes without a common protocol fail`() async throws {
    let (client, server) = try await Ends(
      server: .server { $0.applicationProtocols = ["h2"] }, client: .client { $0.applicationProtocols = ["smtp"] }
    ).failures()
    #expect(server?.failure?.alert?.code == 120 && client?.failure?.alert?.code == 120)
  }

  // MARK: Certificates of clients

  static let clientsRoots = [PEM.text(Authority.trusted.chain)]

  @Test(arguments: [TLSVersion.v1_2, .v1_3])
  func `A client sends the certificate that the server requires`(version: TLSVersion) async throws {
    let ends = try await Ends.established(
      server: .server { $0.clientCertificates = .required(roots: Self.clientsRoots) },
      client: .client {
        $0.identities = [Authority.client.identity]
        $0.maximumVersion = version
      })
    #expect(ends.server.session?.peerCertificates.count == 1)
    #expect(ends.server.session?.peerCertificates.first?.starts(with: [0x30, 0x82]) == true)
  }

  @Test(arguments: [TLSVersion.v1_2, .v1_3])
  func `A client without a required certificate is refused`(version: TLSVersion) async throws {
    let (client, server) = try await Ends(
      server: .server { $0.clientCertificates = .required(roots: Self.clientsRoots) },
      client: .client { $0.maximumVersion = version }
    ).failures()
    #expect(server?.failure?.reason == "peer did not return a certificate")
    // In 1.3 the client finishes before the server checks the certificate, and gets the alert when it reads.
    #expect(client?.failure?.alert?.isFromPeer == true && client?.operation == (version == .v1_3 ? .read : .connect))
  }

  @Test func `A client whose certificate has an unknown root is refused, even if certificates are optional`()
    async throws
  {
    let stranger = Authority.issue("a stranger", [], by: Authority.unknown)
    for demand in [TLSConfiguration.ClientCertificates.requested, TLSConfiguration.ClientCertificates.required] {
      let (_, server) = try await Ends(
        server: .server { $0.clientCertificates = demand(Self.clientsRoots) },
        client: .client { $0.identities = [stranger.identity] }
      ).failures()
      #expect(server?.failure?.verification == "unable to get local issuer certificate")
    }
  }

  @Test func `A client without an optional certificate is accepted`() async throws {
    let ends = try await Ends.established(
      server: .server { $0.clientCertificates = .requested(roots: Self.clientsRoots) })
    #expect(ends.server.session?.peerCertificates == [])
  }

  // MARK: Compression

  /// The first flight of a client, with other methods of compression in its ClientHello (RFC 5246 section 7.4.1.2).
  private func flight(_ version: TLSVersion, compression methods: [UInt8]) async throws -> [UInt8] {
    let (near, far) = Carrier.whole.pair()
    let client = try TLSStream(
      client: near, name: "localhost", context: TLSContext(.client { $0.maximumVersion = version }))
    let handshake = Task { try await client.handshake() }
    var flight = try await far.read()
    handshake.cancel()
    // After two heads, a version and random bytes: the session and the ciphers, each with its length before it.
    var place = 5 + 4 + 2 + 32
    place += 1 + Int(flight[place])
    place += 2 + Int(flight[place]) << 8 + Int(flight[place + 1])
    #expect(flight[place] == 1 && flight[place + 1] == 0)
    flight.replaceSubrange(place...place + 1, with: [UInt8(methods.count)] + methods)
    let length = flight.count - 5
    flight.replaceSubrange(3..<5, with: [UInt8(length >> 8), UInt8(length & 0xff)])
    flight.replaceSubrange(6..<9, with: [0, UInt8((length - 4) >> 8), UInt8((length - 4) & 0xff)])
    return flight
  }

  /// The first record of a server's answer to a flight.
  private func answer(to flight: [UInt8]) async throws -> [UInt8] {
    let (near, far) = Carrier.whole.pair()
    try await near.write(flight)
    let server = try TLSStream(server: far, source: TLSSource(.server()))
    let handshake = Task { try await server.handshake() }
    defer { handshake.cancel() }
    return try await near.read()
  }

  @Test func `Nothing is compressed, whatever the client offers`() async throws {
    // DEFLATE is 1 (RFC 3749).
    let hello = try await answer(to: flight(.v1_2, compression: [1, 0]))
    #expect(hello[0] == 0x16 && hello[5] == 2)
    // After two heads, a version, random bytes, the session and the cipher.
    #expect(hello[5 + 4 + 2 + 32 + 1 + Int(hello[5 + 4 + 2 + 32]) + 2] == 0)
    let onlyCompressed = try await answer(to: flight(.v1_2, compression: [1]))
    #expect(onlyCompressed[0] == 0x15 && onlyCompressed[5] == 2)
    // A client of TLS 1.3 must not offer compression (RFC 8446 section 4.1.2): illegal_parameter.
    let newest = try await answer(to: flight(.v1_3, compression: [1, 0]))
    #expect(newest.prefix(7) == [0x15, 3, 3, 0, 2, 2, 47])
  }

  // MARK: Invalid handshakes

  @Test func `Garbage ends the handshake`() async throws {
    let (near, far) = Carrier.whole.pair()
    try await near.write([UInt8](repeating: 0x42, count: 2000))
    let server = try TLSStream(server: far, source: TLSSource(.server()))
    let error = await #expect(throws: IOError.self) { try await server.handshake() }
    #expect(error?.failure?.reason == "wrong version number" && error?.failure?.isPlainHTTP == false)
    // A second handshake fails too, and does not wait.
    await #expect(throws: IOError.self) { try await server.handshake() }
    await #expect(throws: IOError.self) { _ = try await server.read() }
    await #expect(throws: IOError.self) { try await server.write("x") }
  }

  @Test(arguments: [true, false]) func `A record that is too large ends the handshake`(atServer: Bool) async throws {
    let (near, far) = Carrier.whole.pair()
    try await near.write([0x16, 3, 1, 0xff, 0xff] + pattern(1000))
    let stream =
      atServer
      ? try TLSStream(server: far, source: TLSSource(.server()))
      : try TLSStream(client: far, name: "localhost", context: TLSContext(.client()))
    let error = await #expect(throws: IOError.self) { try await stream.handshake() }
    #expect(error?.failure?.alert?.isFromPeer == false)
  }

  @Test(arguments: Carrier.allCases)
  func `HTTP without TLS is recognised, and answered without an alert`(carrier: Carrier) async throws {
    for method in ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"] {
      let (near, far) = carrier.pair()
      let server = try TLSStream(server: far, source: TLSSource(.server()))
      async let writing: Void? = try? near.write("\(method) / HTTP/1.1\r\nHost: localhost\r\n\r\n")
      let error = await #expect(throws: IOError.self) { try await server.handshake() }
      #expect(error?.failure?.isPlainHTTP == true, "\(method)")
      far.close()
      _ = await writing
      let answer = try await near.readAll()
      #expect(answer == [])
    }
  }

  @Test func `A cancelled handshake resumes where it stopped`() async throws {
    let ends = try Ends()
    let cancelled = Task { try await ends.server.handshake() }
    cancelled.cancel()
    let error = await #expect(throws: IOError.self) { try await cancelled.value }
    #expect(error == IOError(.read, .cancelled))
    try await ends.performHandshake()
  }

  @Test func `Tasks that read and write before the handshake is done wait for one handshake`() async throws {
    let ends = try Ends()
    async let answer = ends.client.readText(4)
    async let asking: Void = ends.client.write("ping")
    async let other: Void = ends.client.handshake()
    #expect(try await ends.server.readText(4) == "ping")
    try await ends.server.write("pong")
    try await asking
    try await other
    #expect(try await answer == "pong")
  }

  @Test func `A task that waits for another's handshake can be cancelled`() async throws {
    let ends = try Ends()
    let first = Task { try await ends.client.handshake() }
    let second = Task { try await ends.client.read() }
    second.cancel()
    await #expect(throws: IOError.self) { _ = try await second.value }
    try await ends.server.handshake()
    try await first.value
  }

  @Test(arguments: Backend.allCases)
  func `The computation of a handshake can run on threads for blocking work`(backend: Backend) async throws {
    try await backend.withRuntime { runtime in
      func check(_ runtime: some AsyncRuntime) async throws {
        let ends = try Ends(server: .server(Authority.rsa))
        let serving = runtime.spawn { try await ends.server.handshake(computingOn: runtime) }
        try await ends.client.handshake()
        try await serving.value
        #expect(runtime.metrics.blockingThreads > 0)
        #expect(ends.server.session?.serverName == "localhost")
        let refused = try Ends(
          server: .server { $0.minimumVersion = .v1_3 }, client: .client { $0.maximumVersion = .v1_2 })
        let client = Task { try await refused.client.handshake() }
        let error = await #expect(throws: IOError.self) { try await refused.server.handshake(computingOn: runtime) }
        #expect(error?.failure?.alert?.code == 70)
        await #expect(throws: IOError.self) { try await client.value }
      }
      try await check(runtime)
    }
  }
}
