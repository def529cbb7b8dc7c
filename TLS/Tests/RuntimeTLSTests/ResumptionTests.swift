import Runtime
import RuntimeTLS
import Testing

@Suite(.timeLimit(.minutes(2))) struct ResumptionTests {
  /// Makes a connection, and returns whether both ends report it as resumed.
  ///
  /// - Parameter reads: whether the client reads, which also processes the server's tickets of TLS 1.3.
  private func isResumed(
    _ source: TLSSource, _ context: TLSContext, name: String = "localhost", reads: Bool = true
  ) async throws -> Bool {
    let ends = try Ends(Carrier.whole.pair(), name: name, source: source, context: context)
    return try await isResumed(ends.client, ends.server, reads: reads)
  }

  private func isResumed(
    _ client: TLSStream<some ByteStream>, _ server: TLSStream<some ByteStream>, reads: Bool = true
  ) async throws -> Bool {
    async let serving: Void = server.handshake()
    try await client.handshake()
    try await serving
    if reads {
      try await server.write("hello")
      #expect(try await client.readText(5) == "hello")
    }
    // Without a close_notify: its absence does not invalidate the session.
    client.close()
    server.close()
    let (atClient, atServer) = (try #require(client.session), try #require(server.session))
    #expect(atClient.isResumed == atServer.isResumed && atClient.peerCertificates.count == 1)
    return atClient.isResumed
  }

  private func context(
    _ version: TLSVersion = .v1_3, change: (inout TLSConfiguration) -> Void = { _ in }
  ) throws -> TLSContext {
    try TLSContext(
      .client {
        $0.maximumVersion = version
        change(&$0)
      })
  }

  @Test(arguments: [TLSVersion.v1_2, .v1_3])
  func `A client resumes its earlier session with the same server`(version: TLSVersion) async throws {
    let (source, context) = (try TLSSource(.server()), try context(version))
    var resumed: [Bool] = []
    for _ in 0..<5 { resumed.append(try await isResumed(source, context)) }
    #expect(resumed == [false, true, true, true, true])
    // Only a full handshake shows the certificate.
    try source.replace(.server(Authority.example))
    #expect(try await isResumed(source, context))
  }

  @Test func `A ticket of TLS 1.3 is used once, and one of TLS 1.2 repeatedly`() async throws {
    for (version, expected) in [(TLSVersion.v1_3, [true, true, false]), (.v1_2, [true, true, true])] {
      let (source, context) = (try TLSSource(.server()), try context(version))
      #expect(try await !isResumed(source, context))
      // The server has sent two tickets, and the client does not read later ones.
      var resumed: [Bool] = []
      for _ in 0..<3 { resumed.append(try await isResumed(source, context, reads: false)) }
      #expect(resumed == expected, "\(version)")
    }
  }

  @Test(arguments: [TLSVersion.v1_2, .v1_3])
  func `No session is resumed with a server of another name, or by another context`(version: TLSVersion) async throws {
    let source = try TLSSource(.server())
    let (one, other) = (try context(version), try context(version) { $0.trust = .anything })
    #expect(try await !isResumed(source, one))
    #expect(try await !isResumed(source, other))
    for name in ["127.0.0.1", "::1", "LOCALHOST"] { #expect(try await !isResumed(source, one, name: name)) }
    #expect(try await isResumed(source, one))
    #expect(try await isResumed(source, other))
    // A context that verifies does not resume a session of one that does not.
    try source.replace(.server(Authority.example))
    #expect(try await !isResumed(source, other, name: "example.org"))
    let stranger = try Ends(Carrier.whole.pair(), name: "example.org", source: source, context: one)
    #expect(await stranger.failures().client?.failure?.verification == "hostname mismatch")
  }

  @Test(arguments: Backend.allCases)
  func `No session is resumed with a server at another port`(backend: Backend) async throws {
    try await backend.withRuntime { runtime in
      func check(_ runtime: some AsyncRuntime) async throws {
        // Both servers could resume the session.
        let (source, context) = (try TLSSource(.server()), try context())
        let first = TLSListener(try await runtime.listen(on: .loopback(port: 0)), source: source)
        let second = TLSListener(try await runtime.listen(on: .loopback(port: 0)), source: source)
        var resumed: [Bool] = []
        for listener in [first, second, first, second] {
          let accepting = runtime.spawn { try await listener.accept() }
          let client = try TLSStream(
            client: try await runtime.connect(to: listener.localAddress), name: "localhost", context: context)
          resumed.append(try await isResumed(client, try await accepting.value))
        }
        #expect(resumed == [false, false, true, true])
        first.close()
        second.close()
      }
      try await check(runtime)
    }
  }

  @Test(arguments: [TLSVersion.v1_2, .v1_3])
  func `No more sessions are kept than the capacity allows`(version: TLSVersion) async throws {
    let source = try TLSSource(.server())
    let (none, one) = (try context(version) { $0.sessionCapacity = 0 }, try context(version) { $0.sessionCapacity = 1 })
    for _ in 0..<3 { #expect(try await !isResumed(source, none)) }
    #expect(try await !isResumed(source, one))
    #expect(try await isResumed(source, one))
    #expect(try await !isResumed(source, one, name: "127.0.0.1"))
    #expect(try await !isResumed(source, one))
  }

  @Test func `A server that sends many tickets does not displace sessions of other servers`() async throws {
    let (source, context) = (try TLSSource(.server()), try context { $0.sessionCapacity = 6 })
    #expect(try await !isResumed(source, context, name: "127.0.0.1"))
    for count in 0..<5 { #expect(try await isResumed(source, context) == (count > 0)) }
    #expect(try await isResumed(source, context, name: "127.0.0.1"))
  }

  @Test func `No session is resumed that the server has dropped, or for which it requires more`() async throws {
    let (source, context) = (try TLSSource(.server()), try context())
    #expect(try await !isResumed(source, context))
    try source.replace(.server { $0.ticketKeyLifetime = .seconds(60) })
    #expect(try await !isResumed(source, context))
    #expect(try await isResumed(source, context))
    try source.replace(
      .server {
        $0.ticketKeyLifetime = .seconds(60)
        $0.clientCertificates = .requested(roots: [.text(Authority.trusted.chain)])
      })
    #expect(try await !isResumed(source, context))
  }

  @Test(arguments: [TLSVersion.v1_2, .v1_3])
  func `No session is resumed for longer than the certificate is valid`(version: TLSVersion) async throws {
    let source = try TLSSource(.server(Authority.issue("localhost", ["DNS:localhost"], to: 2)))
    let context = try context(version)
    // Resumption works for two seconds; then there is a full handshake again.
    while true {
      let ends = try Ends(Carrier.whole.pair(), source: source, context: context)
      let client = await ends.failures().client
      guard let client else { continue }
      #expect(client.failure?.verification == "certificate has expired")
      break
    }
  }

  @Test func `Concurrent connections resume different sessions`() async throws {
    let (source, context) = (try TLSSource(.server()), try context())
    #expect(try await !isResumed(source, context))
    let resumed = try await withThrowingTaskGroup(of: Bool.self) { group in
      for _ in 0..<50 { group.addTask { try await isResumed(source, context) } }
      return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
    }
    #expect(resumed >= 2)
  }
}
