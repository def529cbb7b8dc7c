import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Synchronization
import Testing

@testable import RuntimeHTTP

/// The memory that a server holds for its clients is counted, bounded, and released.
@Suite(.timeLimit(.minutes(10))) struct MemoryTests {
  private static func options(_ limit: Int) -> ServerOptions {
    var options = ServerOptions.quiet
    options.maximumHeldLength = limit
    return options
  }

  @Test func `a part is counted in steps and released as a whole`() {
    let budget = MemoryBudget(limit: 100_000)
    var part = MemoryBudget.Part()
    part.set(to: MemoryBudget.step - 1, in: budget)
    #expect(budget.held == 0)
    part.set(to: 50_000, in: budget)
    #expect(budget.held == 50_000 && budget.pressure == .high)
    part.set(to: 50_000 + MemoryBudget.step - 1, in: budget)
    #expect(budget.held == 50_000)
    part.set(to: 100_000, in: budget)
    #expect(budget.pressure == .full)
    part.set(to: 0, in: budget)
    #expect(budget.held == 0 && budget.pressure == .none)
  }

  @Test(arguments: Backend.allCases)
  func `HTTP/1 requests that have to wait get a 503 if memory is short`(_ backend: Backend) async throws {
    let (arrived, mayEnd) = (Gate(), Gate())
    try await withSetup(on: backend) { setup in
      try await setup.serving(
        options: Self.options(1),
        { _ in
          arrived.open()
          await mayEnd.wait()
          return .text("done")
        }
      ) { server in
        let (first, second) = (try await setup.client(of: server), try await setup.client(of: server))
        try await first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await arrived.wait()
        #expect(server.metrics.heldBytes == Workspace.heldLength)
        let refused = try await second.get("/")
        #expect(refused.status == 503 && refused["Connection"] == "close")
        try await second.expectEnd()
        mayEnd.open()
        #expect(try await first.readResponse().text == "done")
        first.stream.close()
        second.stream.close()
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `the memory of a connection is released when it ends`(_ backend: Backend) async throws {
    try await withSetup(on: backend) { setup in
      var server: TestServer?
      try await setup.serving(options: Self.options(1 << 30), { .text("\(try await $0.text().count)") }) { running in
        server = running
        let (http1, http2) = (try await setup.client(of: running), try await setup.http2Client(of: running))
        let content = [UInt8](repeating: 0x61, count: 200_000)
        try await http1.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n")
        try await http1.send(content)
        #expect(try await http1.readResponse().text == "200000")
        let stream = try await http2.send("POST", "/", ends: false)
        try await http2.send(content, on: stream, ends: true)
        #expect(try await http2.readResponse(on: stream).text == "200000")
        http1.stream.close()
        http2.stream.close()
      }
      #expect(server?.metrics.heldBytes == 0)
    }
  }

  @Test(arguments: Transport.allCases)
  func `collecting content fails with a 503 if memory is short`(_ transport: Transport) async throws {
    try await withHTTP2(over: transport, options: Self.options(40_000), handler: { .text(try await $0.text()) }) {
      client in
      let stream = try await client.send("POST", "/", ends: false)
      try await client.send([UInt8](repeating: 0x61, count: 60_000), on: stream)
      #expect(try await client.readHead(on: stream).status == 503)
    }
  }

  @Test(arguments: Transport.allCases)
  func `no memory is reserved for content that is only announced`(_ transport: Transport) async throws {
    let handler: @Sendable (Request) async throws -> Response = {
      .text("\(try await $0.body.collect(upTo: .max).count)")
    }
    try await withConnection(over: transport, handler: handler) { client in
      try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000000000\r\n\r\nabc")
      try await client.stream.shutdownWrite()
      #expect(try await client.readResponse().text.contains("incomplete"))
    }
  }
}
