import Runtime
import RuntimeHTTP
import RuntimeSimulation
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// The upgrade from HTTP/1 to HTTP/2, wherever the client's data is split.
struct UpgradeSimulationTests {
  private static let preface =
    Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + HTTP2TestClient<SimulatedStream>.frame(4)

  private static let request =
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    + "HTTP2-Settings: AAMAAABk\r\n\r\n"

  @Test func `The settings that come with an upgrade count for its answer`() async throws {
    try await simulate(seeds: 1...3, faults: .calm) { runtime in
      let host = runtime.host()
      var router = Router()
      router.get("/") { _ in .text("hello there") }
      router.get("/short") { _ in .text("hi") }
      try await serving(on: host, in: runtime, router) { server, _ in
        let stream = try await runtime.connect(to: server.localAddress)
        // An initial window of 5.
        let request = Self.request.replacing("AAMAAABk", with: "AAQAAAAF")
        try await stream.write(Array(request.utf8) + Self.preface)
        let reader = HTTPTestClient(stream)
        try expect(try await reader.readHead().status == 101, "there was no upgrade to HTTP/2")
        let client = HTTP2TestClient(stream, after: reader)
        try expect(try await client.get("/short").text == "hi", "wrong response")
        let count = client.body(on: 1).count
        try expect(count == 5, "\(count) bytes came")
        try await client.openWindow(of: 1, by: 6)
        try expect(try await client.readResponse(on: 1).text == "hello there", "wrong response")
        stream.close()
      }
    }
  }

  @Test func `What comes behind a request is the protocol's that follows, however little it reads at once`()
    async throws
  {
    try await simulate(seeds: 1...3, faults: .calm) { runtime in
      let host = runtime.host()
      var router = Router()
      router.upgrade("/echo") { _ in
        .upgrade(to: "echo") { stream in
          var count = 0
          while count < 8 {
            let some = try await stream.read(upTo: 3)
            if some.isEmpty { break }
            count += some.count
            try await stream.write(some)
          }
        }
      }
      try await serving(on: host, in: runtime, router) { server, _ in
        let client = HTTPTestClient(try await runtime.connect(to: server.localAddress))
        try await client.send(
          "GET /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nabcdefgh")
        try expect(try await client.readHead().status == 101, "there was no upgrade")
        let echo = String(decoding: try await client.readToEnd(), as: UTF8.self)
        try expect(echo == "abcdefgh", "it said \(echo)")
        client.stream.close()
      }
    }
  }

  @Test func `A tunnel through HTTP/2 ends as its protocol ends, properly or not`() async throws {
    try await simulate(seeds: 1...3, faults: .calm) { runtime in
      let host = runtime.host()
      var router = Router()
      struct Broken: Error {}
      router.upgrade("/talk/:end") { request in
        let isBroken = request.parameters["end"] == "badly"
        return .upgrade(to: "talk") { stream in
          while case let bytes = try await stream.read(), !bytes.isEmpty { try await stream.write(bytes) }
          if isBroken { throw Broken() }
        }
      }
      var options = ServerOptions()
      options.log = { _ in }
      try await serving(on: host, in: runtime, router, options) { server, _ in
        let client = HTTP2TestClient(try await runtime.connect(to: server.localAddress))
        try await client.start()
        for end in ["well", "badly"] {
          let stream = try await client.send("CONNECT", "/talk/\(end)", [(":protocol", "talk")], ends: false)
          try await client.send(Array("hello".utf8), on: stream)
          while client.body(on: stream).count < 5 { try await client.readFrame() }
          try await client.send([], on: stream, ends: true)
          if end == "well" {
            try expect(try await client.readResponse(on: stream).text == "hello", "wrong response")
          } else {
            let code = try await client.readReset(on: stream)
            try expect(code == 10, "the stream ended with \(code)")
          }
        }
        client.stream.close()
      }
    }
  }

  @Test func `Any part of the preface may arrive with the upgrade request`() async throws {
    try await simulate(seeds: 1...3, faults: .calm) { runtime in
      let host = runtime.host()
      var router = Router()
      router.get("/") { _ in .text("hello") }
      try await serving(on: host, in: runtime, router) { server, _ in
        for length in 0...Self.preface.count {
          let stream = try await runtime.connect(to: server.localAddress)
          try await stream.write(Array(Self.request.utf8) + Self.preface.prefix(length))
          try await runtime.clock.sleep(for: .seconds(5))
          if length < Self.preface.count { try await stream.write(Array(Self.preface.dropFirst(length))) }
          let reader = HTTPTestClient(stream)
          try expect(try await reader.readHead().status == 101, "there was no upgrade to HTTP/2")
          let client = HTTP2TestClient(stream, after: reader)
          try expect(try await client.readResponse(on: 1).text == "hello", "\(length): wrong response")
          try expect(try await client.get("/").text == "hello", "\(length): wrong response")
          try expect(client.settingsAreAcknowledged, "\(length): the settings were not acknowledged")
          stream.close()
        }
      }
    }
  }
}
