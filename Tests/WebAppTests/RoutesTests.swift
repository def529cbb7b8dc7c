import Runtime
import RuntimeHTTP
import RuntimeTestSupport
import RuntimeTesting
import Synchronization
import Testing

@testable import WebApp

/// Each route, served by `serveConnection` on a stream in memory, without sockets.
@Suite struct RoutesTests {
  @Test func `The hello page names runtime and workers, and loads no other resources`() async throws {
    try await withClient { client in
      let page = try await client.get("/")
      #expect(page.status == 200)
      #expect(page["Content-Type"] == "text/html; charset=utf-8")
      #expect(page.text.contains("<em>custom</em>"))
      #expect(page.text.contains("<strong>2 workers</strong>"))
      #expect(page.text.contains("RUNTIME=dispatch swift run -c release WebApp"))
      #expect(page.text.contains("aria-current=\"true\""))
      for attribute in ["src=\"", "href=\"http", "<script", "@import"] { #expect(!page.text.contains(attribute)) }
      #expect(page["Content-Security-Policy"]?.hasPrefix("default-src 'none'") == true)
    }
  }

  @Test func `An unknown path gets an error page that escapes it`() async throws {
    try await withClient { client in
      let page = try await client.get("/no'such&path")
      #expect(page.status == 404)
      #expect(page["Content-Type"] == "text/html; charset=utf-8")
      #expect(page.text.contains("<code>/no&#39;such&amp;path</code>"))
      let long = try await client.get("/" + String(repeating: "x", count: 5000))
      #expect(!long.text.contains(String(repeating: "x", count: 200)))
      #expect(try await client.request("HEAD", "/none").body == [])
    }
  }

  @Test(arguments: ["/sleep", "/block", "/stall"])
  func `A wait lasts as requested, and then returns the hello page`(path: String) async throws {
    try await withClient(isDemo: true) { client in
      let elapsed = try await ContinuousClock().measure {
        let page = try await client.get("\(path)?ms=20")
        #expect(page.status == 200 && page.text.contains("<em>custom</em>") && page.text.contains("role=\"status\""))
      }
      #expect(elapsed >= .milliseconds(20))
      #expect(try await client.get("\(path)?ms=0").status == 200)
    }
  }

  @Test(
    arguments: ["/sleep", "/block", "/stall", "/stream"], ["", "x", "-1", "+1", "1.5", "60001", "99999999999999999999"])
  func `A wait out of bounds is refused, and the error names the bounds`(path: String, value: String) async throws {
    try await withClient(isDemo: true) { client in
      let response = try await client.get("\(path)?ms=\(PercentEncoding.encode(value))")
      #expect(response.status == 400)
      #expect(response.text.contains("?ms: \"\(value)\" is not a whole number from 0 to 60000"))
      #expect(try await client.get("/healthz").status == 200)
    }
  }

  @Test func `Stalling is forbidden unless it is enabled`() async throws {
    try await withClient { client in
      let page = try await client.get("/stall?ms=60000")
      #expect(page.status == 403)
      #expect(page.text.contains("--demo"))
    }
  }

  @Test(arguments: ["/fail", "/trap", "/work"])
  func `Harmful routes are forbidden unless they are enabled`(path: String) async throws {
    try await withClient { client in
      let page = try await client.get(path)
      #expect(page.status == 403)
      #expect(page.text.contains("--demo"))
    }
  }

  @Test func `Work takes as long as requested`() async throws {
    try await withClient(isDemo: true) { client in
      let elapsed = try await ContinuousClock().measure {
        let response = try await client.get("/work?us=5000")
        #expect(response.text == "done\n")
      }
      #expect(elapsed >= .milliseconds(5))
      #expect(try await client.get("/work?us=1000001").status == 400)
    }
  }

  @Test(arguments: ["GET", "HEAD"])
  func `The body of plaintext is Hello, World! and nothing else`(method: String) async throws {
    try await withClient { client in
      let response = try await client.request(method, "/plaintext")
      #expect(response.status == 200)
      #expect(response["Content-Type"] == "text/plain; charset=utf-8")
      #expect(response["Content-Length"] == "13")
      #expect(response.text == (method == "GET" ? "Hello, World!" : ""))
    }
  }

  @Test func `The headers route shows the request as received`() async throws {
    try await withClient { client in
      let response = try await client.get("/headers?a=%20b", "X-Custom: one", "x-custom:  two ")
      #expect(
        response.text == "GET /headers?a=%20b HTTP/1.1\nHost: localhost\nX-Custom: one\nx-custom: two\n")
    }
  }

  @Test func echoSendsBackContentAndContentType() async throws {
    try await withClient { client in
      try await client.send(
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: a/b\r\nContent-Length: 5\r\n\r\nhello")
      let whole = try await client.readResponse()
      #expect(whole.text == "hello" && whole["Content-Type"] == "a/b" && whole["Content-Length"] == "5")
      try await client.send(
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
      let chunked = try await client.readResponse()
      #expect(chunked.text == "abcde" && chunked["Content-Type"] == "application/octet-stream")
      #expect(chunked["Transfer-Encoding"] == "chunked")
      #expect(try await client.get("/echo").status == 405)
    }
  }

  @Test func `A whole echo starts after the end of the request, and has a limit`() async throws {
    let content = [UInt8](repeating: 7, count: 4 << 20)
    try await withClient(capacity: 4096) { client in
      // The client reads nothing before it has sent everything.
      try await client.send("POST /echo/whole HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(content.count)\r\n\r\n")
      try await client.send(content)
      #expect(try await client.readResponse().body == content)
      try await client.send("POST /echo/whole HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(17 << 20)\r\n\r\n")
      #expect(try await client.readResponse().status == 413)
    }
  }

  @Test func `An echo holds no more than the capacity of the streams`() async throws {
    let size = 8 << 20
    try await withClient(capacity: 4096) { client in
      let stream = client.stream
      async let sending: Void = {
        try await stream.write("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(size)\r\n\r\n")
        let block = [UInt8](repeating: 7, count: 1 << 16)
        for _ in 0..<size / block.count { try await stream.write(block) }
      }()
      let head = try await client.readHead()
      #expect(head["Content-Length"] == "\(size)")
      #expect(try await client.readExactly(size).allSatisfy { $0 == 7 })
      try await sending
    }
  }

  @Test(arguments: [0, 1, 65_535, 65_536, 65_537, 1_000_000])
  func `The bytes route sends as many bytes as requested`(count: Int) async throws {
    try await withClient { client in
      let response = try await client.get("/bytes?count=\(count)")
      #expect(response["Content-Length"] == "\(count)" && response["Content-Type"] == "application/octet-stream")
      #expect(response.body == [UInt8](repeating: UInt8(ascii: "."), count: count))
      #expect(try await client.get("/bytes?count=1000000001").status == 400)
    }
  }

  @Test func `The stream route sends each event at once, up to a count`() async throws {
    // Without a buffer in the stream, an event that the server holds back would never arrive.
    try await withClient(capacity: 0) { client in
      try await client.send("GET /stream?count=3&ms=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
      let head = try await client.readHead()
      #expect(head["Content-Type"] == "text/event-stream")
      for tick in 1...3 {
        let event = try await client.readChunk().map { String(decoding: $0, as: UTF8.self) }
        #expect(event == "id: \(tick)\nevent: tick\ndata: {\"tick\":\(tick),\"runtime\":\"custom\"}\n\n")
      }
      #expect(try await client.readChunk() == nil)
    }
  }

  @Test func `An endless stream ends when the client disconnects`() async throws {
    try await withClient { client in
      try await client.send("GET /stream?ms=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
      _ = try await client.readHead()
      _ = try await client.readChunk()
      // `withClient` closes the stream, and waits for the server to end.
    }
  }

  @Test func anEndlessStreamEndsWhenTheServerStops() async throws {
    try await withClient { client, app in
      try await client.send("GET /stream?ms=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
      _ = try await client.readHead()
      _ = try await client.readChunk()
      app.stop()
      while try await client.readChunk() != nil {}
    }
  }

  @Test(arguments: [
    "text/html", "TEXT/HTML; charset=utf-8", "application/xhtml+xml", "image/svg+xml", "text/xml", "application/xml",
    "multipart/x-mixed-replace; boundary=x", "text/plain, text/html", "nonsense",
  ])
  func echoSendsNothingBackThatABrowserMightRun(type: String) async throws {
    try await withClient { client in
      try await client.send(
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: \(type)\r\nContent-Length: 1\r\n\r\n<")
      let response = try await client.readResponse()
      #expect(response.text == "<" && response["Content-Type"] == "application/octet-stream")
      #expect(response["Content-Security-Policy"]?.contains("sandbox") == true)
    }
  }

  @Test(arguments: [
    "GET /", "GET /sleep?ms=0", "GET /sleep?ms=<script>", "GET /block?ms=0", "GET /stall", "GET /work", "GET /fail",
    "GET /trap", "POST /echo", "GET /headers", "GET /stream?count=1", "GET /bytes?count=1", "GET /runtime",
    "GET /healthz", "GET /plaintext",
    "GET /favicon.ico", "GET /nowhere", "PUT /", "OPTIONS /", "BREW /", "HEAD /",
  ])
  func noResponseIsTakenForWhatItLooksLike(request: String) async throws {
    try await withClient { client in
      let parts = request.split(separator: " ").map(String.init)
      let response = try await client.request(parts[0], parts[1], parts[0] == "POST" ? "Content-Length: 0" : "X: y")
      #expect(response["X-Content-Type-Options"] == "nosniff")
    }
  }

  @Test func `The health check is plain text, and the icon is empty`() async throws {
    try await withClient { client in
      let health = try await client.get("/healthz")
      #expect(health.text == "ok\n")
      let icon = try await client.get("/favicon.ico")
      #expect(icon.status == 204)
    }
  }

  @Test func runtimeIsJSON() async throws {
    try await withClient { client in
      let response = try await client.get("/runtime")
      #expect(response["Content-Type"] == "application/json")
      for part in [
        "\"runtime\": \"custom\"", "\"workers\": 2", "\"connections\": {\"open\": 0", "\"requests\": {\"inFlight\": 0",
        "\"tasks\": ", "\"queueDepths\": [", "\"blocking\": {\"threads\": ",
      ] { #expect(response.text.contains(part)) }
    }
  }

  @Test func `OPTIONS lists the methods of a path`() async throws {
    try await withClient { client in
      let echo = try await client.request("OPTIONS", "/echo")
      #expect(echo["Allow"] == "POST, OPTIONS")
      let all = try await client.request("OPTIONS", "*")
      #expect(all["Allow"] == "GET, HEAD, POST, OPTIONS")
    }
  }

  @Test(arguments: ["&<>\"'", "plain", ""])
  func htmlIsEscaped(text: String) {
    #expect(escaped(text) == (text.contains("&") ? "&amp;&lt;&gt;&quot;&#39;" : text))
  }

  @Test func `Metrics and the console are served only on request`() async throws {
    for views in [[], .metrics, .console, [.metrics, .console]] as [WebAppViews] {
      try await Backend.custom.withRuntime { runtime in
        let router = makeRouter(runtime, views)
        for (path, view) in [
          ("/metrics", WebAppViews.metrics), ("/console", .console), ("/console/snapshot", .console),
        ] {
          var request = Request(target: path, headers: ["Host": "localhost"])
          request.remoteAddress = .loopback(port: 1)
          let response = await router.response(to: request)
          #expect(response.status == (views.contains(view) ? .ok : .notFound))
        }
        let page = await router.response(to: Request(target: "/"))
        let text = String(decoding: try await page.body.collect(upTo: 1 << 20), as: UTF8.self)
        #expect(text.contains("<code>--console</code>") == !views.contains(.console))
        #expect(text.contains("<code>--metrics</code>") == !views.contains(.metrics))
      }
    }
  }

  private func makeRouter(_ runtime: some AsyncRuntime, _ views: WebAppViews) -> Router {
    WebApp(runtime: runtime, views: views).router
  }

  // MARK: -

  /// Serves the app on one end of a stream in memory while `body` has a client at the other. Afterwards it closes the
  /// client's end, and waits for the server to end.
  private func withClient(
    isDemo: Bool = false, capacity: Int = 64 * 1024,
    _ body: (HTTPTestClient<MemoryStream>) async throws -> Void
  ) async throws {
    try await withClient(isDemo: isDemo, capacity: capacity) { client, _ in try await body(client) }
  }

  private func withClient(
    isDemo: Bool = false, capacity: Int = 64 * 1024,
    _ body: (HTTPTestClient<MemoryStream>, Stopping) async throws -> Void
  ) async throws {
    try await Backend.custom.withRuntime { runtime in
      try await serve(on: runtime, isDemo: isDemo, capacity: capacity, body)
    }
  }

  /// A stop function, for the app.
  private struct Stopping { let stop: () -> Void }

  private func serve(
    on runtime: some AsyncRuntime, isDemo: Bool, capacity: Int,
    _ body: (HTTPTestClient<MemoryStream>, Stopping) async throws -> Void
  ) async throws {
    let app = WebApp(runtime: runtime, isDemo: isDemo)
    let (near, far) = MemoryStream.pair(capacity: capacity)
    let serving = runtime.spawn {
      await serveConnection(far, clock: runtime.clock, options: .patient, handler: app.router)
    }
    do {
      try await body(HTTPTestClient(near), Stopping(stop: app.isStopping.set))
    } catch {
      near.close()
      throw error
    }
    near.close()
    try await serving.value
  }
}
