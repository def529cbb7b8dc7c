import Runtime
import RuntimeHTTP
import RuntimeTestSupport
import RuntimeTesting

/// A server on a host of its own, and clients on others, who ask for all kinds of things at once.
struct Scenario: Sendable {
  enum Version: String, CaseIterable, Sendable { case http1, http2 }

  /// What a request asks for.
  enum Kind: CaseIterable, Sendable { case item, wait, big, echo }

  let version: Version
  let runtime: SimulatedRuntime
  let ledger = Ledger()
  let host: SimulatedRuntime
  let server: Server<SimulatedRuntime, Router>
  private let serving: Task<Void, any Error>

  init(_ version: Version, on runtime: SimulatedRuntime, options: ServerOptions = ServerOptions()) throws {
    let host = runtime.host()
    let server = try Server(
      runtime: host, address: .ipv4(host.address, port: 80), options: options,
      handler: Self.router(ledger, host.clock))
    self.version = version
    self.runtime = runtime
    self.host = host
    self.server = server
    serving = host.spawn { try await server.run() }
  }

  private static func router(_ ledger: Ledger, _ clock: SimulatedClock) -> Router {
    let sees: @Sendable (Request) throws -> Int = { request in
      guard let number = request.parameters["number"].flatMap({ Int($0) }) else { throw HTTPError(.badRequest) }
      ledger.handle(number)
      return number
    }
    var router = Router()
    router.get("/item/:number") { request in
      Response(body: .bytes(expected(.item, try sees(request))))
    }
    router.get("/wait/:number") { request in
      let number = try sees(request)
      try await clock.sleep(for: .milliseconds(.random(in: 0...2000)))
      return Response(body: .bytes(expected(.wait, number)))
    }
    router.get("/big/:number") { request in
      let number = try sees(request)
      return Response(
        body: .stream { writer in
          var rest = expected(.big, number)[...]
          while !rest.isEmpty {
            let piece = rest.prefix(.random(in: 1...9000))
            rest = rest.dropFirst(piece.count)
            try await writer.write(Array(piece))
            if Bool.random() { try await clock.sleep(for: .milliseconds(1)) }
          }
        })
    }
    router.post("/echo/:number") { request in
      _ = try sees(request)
      return Response(
        body: .stream(length: request.body.length) { writer in
          for try await chunk in request.body { try await writer.write(chunk) }
        })
    }
    return router
  }

  /// What the answer to a request has to be.
  static func expected(_ kind: Kind, _ number: Int) -> [UInt8] {
    switch kind {
    case .item, .wait: Array("\(kind) \(number)".utf8)
    case .big: (0..<20_000 + number * 37 % 30_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ number) }
    case .echo: content(of: number)
    }
  }

  /// What a request with content sends.
  static func content(of number: Int) -> [UInt8] {
    (0..<number * 1009 % 40_000).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ number) }
  }

  // MARK: Clients

  /// Has a client on a new host make `connections` connections with some requests each, and waits for all to end.
  func runClient(connections: Int, requests: Int) async throws {
    let client = runtime.host()
    let tasks = (0..<connections).map { _ in
      client.spawn { try await connect(client, requests: requests) }
    }
    for task in tasks { try await task.value }
  }

  private func connect(_ client: SimulatedRuntime, requests: Int) async throws {
    let stream: SimulatedStream
    do throws(IOError) {
      stream = try await client.connect(to: server.localAddress)
    } catch {
      return  // Refused, by a fault or by a server that has ended.
    }
    defer { stream.close() }
    switch version {
    case .http1: try await talkHTTP1(client, stream, requests)
    case .http2: try await talkHTTP2(stream, requests)
    }
  }

  private func talkHTTP1(_ client: SimulatedRuntime, _ stream: SimulatedStream, _ requests: Int) async throws {
    let plan = (0..<requests).map { _ in (ledger.next(), Kind.allCases.randomElement() ?? .item) }
    // Sends while it reads: the server answers a pipeline in order.
    let sender = client.spawn {
      for (number, kind) in plan {
        let content = kind == .echo ? Self.content(of: number) : []
        let method = kind == .echo ? "POST" : "GET"
        try await stream.write("\(method) /\(kind)/\(number) HTTP/1.1\r\nHost: sim\r\n")
        try await stream.write(kind == .echo ? "Content-Length: \(content.count)\r\n\r\n" : "\r\n")
        if !content.isEmpty { try await stream.write(content) }
        if Bool.random() { try await client.clock.sleep(for: .milliseconds(.random(in: 0...300))) }
      }
    }
    let reader = HTTPTestClient(stream)
    for (number, kind) in plan {
      guard let response = try? await reader.readResponse() else { break }
      guard response.status == 200 else { break }
      try ledger.answer(number, with: response.body, expecting: Self.expected(kind, number))
      if response["connection"] == "close" { break }
    }
    stream.close()
    _ = await sender.result
  }

  private func talkHTTP2(_ stream: SimulatedStream, _ requests: Int) async throws {
    let client = HTTP2TestClient(stream)
    var open: [(stream: UInt32, number: Int, kind: Kind)] = []
    do {
      try await client.start()
      for _ in 0..<requests {
        let (number, kind) = (ledger.next(), Kind.allCases.randomElement() ?? .item)
        let id = try await client.send(kind == .echo ? "POST" : "GET", "/\(kind)/\(number)", ends: kind != .echo)
        open.append((id, number, kind))
        if kind == .echo { try await client.send(Self.content(of: number), on: id, ends: true) }
        if Bool.random() { try await runtime.clock.sleep(for: .milliseconds(.random(in: 0...300))) }
      }
    } catch is IOError {
      // What has come before that is read all the same.
    } catch is TestClientError {
    }
    for (id, number, kind) in open {
      do {
        let response = try await client.readResponse(on: id)
        guard response.status == 200 else { continue }
        try ledger.answer(number, with: response.body, expecting: Self.expected(kind, number))
      } catch is TestStreamError {
      } catch is IOError {
      } catch is TestClientError {
      }
    }
  }

  // MARK: The end

  /// Shuts the server down and checks that nothing is left of anything.
  func finish(losesNothing: Bool) async throws {
    await server.shutdown()
    try await serving.value
    try ledger.check(losesNothing: losesNothing)
    try expect(server.metrics.openConnections == 0, "connections are open: \(server.metrics)")
    try expect(server.metrics.requestsInFlight == 0, "requests are in flight: \(server.metrics)")
    // What was on its way when both ends were closed arrives first.
    try await runtime.clock.sleep(for: .seconds(30))
    let inventory = runtime.inventory
    let isEmpty =
      inventory.tasks == 0 && inventory.listeners == 0 && inventory.streams == 0 && inventory.unreadBytes == 0
      && inventory.timers == 0 && inventory.waits.isEmpty
    try expect(isEmpty, "something is left: \(inventory)")
  }

  private func expect(_ condition: Bool, _ otherwise: @autoclosure () -> String) throws {
    if !condition { throw Ledger.Wrong(otherwise()) }
  }
}
