import Runtime
import RuntimeTestSupport
import Testing

@testable import RuntimeHTTP

@Suite(.timeLimit(.minutes(10))) struct RequestIDTests {
  @Test(arguments: [
    "a", "0", "5f0c6a1b-2d3e-4f50-8a9b-0c1d2e3f4a5b", "Root=1-67891233-abcdef", "a.b_c/d+e:f@g=",
    String(repeating: "x", count: 128),
  ])
  func `a well-formed ID of the client is used`(text: String) {
    #expect(Request(target: "/", headers: ["x-request-id": text]).requestID == text)
    #expect(Request(target: "/", headers: ["Host": "a", "X-Request-ID": text, "X-Request-Id": "b"]).requestID == text)
  }

  @Test(arguments: [
    "", " ", "a b", "a\tb", "a\"b", "a\\b", "a\u{1B}[2J", "é", "a;b", "$(a)", "<a>", "{a}", "a,b",
    String(repeating: "x", count: 129),
  ])
  func `a malformed ID is replaced by a new one`(text: String) throws {
    let id = Request(target: "/", headers: ["X-Request-Id": text, "X-Request-Idx": "c"]).requestID
    #expect(id.wholeMatch(of: /[0-9a-f]{12}-[0-9a-f]+-[0-9a-f]+/) != nil, "\(id)")
  }

  @Test func `requests have different IDs, and copies have the same`() {
    let request = Request(target: "/")
    var copy = request
    copy.headers["A"] = "b"
    copy.remoteAddress = .loopback(port: 1)
    #expect(copy.requestID == request.requestID)
    copy = request
    copy.remoteAddress = .loopback(port: 1)
    #expect(request.requestID == copy.requestID)
    #expect(Set((0..<100).map { _ in Request(target: "/").requestID }).count == 100)
    let (connection, number) = (UInt32.max, UInt32(0x10))
    var bytes = ByteBuffer(capacity: 0)
    RequestIdentity(connection: connection, request: number).append(to: &bytes)
    #expect(String(decoding: bytes.contents, as: UTF8.self).hasSuffix("-ffffffff-10"))
  }

  @Test(arguments: Backend.allCases)
  func `handlers, observers and the log see the same ID of a request`(_ backend: Backend) async throws {
    struct Bug: Error {}
    let (log, told, seen) = (Log(), Recorder<String>(), Recorder<String>())
    var options = log.options
    options.observers = [Observer(told: told)]
    try await withSetup(on: backend) { setup in
      let serve: @Sendable (Request) async throws -> Response = { request in
        seen.record(request.requestID)
        _ = try await request.text()
        var request = request
        request.headers["Changed"] = "yes"
        seen.record(request.requestID)
        throw Bug()
      }
      try await setup.serving(options: options, serve) { server in
        let (http1, http2) = (try await setup.client(of: server), try await setup.http2Client(of: server))
        for _ in 0..<2 {
          #expect(try await http1.get("/").status == 500)
          #expect(try await http1.request("POST", "/", "Content-Length: 0").status == 500)
          #expect(try await http2.get("/").status == 500)
        }
        #expect(try await http1.get("/", "X-Request-Id: of-mine").status == 500)
        http1.stream.close()
        http2.stream.close()
      }
    }
    let ids = seen.elements
    #expect(ids.count == 14 && Set(ids).count == 7 && ids.suffix(2) == ["of-mine", "of-mine"])
    #expect(log.events.map { $0.context?.request } == stride(from: 0, to: 14, by: 2).map { ids[$0] })
    #expect(Set(told.elements) == Set(ids) && told.elements.count == 7)
    #expect(log.events.allSatisfy { $0.level == .error && ["GET", "POST"].contains($0.context?.method) })
  }

  @Test func `the log has the route too`() async throws {
    struct Bug: Error {}
    let log = Log()
    var router = Router()
    router.get("/users/:id") { (_: Request) async throws -> Response in throw Bug() }
    router.get("/broken") { (_: Request) throws -> Response in
      Response(
        body: .stream { writer in
          try await writer.write("some")
          throw Bug()
        })
    }
    router.get("/now/:id") { (_: Request) throws -> Response in throw Bug() }
    try await withConnection(over: .whole, options: log.options, handler: router) { client in
      for path in ["/users/7", "/now/7"] {
        let response = try await client.get(path)
        #expect(response.status == 500)
      }
      try await client.send("GET /broken HTTP/1.1\r\nHost: a\r\n\r\n")
      _ = try await client.readToEnd()
    }
    #expect(log.events.map { $0.context?.route } == ["/users/:id", "/now/:id", "/broken"])
  }

  private struct Observer: RequestObserver {
    let told: Recorder<String>
    func requestEnded(_ record: RequestRecord) { told.record(record.requestID) }
  }
}
