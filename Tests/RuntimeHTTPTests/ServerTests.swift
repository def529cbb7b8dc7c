import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Synchronization
import Testing

@testable import RuntimeHTTP

/// A server on real sockets, on each backend, with a clock that the test controls.
@Suite(.timeLimit(.minutes(10))) struct ServerTests {
  private enum Mark {
    @TaskLocal static var value = 0
  }

  @Test(arguments: Backend.allCases, [true, false])
  func `handlers and streams see the task-local values of run if the server is configured to do so`(
    _ backend: Backend, _ inherits: Bool
  ) async throws {
    try await withSetup(on: backend) { setup in
      var options = ServerOptions.quiet
      options.inheritsTaskLocals = inherits
      let server = try await setup.server(options) { _ in
        let before = Mark.value
        return Response(body: .stream { try await $0.write("\(before) \(Mark.value)") })
      }
      let running = Mark.$value.withValue(7) { Task { try await server.run() } }
      let expected = inherits ? "7 7" : "0 0"
      #expect(try await setup.client(of: server).get("/").text == expected)
      #expect(try await setup.http2Client(of: server).get("/").text == expected)
      await setup.clock.flying { await server.shutdown(grace: .seconds(1)) }
      try await running.value
    }
  }

  @Test(arguments: Backend.allCases)
  func `a server serves and counts many connections`(_ backend: Backend) async throws {
    try await withSetup(on: backend) { setup in
      try await setup.serving({ .text($0.path) }) { server in
        try await withThrowingTaskGroup(of: Void.self) { group in
          for number in 0..<20 {
            group.addTask {
              let client = try await setup.client(of: server)
              defer { client.stream.close() }
              for count in 0..<5 { #expect(try await client.get("/\(number)/\(count)").text == "/\(number)/\(count)") }
            }
          }
          try await group.waitForAll()
        }
        #expect(server.metrics.totalConnections == 20)
        #expect(server.metrics.totalRequests == 100)
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `a server serves connections beyond its limit one after another`(_ backend: Backend) async throws {
    var options = ServerOptions.quiet
    options.maximumConnections = 2
    try await withSetup(on: backend) { setup in
      try await setup.serving(options: options, { .text($0.path) }) { server in
        try await withThrowingTaskGroup(of: Void.self) { group in
          for number in 0..<20 {
            group.addTask {
              let client = try await setup.client(of: server)
              defer { client.stream.close() }
              #expect(try await client.get("/\(number)").text == "/\(number)")
              #expect(server.metrics.openConnections <= 2)
            }
          }
          try await group.waitForAll()
        }
        #expect(server.metrics.totalConnections == 20)
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `cancelling the task that serves one idle connection ends the connection`(
    _ backend: Backend
  ) async throws {
    try await withSetup(on: backend) { setup in
      let (near, far) = try await setup.runtime.base.connectedPair()
      var router = Router()
      router.get("/") { _ in .text("here") }
      let clock = setup.clock
      let serving = setup.runtime.spawn { [router] in
        await serveConnection(far, clock: clock, options: .quiet, handler: router)
      }
      let client = HTTPTestClient(AnyStream(near))
      #expect(try await client.get("/").text == "here")
      serving.cancel()
      #expect(try await client.readToEnd().isEmpty)
      try await serving.value
    }
  }

  @Test(arguments: Backend.allCases)
  func `a shutdown closes idle connections immediately and lets requests in flight finish`(
    _ backend: Backend
  ) async throws {
    let hasBegun = Gate()
    let mayEnd = Gate()
    try await withSetup(on: backend) { setup in
      try await setup.serving({ request in
        if request.path == "/slow" {
          hasBegun.open()
          await mayEnd.wait()
        }
        return .text(request.path)
      }) { server in
        let idle = try await setup.client(of: server)
        #expect(try await idle.get("/fast").text == "/fast")
        let unused = try await setup.client(of: server)
        #expect(try await setup.client(of: server).get("/fast").text == "/fast")
        let busy = try await setup.client(of: server)
        try await busy.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        await hasBegun.wait()
        #expect(server.metrics.requestsInFlight == 1)
        async let over: Void = server.shutdown()
        #expect(try await idle.readToEnd().isEmpty)
        #expect(try await unused.readToEnd().isEmpty)
        mayEnd.open()
        let response = try await busy.readResponse()
        #expect(response.text == "/slow")
        #expect(response["Connection"] == "close")
        #expect(try await busy.readToEnd().isEmpty)
        await over
        #expect(server.metrics.openConnections == 0)
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `a shutdown cancels requests that are not done after the grace period`(_ backend: Backend) async throws {
    let hasBegun = Gate()
    let wasCancelled = Gate()
    try await withSetup(on: backend) { setup in
      try await setup.serving({ _ in
        hasBegun.open()
        do { try await Task.sleep(for: .seconds(3600)) } catch { wasCancelled.open() }
        return .text("too late")
      }) { server in
        let client = try await setup.client(of: server)
        try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await hasBegun.wait()
        await setup.clock.flying { await server.shutdown(grace: .seconds(5)) }
        await wasCancelled.wait()
        #expect(setup.clock.now.offset >= .seconds(5))
        _ = try? await client.readToEnd()
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `the sweeper of a server ends connections that time out`(_ backend: Backend) async throws {
    try await withSetup(on: backend) { setup in
      try await setup.serving({ _ in .text("") }) { server in
        let slow = try await setup.client(of: server)
        let idle = try await setup.client(of: server)
        #expect(try await idle.get("/").status == 200)
        // When the first response arrives, the server has read everything that was sent after its request.
        try await slow.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /")
        #expect(try await slow.readResponse().status == 200)
        // Time stands still until the 408 arrives, so that a delayed task is not half a minute late.
        await setup.clock.advance(by: .seconds(11))
        let response = try await slow.readResponse()
        #expect(response.status == 408)
        await setup.clock.advance(by: .seconds(60))
        let rest = try await idle.readToEnd()
        #expect(rest.isEmpty)
      }
    }
  }

  @Test func `cancelling the task that runs a server shuts it down`() async throws {
    try await withSetup(on: .concurrency) { setup in
      let server = try await setup.server { _ in .text("") }
      let running = Task { try await server.run() }
      let client = try await setup.client(of: server)
      #expect(try await client.get("/").status == 200)
      running.cancel()
      #expect(try await client.readToEnd().isEmpty)
      try await running.value
      await server.shutdown()
    }
  }

  @Test func `a server runs once`() async throws {
    try await withSetup(on: .concurrency) { setup in
      let server = try await setup.server { _ in .text("") }
      await server.shutdown()
      await #expect(throws: IOError(.accept, .closed)) { try await server.run() }
      try await setup.serving({ _ in .text("") }) { server in
        let response = try await setup.client(of: server).get("/")
        #expect(response.status == 200)
        await #expect(throws: IOError(.accept, .busy)) { try await server.run() }
      }
    }
  }

  @Test func `a client that sends while its request is refused receives the answer, not a reset`() async throws {
    try await withSetup(on: .concurrency) { setup in
      var options = ServerOptions.quiet
      options.maximumBodyLength = 10
      try await setup.serving(options: options, { _ in .text("") }) { server in
        for _ in 0..<2 {
          let client = try await setup.client(of: server)
          defer { client.stream.close() }
          // More than the sockets hold, so that it is sent only if the server reads it.
          let content = String(repeating: "a", count: 10_000_000)
          try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n" + content)
          #expect(try await client.readResponse().status == 413)
        }
      }
    }
  }
}
