import Runtime
import RuntimeHTTP
import RuntimeSimulation
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// Requests that handlers keep. Their memory must not be used for the next request while a handler has them.
///
/// The routes have no parameters, because a router copies a request with parameters.
struct KeptRequestSimulationTests {
  private static let count = 20

  @Test(arguments: [Scenario.Version.http1, .http2])
  func `A request that has been kept stays what it was`(version: Scenario.Version) async throws {
    try await simulate(seeds: Seeds.few, faults: .calm) { runtime in
      let host = runtime.host()
      let kept = Recorder<(request: Request, target: String, field: String?, body: String)>()
      var router = Router()
      router.get("/plain") { request in
        kept.record((request, request.target, request.headers["X-Number"], ""))
        return .text("kept")
      }
      router.get("/waiting") { request in
        kept.record((request, request.target, request.headers["X-Number"], ""))
        try await host.clock.sleep(for: .milliseconds(1))
        return .text("kept")
      }
      router.post("/content") { request in
        let body = try await request.body.collect(upTo: 1000)
        kept.record((request, request.target, request.headers["X-Number"], String(decoding: body, as: UTF8.self)))
        return .text("kept")
      }
      try await serving(on: host, in: runtime, router) { server, _ in
        // The second connection gets the memory of the first.
        for _ in 0..<2 {
          let stream = try await runtime.connect(to: server.localAddress)
          switch version {
          case .http2: try await Self.talkHTTP2(HTTP2TestClient(stream))
          default: try await Self.talkHTTP1(HTTPTestClient(stream))
          }
          stream.close()
        }
      }
      let all = kept.elements
      try expect(all.count == 2 * 3 * Self.count, "\(all.count) requests have come")
      for (number, (request, target, field, _)) in all.enumerated() {
        try expect(request.target == target, "request \(number) was for \(target), and is for \(request.target)")
        try expect(request.headers["X-Number"] == field, "request \(number) has other fields than it had")
        try expect(field == target.split(separator: "?").last.map(String.init), "request \(number) came as another")
      }
    }
  }

  @Test func `A request that no handler has kept leaves nothing of its content to the next`() async throws {
    try await simulate(seeds: Seeds.few, faults: .calm) { runtime in
      let host = runtime.host()
      var router = Router()
      let count: @Sendable (Request) async throws -> Response = { request in
        .text("\(request.body.length ?? -1) \(try await request.body.collect(upTo: 1000).count)")
      }
      router.post("/", count)
      router.get("/", count)
      try await serving(on: host, in: runtime, router) { server, _ in
        let client = HTTPTestClient(try await runtime.connect(to: server.localAddress))
        for _ in 0..<5 {
          try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")
          try expect(try await client.readResponse().text == "2 2", "the content was other content")
          try expect(try await client.get("/").text == "0 0", "there was content where none was sent")
        }
        client.stream.close()
      }
    }
  }

  private static func talkHTTP1(_ client: HTTPTestClient<SimulatedStream>) async throws {
    for number in 0..<count {
      // In one pipeline, so that each request is decoded as early as possible.
      try await client.send(
        "GET /plain?\(number) HTTP/1.1\r\nHost: a\r\nX-Number: \(number)\r\n\r\n"
          + "GET /waiting?\(number) HTTP/1.1\r\nHost: a\r\nX-Number: \(number)\r\n\r\n"
          + "POST /content?\(number) HTTP/1.1\r\nHost: a\r\nX-Number: \(number)\r\nContent-Length: 2\r\n\r\nhi")
      for _ in 0..<3 { try expect(try await client.readResponse().text == "kept", "wrong response") }
    }
  }

  private static func talkHTTP2(_ client: HTTP2TestClient<SimulatedStream>) async throws {
    try await client.start()
    for number in 0..<count {
      let field = [("x-number", "\(number)")]
      try expect(try await client.request("GET", "/plain?\(number)", field).text == "kept", "wrong response")
      try expect(try await client.request("GET", "/waiting?\(number)", field).text == "kept", "wrong response")
      let stream = try await client.send("POST", "/content?\(number)", field, ends: false)
      try await client.send(Array("hi".utf8), on: stream, ends: true)
      try expect(try await client.readResponse(on: stream).text == "kept", "wrong response")
    }
  }
}
