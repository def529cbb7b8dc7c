import Runtime
import RuntimeHTTP
import RuntimeTLS
import Testing

@Suite(.timeLimit(.minutes(3))) struct ServerTests {
  @Test(arguments: Backend.allCases, [["http/1.1"], []])
  func `HTTP 1 is used if ALPN chooses it, or without ALPN`(backend: Backend, protocols: [String]) async throws {
    try await Site.serve(on: backend) { site in
      let stream = try await site.connect(protocols)
      for _ in 0..<3 {
        try await stream.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        #expect(try await stream.readResponse().hasSuffix("\r\n\r\nHTTP/1.1"))
      }
      try await stream.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
      #expect(String(decoding: try await stream.readAll(), as: UTF8.self).hasSuffix("HTTP/1.1"))
      await stream.closeAndWait()
    }
  }

  @Test(arguments: Backend.allCases)
  func `HTTP 2 is used if ALPN chooses it`(backend: Backend) async throws {
    try await Site.serve(on: backend) { site in
      let stream = try await site.connect(["h2", "http/1.1"])
      try await stream.handshake()
      #expect(stream.session?.applicationProtocol == "h2")
      #expect(try await stream.getByHTTP2() == "HTTP/2")
      stream.close()
    }
  }

  @Test(arguments: Backend.allCases)
  func `A handler sees the client's certificate, if it has one`(backend: Backend) async throws {
    let configuration = TLSConfiguration.server {
      $0.clientCertificates = .requested(roots: [PEM.text(Authority.trusted.chain)])
    }
    try await Site.serve(on: backend, configuration) { site in
      for client in [Authority.client, nil] {
        let stream = try await site.connect(as: client)
        try await stream.write("GET /client HTTP/1.1\r\nHost: localhost\r\n\r\n")
        let length = try await stream.readResponse().split(separator: "\r\n").last.flatMap { Int($0) } ?? -1
        #expect(client == nil ? length == 0 : length > 100)
        stream.close()
      }
    }
  }

  @Test func `A connection cannot be upgraded to HTTP 2 over TLS`() async throws {
    try await Site.serve(on: .custom) { site in
      let stream = try await site.connect()
      try await stream.write(
        "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
          + "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n")
      #expect(try await stream.readResponse().hasPrefix("HTTP/1.1 200"))
      stream.close()
    }
  }

  @Test(arguments: Backend.allCases)
  func `A large response arrives whole, and ends with a close_notify`(backend: Backend) async throws {
    try await Site.serve(on: backend) { site in
      let stream = try await site.connect()
      try await stream.write("GET /large HTTP/1.0\r\n\r\n")
      let bytes = try await stream.readAll()
      #expect(bytes.suffix(1_000_000) == pattern(1_000_000)[...])
      await stream.closeAndWait()
    }
  }

  @Test(arguments: Backend.allCases, [["http/1.1"], ["h2"]])
  func `A connection that is idle for too long ends with a close_notify`(
    backend: Backend, protocols: [String]
  ) async throws {
    var options = ServerOptions.patient
    options.idleTimeout = .milliseconds(200)
    try await Site.serve(on: backend, options: options) { site in
      let stream = try await site.connect(protocols)
      try await stream.get(protocols)
      // Without a close_notify this throws.
      _ = try await stream.readAll()
      stream.close()
    }
  }

  @Test(arguments: Backend.allCases)
  func `A connection without a request ends with a close_notify`(backend: Backend) async throws {
    var options = ServerOptions.patient
    // The handshake has the same timeout, which has to suffice under a sanitizer.
    options.headTimeout = .seconds(10)
    try await Site.serve(on: backend, options: options) { site in
      let stream = try await site.connect()
      #expect(try await stream.readAll() == [])
      stream.close()
    }
  }

  @Test(arguments: Backend.allCases)
  func `An idle connection ends with a close_notify when the server is shut down`(backend: Backend) async throws {
    try await Site.serve(on: backend) { site in
      let stream = try await site.connect()
      try await stream.get([])
      await site.shutDown()
      #expect(try await stream.readAll() == [])
      stream.close()
    }
  }

  @Test(arguments: Backend.allCases)
  func `A request without TLS gets a readable 400`(backend: Backend) async throws {
    try await Site.serve(on: backend) { site in
      let stream = try await site.connectInTheClear()
      try await stream.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
      let answer = String(decoding: try await stream.readAll(), as: UTF8.self)
      #expect(answer.hasPrefix("HTTP/1.1 400 Bad Request\r\n") && answer.contains("HTTPS"))
      stream.close()
    }
  }

  @Test(arguments: Backend.allCases)
  func `A client that disconnects during its handshake is not logged`(backend: Backend) async throws {
    try await Site.serve(on: backend) { site in
      for beginning in [[], [0x16, 3, 1, 2, 0]] as [[UInt8]] {
        let stream = try await site.connectInTheClear()
        try await stream.write(beginning)
        try await stream.shutdownWrite()
        #expect(try await stream.readAll() == [])
        stream.close()
      }
      let reset = try await site.connectInTheClear(resets: true)
      reset.close()
      // A failure that is logged, so that earlier ones would have been logged before it.
      let stranger = try await site.connectInTheClear()
      try await stranger.write("no TLS at all\r\n")
      _ = try? await stranger.readAll()
      stranger.close()
      while site.log.all.isEmpty { await Task.yield() }
      #expect(site.log.all.count == 1)
    }
  }

  @Test(arguments: Backend.allCases)
  func `A failed handshake's alert arrives though the client has sent more`(backend: Backend) async throws {
    try await Site.serve(on: backend) { site in
      for _ in 0..<20 {
        let stream = try await site.connectInTheClear()
        try await stream.write([0x16, 3, 1, 0, 4, 1, 0, 0, 0] + pattern(50_000))
        let alert = try await stream.readAll()
        #expect(alert.first == 0x15)
        stream.close()
      }
      #expect(site.log.all.allSatisfy { $0.contains("preparation failed: accept: TLS: ") })
    }
  }

  @Test(arguments: [[0x16, 3, 1, 0, 4, 1, 0, 0, 0], Array("GET / HTTP/1.1\r\n".utf8)] as [[UInt8]])
  func `The server reads from a refused client until the client has read the reason`(beginning: [UInt8]) async throws {
    let (near, far) = Carrier.whole.pair()
    let source = try TLSSource(.server())
    let preparing = Task {
      defer { far.close() }
      _ = try await prepareTLS(far, source)
    }
    try await near.write(beginning)
    // The answer has arrived, and the client keeps sending.
    try await near.waitUntilReadable()
    try await near.write(pattern(500_000))
    try await near.shutdownWrite()
    #expect(try await !near.readAll().isEmpty)
    let error = await #expect(throws: IOError.self) { try await preparing.value }
    #expect(error?.operation == .accept && error?.failure != nil)
  }

  /// The bytes of attackers and of clients that disconnect, and whether they disconnect afterwards.
  static let strangers: [(bytes: [UInt8], leaves: Bool)] = [
    ([], false), ([], true),
    // Just the head of a record.
    ([0x16, 3, 1, 2, 0], false), ([0x16, 3, 1, 2, 0], true),
    (pattern(300), false), (pattern(300), true),
    // An empty ClientHello.
    ([0x16, 3, 1, 0, 4, 1, 0, 0, 0] + pattern(5000), true),
    ([0x16, 3, 1, 0xff, 0xff] + pattern(5000), false),
    (Array("GET / HTTP/1.1\r\n\r\n".utf8), false), (Array("SSH-2.0-OpenSSH_9.2\r\n".utf8), true),
  ]

  @Test(arguments: Backend.allCases)
  func `Hundreds of invalid or stalled handshakes fail no request of other clients`(
    backend: Backend
  ) async throws {
    var options = ServerOptions.patient
    // The timeout of handshakes, which has to suffice for honest clients under a sanitizer.
    options.headTimeout = .seconds(15)
    try await Site.serve(on: backend, options: options) { site in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<300 {
          let (bytes, leaves) = Self.strangers[number % Self.strangers.count]
          group.addTask {
            let stream = try await site.connectInTheClear()
            // On a slow machine the server's timeout may be over, or it may have refused the first bytes already.
            try? await stream.write(bytes)
            // Reads the end, or a reset.
            if !leaves { _ = try? await stream.readAll() }
            stream.close()
          }
        }
        for number in 0..<20 {
          group.addTask {
            for _ in 0..<5 {
              let stream = try await site.connect(number % 2 == 0 ? ["h2"] : [])
              try await stream.get(number % 2 == 0 ? ["h2"] : [])
              stream.close()
            }
          }
        }
        try await group.waitForAll()
      }
    }
  }

  @Test func `A certificate is replaced while connections are served, and no request fails`() async throws {
    try await Site.serve(on: .custom) { site in
      let old = try await site.connect()
      try await old.handshake()
      let before = old.session?.peerCertificates
      for round in 0..<20 {
        let certificate = Authority.issue("localhost", ["DNS:localhost"])
        try site.source.replace(.server(certificate) { $0.applicationProtocols = ["h2", "http/1.1"] })
        let new = try await site.connect()
        for stream in [old, new] {
          try await stream.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
          #expect(try await stream.readResponse().hasPrefix("HTTP/1.1 200"), "round \(round)")
        }
        #expect(new.session?.peerCertificates != before)
        await new.closeAndWait()
      }
    }
  }
}
