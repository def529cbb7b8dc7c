import Runtime
import RuntimeTLS
import Testing

/// Bytes that are missing, changed on the way, or malicious.
@Suite(.timeLimit(.minutes(3))) struct RecordTests {
  /// The number of bytes that each end reads in a handshake, including tickets and the server's close_notify. The
  /// length of a signature varies by a few bytes.
  private func handshakeLengths() async throws -> (client: Int, server: Int) {
    let pair = Carrier.whole.pair()
    let counted = (CountingStream(pair.0), CountingStream(pair.1))
    let ends = try Ends(
      (AnyStream(counted.0), AnyStream(counted.1)), source: TLSSource(.server()), context: TLSContext(.client()))
    try await ends.performHandshake()
    try await ends.server.shutdownWrite()
    _ = try await ends.client.readAll()
    return (counted.0.count, counted.1.count)
  }

  @Test func `A handshake that is cut off at any byte fails at both ends`() async throws {
    let lengths = try await handshakeLengths()
    // Without resumption, so that each handshake is full.
    let (source, context) = (try TLSSource(.server()), try TLSContext(.client { $0.sessionCapacity = 0 }))
    for count in 0..<lengths.client - 8 {
      let pair = Carrier.whole.pair()
      let ends = try Ends((AnyStream(CutStream(pair.0, after: count)), pair.1), source: source, context: context)
      let client = await ends.failures().client
      // The error is a truncation, within the last record or between two.
      #expect(
        client?.failure?.isTruncation == true, "after \(count) of the server's bytes: \(client.map { "\($0)" } ?? "")")
    }
    for count in 0..<lengths.server {
      let pair = Carrier.whole.pair()
      let ends = try Ends((pair.0, AnyStream(CutStream(pair.1, after: count))), source: source, context: context)
      let server = await ends.failures().server
      #expect(
        server?.failure?.isTruncation == true, "after \(count) of the client's bytes: \(server.map { "\($0)" } ?? "")")
    }
  }

  @Test func `A changed byte in the first flight ends the handshake, or makes the server wait for more`() async throws {
    let (source, context) = (try TLSSource(.server()), try TLSContext(.client()))
    let pair = Carrier.whole.pair()
    let client = try TLSStream(client: pair.0, name: "localhost", context: context)
    let handshake = Task { try await client.handshake() }
    let flight = try await pair.1.read()
    handshake.cancel()
    for place in flight.indices {
      var changed = flight
      changed[place] ^= 0x55
      let (near, far) = Carrier.whole.pair()
      try await near.write(changed)
      try await near.shutdownWrite()
      let server = try TLSStream(server: far, source: source)
      let error = await #expect(throws: IOError.self) { try await server.handshake() }
      #expect(error?.operation == .accept && error?.failure != nil)
    }
  }

  @Test(arguments: [TLSVersion.v1_2, .v1_3])
  func `A changed byte in the server's flight makes the client refuse it`(version: TLSVersion) async throws {
    let (source, context) = (try TLSSource(.server()), try TLSContext(.client { $0.maximumVersion = version }))
    // A client of TLS 1.3 ignores the version in the first record (RFC 8446 section 5.1).
    let isIgnored: Set = version == .v1_3 ? [2] : []
    var (place, length) = (0, 1)
    while place < length {
      // A sample of each part of a flight, most of which is a certificate.
      defer { place += place < 200 ? 1 : 13 }
      if isIgnored.contains(place) { continue }
      // The test passes bytes from one end to the other.
      let (forClient, forServer) = (Carrier.whole.pair(), Carrier.whole.pair())
      let client = try TLSStream(client: forClient.0, name: "localhost", context: context)
      let server = try TLSStream(server: forServer.0, source: source)
      let (connecting, accepting) = (Task { try await client.handshake() }, Task { try await server.handshake() })
      try await forServer.1.write(try await forClient.1.read())
      var flight = try await forServer.1.read()
      length = flight.count
      flight[place] ^= 0x55
      try await forClient.1.write(flight)
      try await forClient.1.shutdownWrite()
      let error = await #expect(throws: IOError.self, "byte \(place) of \(length)") { try await connecting.value }
      #expect(error?.operation == .connect && error?.failure != nil)
      forServer.1.close()
      _ = await accepting.result
    }
  }

  /// Two ends after their handshake, and the streams that change the bytes each of them reads.
  private func changedEnds(_ version: TLSVersion) async throws -> (Ends, client: ChangedStream, server: ChangedStream) {
    let pair = Carrier.whole.pair()
    let changed = (ChangedStream(pair.0), ChangedStream(pair.1))
    let ends = try Ends(
      (AnyStream(changed.0), AnyStream(changed.1)), source: TLSSource(.server { $0.ticketKeyLifetime = nil }),
      context: TLSContext(.client { $0.maximumVersion = version }))
    try await ends.performHandshake()
    return (ends, changed.0, changed.1)
  }

  /// Changes the bytes from one end to the other by `change`, and returns the reader's error, which has to occur.
  private func reading(
    _ version: TLSVersion, byServer: Bool, change: @escaping @Sendable (inout [UInt8]) -> Void
  ) async throws -> TLSFailure? {
    let (ends, client, server) = try await changedEnds(version)
    let (writer, reader) = byServer ? (ends.client, ends.server) : (ends.server, ends.client)
    (byServer ? server : client).change(change)
    try await writer.write("secret")
    // Without a close_notify, which `change` would affect too.
    try await writer.base.shutdownWrite()
    let error = await #expect(throws: IOError.self) { _ = try await reader.readAll() }
    #expect(error?.operation == .read)
    return error?.failure
  }

  @Test(arguments: [TLSVersion.v1_2, .v1_3], [true, false])
  func `A record with a changed byte is rejected by both ends`(
    version: TLSVersion, byServer: Bool
  ) async throws {
    // A head, six bytes, and the authentication tag.
    for place in 0..<5 + 6 + 16 {
      let failure = try await reading(version, byServer: byServer) { if place < $0.count { $0[place] ^= 0x55 } }
      #expect(failure != nil)
    }
  }

  @Test(arguments: [TLSVersion.v1_2, .v1_3], [true, false])
  func `A truncated record is not the end of the stream`(version: TLSVersion, byServer: Bool) async throws {
    for count in 1..<5 + 6 + 16 {
      let failure = try await reading(version, byServer: byServer) { $0 = Array($0.prefix(count)) }
      #expect(failure?.isTruncation == true)
    }
  }

  @Test(arguments: [TLSVersion.v1_2, .v1_3], [true, false])
  func `A record that is too large ends the connection`(version: TLSVersion, byServer: Bool) async throws {
    // One byte beyond the limit of RFC 8446 section 5.2 and RFC 5246 section 6.2.3.
    let length = 16 * 1024 + (version == .v1_3 ? 256 : 2048) + 1
    let failure = try await reading(version, byServer: byServer) { bytes in
      if !bytes.isEmpty { bytes = [0x17, 3, 3, UInt8(length >> 8), UInt8(length & 0xff)] + pattern(length) }
    }
    // record_overflow
    #expect(failure?.alert?.code == 22 && failure?.alert?.isFromPeer == false)
  }

  @Test(arguments: [TLSVersion.v1_2, .v1_3], [true, false])
  func `A repeated record ends the connection`(version: TLSVersion, byServer: Bool) async throws {
    let failure = try await reading(version, byServer: byServer) { $0 += $0 }
    // bad_record_mac
    #expect(failure?.alert?.code == 20)
  }
}
