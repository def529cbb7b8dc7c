import Runtime
import RuntimeHTTP
import RuntimeSimulation
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// The flow-control windows of HTTP/2: the server gives back everything that it takes and no more, and takes no more
/// than it is given. The client itself checks that the server respects the client's windows.
@Suite(.timeLimit(.minutes(10))) struct WindowSimulationTests {
  private typealias Client = HTTP2TestClient<SimulatedStream>

  /// The window of the connection, and the most unread content that it buffers.
  private static let window = 128 * 1024

  /// What happens to content that a client sends.
  enum Fate: CaseIterable {
    case read, readLate, collected, answeredUnread, resetUnread, resetByClient, padding, late, tooMuch, behindEnd
  }

  @Test(arguments: Fate.allCases)
  func `The connection's window is given back, whatever becomes of the content`(fate: Fate) async throws {
    try await serve { runtime, client in
      // The first answer comes after the server's settings and its initial window.
      _ = try await client.get("/quick")
      try expect(client.connectionWindow == Self.window, "it begins with \(client.connectionWindow) bytes")
      var unseen = 0
      for _ in 0..<5 { unseen += try await Self.upload(fate, client, runtime) }
      try await runtime.clock.sleep(for: .seconds(10))
      // When this is answered, the server has taken in everything before it.
      try expect(try await client.get("/quick").status == 204, "wrong response")
      let left = client.connectionWindow - unseen
      try expect(left >= Self.window / 2 && left <= Self.window, "\(left) of \(Self.window) bytes are left")
    }
  }

  /// Sends content on three streams at once.
  ///
  /// - Returns: the number of bytes that were sent without the client's own accounting.
  private static func upload(_ fate: Fate, _ client: Client, _ runtime: SimulatedRuntime) async throws -> Int {
    let path =
      switch fate {
      case .read, .padding: "/count"
      case .readLate, .resetByClient, .tooMuch, .behindEnd: "/late"
      case .collected: "/collect"
      case .answeredUnread: "/refuse"
      case .resetUnread, .late: "/fail"
      }
    var unseen = 0
    var streams: [UInt32] = []
    for _ in 0..<3 {
      let fields = fate == .tooMuch ? [("content-length", "10")] : []
      let stream = try await client.send("POST", path, fields, ends: fate == .behindEnd)
      streams.append(stream)
      switch fate {
      case .padding:
        for _ in 0..<100 {
          let payload = [255, 1] + [UInt8](repeating: 0, count: 255)
          try await client.stream.write(Client.frame(0, flags: 8, stream: stream, payload: payload))
          unseen += payload.count
        }
        try await client.send([], on: stream, ends: true)
      case .late:
        // The server has reset the stream when this content arrives.
        try await client.send([1], on: stream)
        _ = try await client.readReset(on: stream)
        unseen += try await sendUnseen(on: stream, client)
      case .tooMuch, .behindEnd:
        unseen += try await sendUnseen(on: stream, client)
        let code = try await client.readReset(on: stream)
        try expect(code == (fate == .tooMuch ? 1 : 5), "the stream ended with \(code)")
      default:
        try await client.send([UInt8](repeating: 1, count: 50_000), on: stream, ends: fate != .resetByClient)
        if fate == .resetByClient { try await client.reset(stream) }
      }
    }
    for stream in streams where ![.late, .resetByClient, .tooMuch, .behindEnd].contains(fate) {
      do {
        let response = try await client.readResponse(on: stream)
        try expect(response.status == 200, "the status was \(response.status)")
      } catch is TestStreamError where fate == .resetUnread {}
    }
    return unseen
  }

  /// Sends content without the client's own accounting, and returns its length.
  private static func sendUnseen(on stream: UInt32, _ client: Client) async throws -> Int {
    let content = [UInt8](repeating: 1, count: 10_000)
    try await client.stream.write(Client.frame(0, stream: stream, payload: content))
    return content.count
  }

  @Test func `What was written of a response goes out before the client is told that it is broken off`() async throws {
    try await serve(settings: [(4, 5)]) { runtime, client in
      _ = try await client.get("/quick")
      client.opensWindows = false
      let stream = try await client.send("GET", "/broken")
      while client.body(on: stream).count < 5 { try await client.readFrame() }
      try await runtime.clock.sleep(for: .seconds(5))
      try await client.openWindow(of: stream, by: 100)
      let code = try await client.readReset(on: stream)
      try expect(code == 2, "the stream ended with \(code)")
      let text = String(decoding: client.body(on: stream), as: UTF8.self)
      try expect(text == "hello there", "before that came \(text)")
    }
  }

  @Test func `A setting that makes a window smaller than what was sent holds the stream up until it is opened`()
    async throws
  {
    try await serve(settings: [(4, 60_000)]) { runtime, client in
      _ = try await client.get("/quick")
      client.opensWindows = false
      let streams = [try await client.send("GET", "/large"), try await client.send("GET", "/stream")]
      // The connection's window is used up, but those of the streams are not: the streams are queued.
      while streams.reduce(0, { $0 + client.body(on: $1).count }) < 65_535 { try await client.readFrame() }
      let counts = streams.map { client.body(on: $0).count }
      for window in [3000, 20_000, 3000] as [UInt32] {
        let payload = [0, 4] + (0..<4).map { UInt8(truncatingIfNeeded: window >> (24 - 8 * $0)) }
        try await client.stream.write(Client.frame(4, payload: payload))
        try await runtime.clock.sleep(for: .seconds(1))
      }
      try await client.openWindow(of: 0, by: 200_000)
      _ = try await client.get("/quick")
      try expect(streams.map { client.body(on: $0).count } == counts, "content came beyond the window")
      for stream in streams { try await client.openWindow(of: stream, by: 200_000) }
      for stream in streams {
        let body = try await client.readResponse(on: stream).body
        try expect(body == [UInt8](repeating: 7, count: Self.largeLength), "\(body.count) bytes came")
      }
    }
  }

  @Test func `Content goes as far as the client's windows, and on when they open`() async throws {
    try await serve(settings: [(4, 5)]) { runtime, client in
      _ = try await client.get("/quick")
      client.opensWindows = false
      let streams = [
        try await client.send("GET", "/short"), try await client.send("GET", "/large"),
        try await client.send("GET", "/stream"),
      ]
      let lengths = [11, Self.largeLength, Self.largeLength]
      var granted = [5, 5, 5]
      while granted != lengths {
        for (index, stream) in streams.enumerated() where granted[index] < lengths[index] {
          while client.body(on: stream).count < granted[index] { try await client.readFrame() }
          let increment = min(lengths[index] - granted[index], .random(in: 1...20_000))
          try await client.openWindow(of: stream, by: increment)
          try await client.openWindow(of: 0, by: increment)
          granted[index] += increment
        }
        try await runtime.clock.sleep(for: .milliseconds(.random(in: 0...1000)))
      }
      try expect(try await client.readResponse(on: streams[0]).text == "hello there", "wrong response")
      for stream in streams.dropFirst() {
        let body = try await client.readResponse(on: stream).body
        try expect(body == [UInt8](repeating: 7, count: Self.largeLength), "\(body.count) bytes came")
      }
    }
  }

  @Test func `Content of all streams together goes as far as the connection's window`() async throws {
    try await serve(settings: [(4, 1 << 20)]) { runtime, client in
      _ = try await client.get("/quick")
      client.opensWindows = false
      let streams = [try await client.send("GET", "/large"), try await client.send("GET", "/stream")]
      var granted = 65_535
      while granted < 2 * Self.largeLength {
        while streams.reduce(0, { $0 + client.body(on: $1).count }) < granted { try await client.readFrame() }
        try await runtime.clock.sleep(for: .seconds(5))
        try await client.openWindow(of: 0, by: 20_000)
        granted += 20_000
      }
      for stream in streams {
        let body = try await client.readResponse(on: stream).body
        try expect(body == [UInt8](repeating: 7, count: Self.largeLength), "\(body.count) bytes came")
      }
    }
  }

  private static let largeLength = 100_000

  private func serve(
    settings: [(name: UInt16, value: UInt32)] = [],
    _ body: @escaping @Sendable (SimulatedRuntime, HTTP2TestClient<SimulatedStream>) async throws -> Void
  ) async throws {
    try await simulate(seeds: Seeds.few, faults: .calm) { runtime in
      let host = runtime.host()
      var options = ServerOptions()
      // Keeps the windows from growing, so that their sizes are known.
      options.http2.maximumStreamWindow = options.http2.initialStreamWindow
      (options.http2.initialConnectionWindow, options.http2.maximumUnreadLength) = (Self.window, Self.window)
      options.log = { _ in }
      struct Broken: Error {}
      let large = [UInt8](repeating: 7, count: Self.largeLength)
      var router = Router()
      router.get("/quick") { _ in Response(status: .noContent) }
      router.get("/short") { _ in .text("hello there") }
      router.get("/large") { _ in Response(body: .bytes(large)) }
      router.get("/stream") { _ in streamed(large) }
      router.get("/broken") { _ in
        Response(
          body: .stream { writer in
            try await writer.write("hello there")
            throw Broken()
          })
      }
      let count: @Sendable (Request) async throws -> Response = { request in
        var count = 0
        for try await chunk in request.body { count += chunk.count }
        return .text("\(count)")
      }
      router.post("/count", count)
      router.post("/late") { request in
        try await host.clock.sleep(for: .seconds(5))
        return try await count(request)
      }
      router.post("/collect") { request in .text("\(try await request.body.collect(upTo: 1_000_000).count)") }
      router.post("/refuse") { _ in .text("refused") }
      router.post("/fail") { request in
        for try await _ in request.body { break }
        return Response(
          body: .stream { writer in
            try await writer.write("begun")
            throw Broken()
          })
      }
      try await serving(on: host, in: runtime, router, options) { server, _ in
        let client = HTTP2TestClient(try await runtime.connect(to: server.localAddress))
        try await client.start(settings)
        try await body(runtime, client)
        client.stream.close()
      }
    }
  }
}
