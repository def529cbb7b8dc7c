import Glibc
import Runtime
import RuntimePrimitives
import RuntimeTestSupport
import RuntimeTesting
import Testing

@testable import RuntimeHTTP

/// Connections that do not come from the server's own listener, or that begin with a handshake.
@Suite(.timeLimit(.minutes(10))) struct ServedElsewhereTests {
  private static let handler = HandlerFunction { request in .text("\(request.version) \(request.path)") }

  /// Runs `server` while `body` uses it.
  private func running<R>(
    _ server: TestServer, on setup: ServerSetup, _ body: () async throws -> R
  ) async throws -> R {
    let running = setup.runtime.spawn { try await server.run() }
    let result: Result<R, any Error>
    do { result = .success(try await body()) } catch { result = .failure(error) }
    await setup.clock.flying { await server.shutdown(grace: .seconds(1)) }
    try await running.value
    return try result.get()
  }

  @Test(arguments: Backend.allCases)
  func `a server serves the connections of another listener`(_ backend: Backend) async throws {
    try await withSetup(on: backend) { setup in
      let listener = try await setup.runtime.listen(on: .loopback(port: 0))
      let server = Server(runtime: setup.runtime, listener: listener, options: .quiet, handler: Self.handler)
      #expect(server.localAddress == listener.localAddress)
      try await running(server, on: setup) {
        let client = try await setup.client(of: server)
        #expect(try await client.get("/a").text == "HTTP/1.1 /a")
        client.stream.close()
      }
      // The server closes the listener.
      await #expect(throws: IOError(.accept, .closed)) { try await listener.accept() }
    }
  }

  @Test(arguments: Backend.allCases)
  func `a handler can read attributes of the connection's stream`(_ backend: Backend) async throws {
    try await withSetup(on: backend) { setup in
      let handler = HandlerFunction { request in
        var moved = request
        moved.remoteAddress = nil
        let processes = [request, moved].map { $0.attribute(PeerCredentials.self)?.processID }
        return .text(
          "\(processes == [getpid(), getpid()]) \(Request(target: "/").attribute(PeerCredentials.self) == nil)")
      }
      let server = Server(runtime: setup.runtime, options: .quiet, handler: handler)
      for version in [ApplicationProtocol.http1, .http2] {
        let address = SocketAddress.unix(path: "\0gearbox-test-\(UInt64.random(in: 0...UInt64.max))")
        let listener = try await setup.runtime.base.listen(on: address)
        let near = try await setup.runtime.base.connect(to: address)
        let far = try await listener.accept()
        let serving = setup.runtime.spawn { try await server.serve(far, speaking: version) }
        if version == .http1 {
          #expect(try await HTTPTestClient(AnyStream(near)).get("/").text == "true true")
        } else {
          let client = HTTP2TestClient(AnyStream(near))
          try await client.start()
          #expect(try await client.get("/").text == "true true")
        }
        near.close()
        try await serving.value
        listener.close()
      }
      await server.shutdown()
    }
  }

  /// A server whose connections begin with a byte for the protocol: `1` or `2`; any other is refused. A client that
  /// sends nothing keeps the server waiting.
  private func serverWithHandshake(_ setup: ServerSetup, _ options: ServerOptions = .quiet) async throws -> TestServer {
    let listener = try await setup.runtime.listen(on: .loopback(port: 0))
    return Server(runtime: setup.runtime, listener: listener, options: options, handler: Self.handler) { stream in
      switch try await stream.read(upTo: 1) {
      case Array("1".utf8): return (stream, speaking: .http1)
      case Array("2".utf8): return (stream, speaking: .http2)
      default: throw RefusedHandshake()
      }
    }
  }

  private struct RefusedHandshake: Error {}

  @Test(arguments: Backend.allCases)
  func `a connection uses the protocol that the preparation agreed on`(_ backend: Backend) async throws {
    try await withSetup(on: backend) { setup in
      let server = try await serverWithHandshake(setup)
      try await running(server, on: setup) {
        let http1 = try await setup.client(of: server)
        try await http1.send("1")
        #expect(try await http1.get("/a").text == "HTTP/1.1 /a")
        let stream = try await setup.runtime.connect(to: server.localAddress)
        try await stream.write(Array("2".utf8))
        let http2 = HTTP2TestClient(stream)
        try await http2.start()
        #expect(try await http2.get("/b").text == "HTTP/2 /b")
        #expect(server.metrics.openConnections == 2)
        http1.stream.close()
        stream.close()
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `a slow preparation delays no other connection, and ends with the timeout for a head`(
    _ backend: Backend
  ) async throws {
    try await withSetup(on: backend) { setup in
      let server = try await serverWithHandshake(setup)
      try await running(server, on: setup) {
        let slow = try await setup.client(of: server)
        let quick = try await setup.client(of: server)
        try await quick.send("1")
        #expect(try await quick.get("/a").status == 200)
        #expect(server.metrics.openConnections == 2)
        await setup.clock.advance(by: .seconds(12))
        #expect(try await slow.readToEnd() == [])
        quick.stream.close()
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `a preparation that fails is logged, and costs one connection`(_ backend: Backend) async throws {
    try await withSetup(on: backend) { setup in
      let lines = Recorder<String>()
      var options = ServerOptions.quiet
      options.log = { lines.record($0.message) }
      let server = try await serverWithHandshake(setup, options)
      try await running(server, on: setup) {
        let refused = try await setup.client(of: server)
        try await refused.send("x")
        #expect(try await refused.readToEnd() == [])
        let served = try await setup.client(of: server)
        try await served.send("1")
        #expect(try await served.get("/a").status == 200)
        served.stream.close()
      }
      #expect(lines.elements.count == 1)
      #expect(lines.elements.first?.hasSuffix("preparation failed: RefusedHandshake()") == true)
    }
  }

  @Test(arguments: Backend.allCases)
  func `a connection in preparation counts as a connection, and a shutdown ends it immediately`(
    _ backend: Backend
  ) async throws {
    try await withSetup(on: backend) { setup in
      var options = ServerOptions.quiet
      options.maximumConnections = 1
      let lines = Recorder<String>()
      options.log = { lines.record($0.message) }
      let listener = try await setup.runtime.listen(on: .loopback(port: 0))
      let begun = Recorder<Void>()
      let server = Server(runtime: setup.runtime, listener: listener, options: options, handler: Self.handler) {
        stream in
        begun.record(())
        // The preparation waits for something that only cancellation ends, and not for the stream.
        try await setup.clock.sleep(for: .seconds(1_000_000))
        return (stream, speaking: .http1)
      }
      let serving = setup.runtime.spawn { try await server.run() }
      let first = try await setup.client(of: server)
      let second = try await setup.client(of: server)
      while begun.elements.isEmpty { await Task.yield() }
      #expect(server.metrics.openConnections == 1)
      // Time stands still.
      await server.shutdown()
      try await serving.value
      #expect(try await first.readToEnd() == [])
      #expect(begun.elements.count == 1)
      #expect(!lines.elements.contains { $0.contains("preparing") })
      second.stream.close()
    }
  }

  @Test(arguments: Backend.allCases)
  func `a server that does not listen serves given connections until it shuts down`(_ backend: Backend) async throws {
    try await withSetup(on: backend) { setup in
      let server = Server(runtime: setup.runtime, options: .quiet, handler: Self.handler)
      let (near, far) = try await setup.runtime.base.connectedPair()
      let serving = setup.runtime.spawn { try await server.serve(far) }
      let client = HTTPTestClient(AnyStream(near))
      #expect(try await client.get("/a").text == "HTTP/1.1 /a")
      #expect(server.metrics.openConnections == 1 && server.metrics.totalRequests == 1)
      await server.shutdown()
      try await serving.value
      #expect(try await client.readToEnd() == [])
      #expect(server.metrics.openConnections == 0)
      // A connection that comes too late is closed.
      let (late, other) = try await setup.runtime.base.connectedPair()
      await #expect(throws: IOError(.accept, .closed)) { try await server.serve(other) }
      #expect(try await HTTPTestClient(AnyStream(late)).readToEnd() == [])
    }
  }

  @Test(arguments: Backend.allCases)
  func `a server that does not listen runs until it shuts down or is cancelled`(_ backend: Backend) async throws {
    try await withSetup(on: backend) { setup in
      for isCancelled in [false, true] {
        let server = Server(runtime: setup.runtime, options: .quiet, handler: Self.handler)
        let running = setup.runtime.spawn { try await server.run() }
        let (near, far) = try await setup.runtime.base.connectedPair()
        let serving = setup.runtime.spawn { try await server.serve(far) }
        #expect(try await HTTPTestClient(AnyStream(near)).get("/a").status == 200)
        if isCancelled { running.cancel() } else { await server.shutdown() }
        try await running.value
        try await serving.value
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `the timeouts apply to a connection that was accepted elsewhere`(
    _ backend: Backend
  ) async throws {
    try await withSetup(on: backend) { setup in
      let server = Server(runtime: setup.runtime, options: .quiet, handler: Self.handler)
      let (near, far) = try await setup.runtime.base.connectedPair()
      let serving = setup.runtime.spawn { try await server.serve(far) }
      // Time advances however late the connection begins to wait.
      try await setup.clock.flying { try await serving.value }
      #expect(try await HTTPTestClient(AnyStream(near)).readToEnd() == [])
      await server.shutdown()
    }
  }

  @Test(arguments: Backend.allCases)
  func `cancelling the task that serves a connection ends it and its handler`(_ backend: Backend) async throws {
    try await withSetup(on: backend) { setup in
      let begun = Recorder<Void>()
      let server = Server(
        runtime: setup.runtime, options: .quiet,
        handler: HandlerFunction { _ in
          begun.record(())
          try await setup.clock.sleep(for: .seconds(1_000_000))
          return .text("")
        })
      let (near, far) = try await setup.runtime.base.connectedPair()
      let serving = setup.runtime.spawn { try await server.serve(far) }
      let client = HTTPTestClient(AnyStream(near))
      try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      while begun.elements.isEmpty { await Task.yield() }
      serving.cancel()
      try await serving.value
      // The handler may end before the stream does.
      let rest = String(decoding: (try? await client.readToEnd()) ?? [], as: UTF8.self)
      #expect(rest.isEmpty || rest.hasPrefix("HTTP/1.1 503 "))
      #expect(server.metrics.openConnections == 0)
      await server.shutdown()
    }
  }
}
