import Glibc
import Runtime
import RuntimePrimitives
import RuntimeTestSupport
import RuntimeTesting
import Testing

@testable import RuntimeHTTP

/// What clients see of a server that shuts down.
@Suite(.timeLimit(.minutes(10))) struct GracefulShutdownTests {
  @Test(arguments: Backend.allCases)
  func `a request that waits in the socket of an idle connection is answered`(_ backend: Backend) async throws {
    try await withSetup(on: backend) { setup in
      for _ in 0..<10 {
        let server = try await setup.server { _ in .text("answered") }
        let running = setup.runtime.spawn { try await server.run() }
        var clients: [HTTPTestClient<AnyStream>] = []
        for _ in 0..<6 {
          let client = try await setup.client(of: server)
          #expect(try await client.get("/").status == 200)
          clients.append(client)
        }
        for client in clients { try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") }
        await server.shutdown()
        for client in clients {
          #expect(try await client.readResponse().text == "answered")
          try await client.expectEnd()
          client.stream.close()
        }
        try await running.value
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `a shutdown still answers the connections in the backlog`(_ backend: Backend) async throws {
    try await withSetup(on: backend) { setup in
      for _ in 0..<10 {
        let server = try await setup.server { _ in .text("answered") }
        var clients: [HTTPTestClient<AnyStream>] = []
        for _ in 0..<6 {
          let client = try await setup.client(of: server)
          try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
          clients.append(client)
        }
        let http2 = HTTP2TestClient(try await setup.runtime.connect(to: server.localAddress))
        try await http2.start()
        let stream = try await http2.send("GET", "/")
        let running = setup.runtime.spawn { try await server.run() }
        // The server has begun when it has accepted one connection; the others may still be in the backlog.
        while server.metrics.totalConnections == 0 { await Task.yield() }
        async let over: Void = server.shutdown()
        for client in clients {
          #expect(try await client.readResponse().text == "answered")
          client.stream.close()
        }
        #expect(try await http2.readResponse(on: stream).text == "answered")
        http2.stream.close()
        await over
        try await running.value
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `connections in the backlog of an inherited socket are left to the next server`(
    _ backend: Backend
  ) async throws {
    try await backend.withRuntime { runtime in
      func check(_ runtime: some AsyncRuntime) async throws {
        let descriptor = try InheritedSocket.open(on: .loopback(port: 0)).takeDescriptor()
        let (socket, copy) = (InheritedSocket(descriptor: descriptor), InheritedSocket(descriptor: dup(descriptor)))
        // More than an acceptor can take before the tasks of the first connections have their turn.
        var clients: [HTTPTestClient<AnyStream>] = []
        for _ in 0..<400 {
          let client = HTTPTestClient(AnyStream(try await runtime.connect(to: try #require(copy.address))))
          try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
          clients.append(client)
        }
        let (hasRequest, request) = AsyncStream<Void>.makeStream()
        let first = try await Server(
          runtime: runtime, inherited: socket, options: .quiet,
          handler: HandlerFunction { _ in
            request.yield()
            return .text("answered")
          })
        let running = runtime.spawn { try await first.run() }
        let ending = runtime.spawn {
          for await _ in hasRequest { break }
          await first.shutdown()
        }
        try await ending.value
        try await running.value
        let second = try await Server(
          runtime: runtime, inherited: copy, options: .quiet, handler: HandlerFunction { _ in .text("answered") })
        let runningNext = runtime.spawn { try await second.run() }
        for client in clients {
          #expect(try await client.readResponse().text == "answered")
          client.stream.close()
        }
        #expect(first.metrics.totalConnections > 0)
        #expect(second.metrics.totalConnections > 0)
        await second.shutdown()
        try await runningNext.value
      }
      try await check(runtime)
    }
  }

  @Test(arguments: Backend.allCases)
  func `idle connections may be kept for a while, and each gets one more answer`(
    _ backend: Backend
  ) async throws {
    var options = ServerOptions.quiet
    options.shutdownIdleGrace = .seconds(5)
    try await withSetup(on: backend) { [options] setup in
      let server = try await setup.server(options) { _ in .text("answered") }
      let running = setup.runtime.spawn { try await server.run() }
      let (used, unused) = (try await setup.client(of: server), try await setup.client(of: server))
      for client in [used, unused] { #expect(try await client.get("/").status == 200) }
      async let over: Void = server.shutdown()
      let address = server.localAddress
      // A server that has begun to shut down no longer listens.
      while let late = try? await setup.runtime.connect(to: address) {
        late.close()
        await Task.yield()
      }
      let response = try await used.get("/")
      #expect(response.text == "answered" && response["Connection"] == "close")
      try await used.expectEnd()
      try await setup.clock.flying { try await unused.expectEnd() }
      for client in [used, unused] { client.stream.close() }
      await over
      try await running.value
    }
  }
}
