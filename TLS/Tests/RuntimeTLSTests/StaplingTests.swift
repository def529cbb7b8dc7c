import CCertificates
import Glibc
import Runtime
import RuntimeTLS
import Testing

@Suite(.timeLimit(.minutes(2))) struct StaplingTests {
  /// A server's OCSP response, and why a client that requires one rejects it.
  struct Staple: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// `nil` if the client accepts it.
    let fault: String?
    var status: Int32 = 0
    var isSHA256 = false
    var subject = Authority.localhost
    var signer = Authority.trusted
    var times = (this: -3600, next: 3600)

    var bytes: [UInt8] {
      var length = 0
      let made = subject.chain.withCString { certificate in
        Authority.trusted.chain.withCString { issuer in
          signer.chain.withCString { signer in
            self.signer.key.withCString { key in
              var request = ocsp_request(
                certificate: certificate, issuer: issuer, signer: signer, signer_key: key, status: status,
                is_sha256: isSHA256, this_update: times.this, next_update: times.next)
              return make_ocsp_response(&request, &length)
            }
          }
        }
      }
      defer { free(made) }
      return Array(UnsafeBufferPointer(start: made, count: length))
    }
  }

  static let staples = [
    Staple(testDescription: "good", fault: nil),
    Staple(testDescription: "named by SHA-256", fault: nil, isSHA256: true),
    Staple(testDescription: "revoked", fault: "certificate revoked", status: 1),
    Staple(testDescription: "unknown", fault: "the responder does not know the certificate", status: 2),
    Staple(testDescription: "old", fault: "the OCSP response is out of date", times: (-7200, -3600)),
    Staple(testDescription: "of tomorrow", fault: "the OCSP response is out of date", times: (3600, 7200)),
    Staple(testDescription: "another's", fault: "the OCSP response is for another certificate", subject: Authority.rsa),
    Staple(
      testDescription: "by a stranger", fault: "the OCSP response has no authorized signature",
      signer: Authority.unknown),
    Staple(
      testDescription: "by another of the issuer's", fault: "the OCSP response has no authorized signature",
      signer: Authority.example),
  ]

  private func ends(
    _ response: [UInt8]?, _ stapling: TLSConfiguration.Stapling, _ version: TLSVersion
  ) throws -> Ends {
    let directory = TemporaryDirectory()
    var server = TLSConfiguration.server()
    server.identities[0].ocspResponsePath = response.map { directory.file("response", $0) }
    return try Ends(
      server: server,
      client: .client {
        $0.stapling = stapling
        $0.maximumVersion = version
      })
  }

  @Test(arguments: staples, [TLSVersion.v1_2, .v1_3])
  func `A client that requires a response accepts only a good one`(
    staple: Staple, version: TLSVersion
  ) async throws {
    let bytes = staple.bytes
    let (client, server) = await (try ends(bytes, .required, version)).failures()
    #expect(client?.failure?.verification == staple.fault)
    if staple.fault == nil {
      #expect(client == nil && server == nil)
    } else {
      // bad_certificate_status_response
      #expect(client?.failure?.alert?.code == 113 && client?.failure?.alert?.isFromPeer == false)
      #expect(server?.failure?.alert?.code == 113 && server?.failure?.alert?.isFromPeer == true)
    }
    // A client that only requests a response gets the bytes.
    let asking = try ends(bytes, .requested, version)
    try await asking.performHandshake()
    #expect(asking.client.session?.ocspResponse == bytes && asking.server.session?.ocspResponse == nil)
    let indifferent = try ends(bytes, .none, version)
    try await indifferent.performHandshake()
    #expect(indifferent.client.session?.ocspResponse == nil)
  }

  @Test(arguments: [TLSVersion.v1_2, .v1_3])
  func `A server without a required response is refused`(version: TLSVersion) async throws {
    let (client, _) = await (try ends(nil, .required, version)).failures()
    #expect(client?.failure?.verification == "the server sent no OCSP response" && client?.failure?.alert?.code == 113)
    let others: [([UInt8], String)] = [
      ([0x30, 3, 0x0a, 1, 6], "the responder returned an error"), ([1, 2, 3], "the OCSP response cannot be read"),
    ]
    for (bytes, fault) in others {
      let (client, _) = await (try ends(bytes, .required, version)).failures()
      #expect(client?.failure?.verification == fault)
    }
    let asking = try ends(nil, .requested, version)
    try await asking.performHandshake()
    #expect(asking.client.session?.ocspResponse == nil)
  }

  @Test(arguments: [TLSVersion.v1_2, .v1_3])
  func `A session that has begun with a good response is resumed`(version: TLSVersion) async throws {
    let directory = TemporaryDirectory()
    var server = TLSConfiguration.server()
    server.identities[0].ocspResponsePath = directory.file("response", Self.staples[0].bytes)
    let source = try TLSSource(server)
    let context = try TLSContext(
      .client {
        $0.stapling = .required
        $0.maximumVersion = version
      })
    for isResumed in [false, true] {
      let ends = try Ends(Carrier.whole.pair(), source: source, context: context)
      try await ends.performHandshake()
      try await ends.server.write("x")
      #expect(try await ends.client.readText(1) == "x")
      #expect(ends.client.session?.isResumed == isResumed && (ends.client.session?.ocspResponse == nil) == isResumed)
    }
  }
}
