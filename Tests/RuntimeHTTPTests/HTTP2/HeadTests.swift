import Testing

@testable import RuntimeHTTP

/// RFC 9113 section 8: requests over HTTP/2, and the strict rules of HTTP/1 that also apply to them.
@Suite struct HeadTests {
  private typealias Fields = [(String, String)]

  private static func get(_ more: (String, String)...) -> [(String, String)] { ClientBytes.get + more }
  private static func target(_ path: String, method: String = "GET") -> [(String, String)] {
    [(":method", method), (":scheme", "http"), (":path", path), (":authority", "a")]
  }

  static let malformed: [(name: String, fields: [(String, String)])] = [
    ("8.2.1 a name in upper case", get(("Accept", "x"))),
    ("8.2.1 a name that is empty", get(("", "x"))),
    ("8.2.1 a name with a blank", get(("a b", "x"))),
    ("8.2.1 a name with a colon", get(("a:b", "x"))),
    ("8.2.1 a name beyond ASCII", get(("\u{e9}", "x"))),
    ("8.2.1 a value with CR", get(("a", "x\ry"))),
    ("8.2.1 a value with LF", get(("a", "x\ny"))),
    ("8.2.1 a value with NUL", get(("a", "x\0y"))),
    ("8.2.1 a value with another control character", get(("a", "x\u{1}y"))),
    ("8.2.1 a value that begins with a blank", get(("a", " x"))),
    ("8.2.1 a value that ends with a tab", get(("a", "x\t"))),
    ("8.2.2 connection", get(("connection", "close"))),
    ("8.2.2 keep-alive", get(("keep-alive", "timeout=5"))),
    ("8.2.2 proxy-connection", get(("proxy-connection", "keep-alive"))),
    ("8.2.2 transfer-encoding", get(("transfer-encoding", "chunked"))),
    ("8.2.2 upgrade", get(("upgrade", "h2c"))),
    ("8.2.2 a te field with more than trailers", get(("te", "trailers, gzip"))),
    (
      "8.3 a pseudo-header field after others",
      [(":method", "GET"), (":scheme", "http"), ("a", "b"), (":path", "/"), (":authority", "a")]
    ),
    ("8.3 an unknown pseudo-header field", get((":protocol", "websocket"))),
    ("8.3 a pseudo-header field of a response", [(":status", "200")] + ClientBytes.get),
    ("8.3.1 two methods", [(":method", "GET")] + ClientBytes.get),
    ("8.3.1 two paths", [(":path", "/")] + ClientBytes.get),
    ("8.3.1 two schemes", [(":scheme", "http")] + ClientBytes.get),
    ("8.3.1 two authorities", [(":authority", "a")] + ClientBytes.get),
    ("8.3.1 no method", [(":scheme", "http"), (":path", "/"), (":authority", "a")]),
    ("8.3.1 no scheme", [(":method", "GET"), (":path", "/"), (":authority", "a")]),
    ("8.3.1 no path", [(":method", "GET"), (":scheme", "http"), (":authority", "a")]),
    ("8.3.1 an empty path", target("")),
    ("8.3.1 a method that is not a token", target("/", method: "G T")),
    ("8.3.1 an empty method", target("/", method: "")),
    ("8.3.1 a malformed scheme", [(":method", "GET"), (":scheme", "1!"), (":path", "/"), (":authority", "a")]),
    (
      "8.3.1 an authority with user information",
      [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "me@a")]
    ),
    (
      "8.3.1 an empty authority", [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "")]
    ),
    ("8.3.1 a host that differs from the authority", get(("host", "b"))),
    ("8.3.1 two hosts", [(":method", "GET"), (":scheme", "http"), (":path", "/"), ("host", "a"), ("host", "a")]),
    ("8.3.1 a malformed host", [(":method", "GET"), (":scheme", "http"), (":path", "/"), ("host", "a b")]),
    ("8.3.1 a path in absolute form", target("http://b/")),
    ("8.3.1 a path without a slash", target("a")),
    ("8.3.1 a path with a blank", target("/a b")),
    ("8.3.1 a path with a fragment", target("/a#b")),
    ("8.3.1 an asterisk for a method other than OPTIONS", target("*")),
    ("8.3.1 an asterisk for a custom method", target("*", method: "BREW")),
    ("8.5 CONNECT with a path", target("/", method: "CONNECT")),
    ("8.5 CONNECT without a port", [(":method", "CONNECT"), (":authority", "a")]),
    ("8.5 CONNECT without an authority", [(":method", "CONNECT")]),
    ("8.1.1 two lengths", get(("content-length", "0"), ("content-length", "0"))),
    ("8.1.1 a length that is not a number", get(("content-length", "+0"))),
    ("8.1.1 a length without content", get(("content-length", "1"))),
  ]

  @Test(arguments: malformed.indices)
  func `a malformed request resets its stream`(_ index: Int) {
    let it = Self.malformed[index]
    #expect(tell(ClientBytes.request(1, it.fields)) == [.reset(1, .protocolError)], "\(it.name)")
  }

  static let refused: [(name: String, status: Int, fields: [(String, String)])] = [
    ("a method that is much too long", 501, target("/", method: String(repeating: "M", count: 25))),
    ("a target that is too long", 414, target("/" + String(repeating: "a", count: 9000))),
    ("too many fields", 431, ClientBytes.get + (0..<101).map { ("n\($0)", "") }),
    (
      "10.5.1 a list that is too large", 431,
      get(("a", String(repeating: "b", count: 20_000)), ("c", String(repeating: "d", count: 20_000)))
    ),
    ("an unknown expectation", 417, get(("expect", "miracles"))),
  ]

  @Test(arguments: refused.indices)
  func `a refused request gets the status for the reason`(_ index: Int) {
    let it = Self.refused[index]
    let bytes = ClientBytes.longRequest(1, it.fields)
    let scenario = CoreScenario.begun(react: answering("never"))
    let told = scenario.send(bytes)
    guard case .headers(1, let lines, ends: false) = told.first else {
      Issue.record("\(it.name): \(told)")
      return
    }
    #expect(lines.first == ":status: \(it.status)", "\(it.name)")
  }

  @Test func `a name that is too long to store is refused, even if heads may be large`() {
    var options = ServerOptions()
    options.maximumHeadLength = 1 << 20
    let scenario = CoreScenario.begun(server: options, react: answering("never"))
    let name = "host" + String(repeating: "a", count: 65_536)
    let told = scenario.send(ClientBytes.longRequest(1, Self.get((name, "b"))))
    guard case .headers(1, let lines, ends: false) = told.first else {
      Issue.record("\(told)")
      return
    }
    #expect(lines.first == ":status: 431")
  }

  @Test func `8_3_1 a handler gets the request in the usual form`() {
    let scenario = CoreScenario.begun()
    scenario.send(
      ClientBytes.request(
        1,
        [
          (":method", "PUT"), (":authority", "example.org:8080"), (":scheme", "https"), (":path", "/a/b?c=d"),
          ("host", "EXAMPLE.org:8080"), ("x", "y"), ("te", "trailers"),
        ]))
    let slot = scenario.slot(of: 1)
    let request = scenario.core.streams[slot].head.makeRequest(body: nil, from: RequestOrigin(nil), 1)
    #expect(request.method == .put)
    #expect(request.target == "/a/b?c=d" && request.path == "/a/b" && request.query["c"] == "d")
    #expect(request.authority == "example.org:8080")
    #expect(request.headers == ["host": "example.org:8080", "x": "y", "te": "trailers"])
  }

  @Test func `8_3_1 a request may have a host instead of an authority`() {
    #expect(
      tell(ClientBytes.request(1, [(":method", "GET"), (":scheme", "http"), (":path", "/"), ("host", "a")])).first
        == .request(1))
  }

  @Test func `8_3_1 a request may have no authority, as in HTTP 1_0`() throws {
    let scenario = CoreScenario.begun()
    let fields = [(":method", "OPTIONS"), (":scheme", "http"), (":path", "/check")]
    try #require(scenario.send(ClientBytes.request(1, fields)) == [.request(1)])
    let request = scenario.core.streams[scenario.slot(of: 1)].head.makeRequest(body: nil, from: RequestOrigin(nil), 1)
    #expect(request.path == "/check" && request.authority == nil && request.headers.isEmpty)
  }

  @Test func `8_3_1 OPTIONS may be about the whole server`() {
    #expect(tell(ClientBytes.request(1, Self.target("*", method: "OPTIONS"))).first == .request(1))
  }

  @Test func `8_5 CONNECT has an authority and no path`() {
    let scenario = CoreScenario.begun()
    #expect(scenario.send(ClientBytes.request(1, [(":method", "CONNECT"), (":authority", "a:443")])) == [.request(1)])
    #expect(scenario.core.streams[scenario.slot(of: 1)].head.target.bytes == Array("a:443".utf8))
  }

  @Test func `8_2_3 cookies in several pieces become one field`() {
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.request(1, Self.get(("cookie", "a=b"), ("x", "y"), ("cookie", "c=d"))))
    let fields = scenario.core.streams[scenario.slot(of: 1)].head.fields
    #expect(fields.values(for: "cookie") == ["a=b; c=d"])
    #expect(fields["x"] == "y" && fields["host"] == "a")
  }

  @Test func `8_2_3 cookies in several pieces count as one field`() throws {
    let cookies = (0..<500).map { ("cookie", "a\($0)=b") }
    let others = (0..<98).map { ("n\($0)", "") }
    let scenario = CoreScenario.begun()
    try #require(scenario.send(ClientBytes.request(1, Self.get() + others + cookies)) == [.request(1)])
    let fields = scenario.core.streams[scenario.slot(of: 1)].head.fields
    #expect(fields.count == 100 && fields["cookie"]?.hasSuffix("; a499=b") == true)
    // The authority is one of the hundred.
    for fields in [cookies + others + [("m", "")], others + [("m", "")] + cookies] {
      let told = CoreScenario.begun(react: answering("never")).send(ClientBytes.request(1, Self.get() + fields))
      guard case .headers(1, let lines, _)? = told.first else {
        Issue.record("\(told)")
        continue
      }
      #expect(lines.first == ":status: 431")
    }
  }

  @Test func `8_2_3 the limit for a head limits the number of cookie pieces`() {
    let scenario = CoreScenario.begun(react: answering("never"))
    // Each piece takes one byte, an index of a line in the table.
    let block = ClientBytes.block(ClientBytes.get) + [0x40] + ClientBytes.string("cookie") + [1, 0x61]
    let bytes = ClientBytes.frame(
      .headers, [.endHeaders, .endStream], stream: 1, block + [UInt8](repeating: 0x80 | 62, count: 2000))
    guard case .headers(1, let lines, _)? = scenario.send(bytes).first else {
      Issue.record("no response")
      return
    }
    #expect(lines.first == ":status: 431")
  }

  // MARK: Content

  @Test(arguments: [(3, "abcd"), (5, "abcd"), (1, "")])
  func `8_1_1 content has the declared length`(length: Int, content: String) {
    let told = tell(
      ClientBytes.request(1, ClientBytes.post + [("content-length", "\(length)")], flags: .endHeaders)
        + ClientBytes.data(1, content, ends: true))
    #expect(
      told.contains(.reset(1, .protocolError)) && !told.contains { if case .headers = $0 { true } else { false } })
  }

  @Test func `8_1_1 content longer than declared is an error before its end`() {
    let told = tell(
      ClientBytes.request(1, ClientBytes.post + [("content-length", "3")], flags: .endHeaders)
        + ClientBytes.data(1, "abcd"))
    #expect(
      told == [.request(1), .reset(1, .protocolError), .closed(1)]
        || told == [.request(1), .closed(1), .reset(1, .protocolError)])
  }

  @Test func `8_1 trailers come after the content`() {
    let scenario = CoreScenario.begun()
    let told = scenario.send(
      ClientBytes.request(1, ClientBytes.post, flags: .endHeaders), ClientBytes.data(1, "abc"),
      ClientBytes.request(1, [("checksum", "7"), ("content-length", "9"), ("authorization", "x")]))
    #expect(told == [.request(1), .content(1), .content(1)])
    let stream = scenario.core.streams[scenario.slot(of: 1)]
    #expect(stream.state.remoteIsClosed && stream.trailers == ["checksum": "7"])
  }

  @Test(arguments: [[(":path", "/")], [("X", "y")], [("connection", "close")]])
  func `8_1 malformed trailers reset the stream`(_ fields: [(String, String)]) {
    let told = tell(ClientBytes.request(1, ClientBytes.post, flags: .endHeaders) + ClientBytes.request(1, fields))
    #expect(told.contains(.reset(1, .protocolError)))
  }

  @Test func `8_1 trailers that end after their stream has ended belong to no stream`() {
    let scenario = CoreScenario.begun()
    scenario.send(
      ClientBytes.request(1, ClientBytes.post + [("content-length", "5")], flags: .endHeaders),
      ClientBytes.request(1, [("a", "b")], flags: .endStream))
    let slot = scenario.slot(of: 1)
    scenario.core.reset(slot, .internalError)
    scenario.core.endHandler(slot)
    #expect(scenario.take() == [.reset(1, .internalError)])
    #expect(scenario.send(ClientBytes.frame(.continuation, .endHeaders, stream: 1)) == [])
    #expect(scenario.send(ClientBytes.request(3, ClientBytes.post, flags: .endHeaders)) == [.request(3)])
    #expect(scenario.core.streams[scenario.slot(of: 3)].trailers.isEmpty)
  }

  @Test func `8_1 trailers must end the stream`() {
    let told = tell(
      ClientBytes.request(1, ClientBytes.post, flags: .endHeaders)
        + ClientBytes.request(1, [("x", "y")], flags: .endHeaders))
    #expect(told.contains(.reset(1, .protocolError)))
  }

  // MARK: Responses

  @Test(arguments: [
    ("HEAD", 200, [":status: 200", "content-length: 5"]), ("GET", 204, [":status: 204"]),
    ("GET", 304, [":status: 304"]),
    ("GET", 205, [":status: 205", "content-length: 0"]), ("CONNECT", 200, [":status: 200"]),
  ])
  func `a response without content ends with its head`(method: String, status: UInt16, lines: [String]) {
    let scenario = CoreScenario.begun()
    scenario.send(
      ClientBytes.request(
        1, method == "CONNECT" ? [(":method", method), (":authority", "a:1")] : Self.target("/", method: method)))
    scenario.core.respond(scenario.slot(of: 1), Status(status), [:], content: Array("hello".utf8))
    #expect(scenario.take() == [.headers(1, lines, ends: true)])
  }

  @Test func `8_2 the fields of a response are in lower case, and connection-specific fields are left out`() {
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.request(1))
    scenario.core.respond(
      scenario.slot(of: 1), .ok,
      [
        "Connection": "keep-alive", "Keep-Alive": "x", "Transfer-Encoding": "chunked", "Upgrade": "y",
        "X-Mixed": "Case",
        "Content-Length": "77", "Proxy-Connection": "keep-alive", "TE": "trailers",
      ],
      content: Array("ab".utf8))
    #expect(
      scenario.take() == [
        .headers(1, [":status: 200", "x-mixed: Case", "content-length: 2"], ends: false), .data(1, "ab", ends: true),
      ])
  }

  @Test func `8_1 an interim response comes before the final one, once`() {
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.request(1, ClientBytes.post + [("expect", "100-continue")], flags: .endHeaders))
    let slot = scenario.slot(of: 1)
    scenario.core.sendContinueIfExpected(slot)
    scenario.core.sendContinueIfExpected(slot)
    #expect(scenario.take() == [.headers(1, [":status: 100"], ends: false)])
  }

  @Test func `8_1 trailers of a response come last`() throws {
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.request(1))
    let slot = scenario.slot(of: 1)
    scenario.core.sendHead(slot, .ok, [:], length: nil)
    try scenario.core.write(slot, Array("abc".utf8))
    try scenario.core.endContent(slot, trailers: ["Checksum": "7", "Content-Length": "3", "Proxy-Connection": "x"])
    #expect(
      scenario.write() == [
        .headers(1, [":status: 200"], ends: false), .data(1, "abc", ends: false),
        .headers(1, ["checksum: 7"], ends: true),
      ])
  }

  @Test func `a head that is longer than a frame is continued`() {
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.request(1))
    var fields = HeaderFields()
    for index in 0..<40 { fields["n\(index)"] = String(repeating: "\u{7E}", count: 1000) }
    scenario.core.respond(scenario.slot(of: 1), .ok, fields, content: [])
    let types = scenario.take()
    #expect(types.first == .unexpected(.headers) && types.count > 2)
    #expect(types.dropFirst().allSatisfy { $0 == .unexpected(.continuation) })
  }
}

extension ClientBytes {
  /// A request whose head may be longer than a frame.
  static func longRequest(_ stream: StreamID, _ fields: [(String, String)]) -> [UInt8] {
    var block = block(fields)[...]
    var bytes = frame(
      .headers, block.count <= 16_384 ? [.endHeaders, .endStream] : .endStream, stream: stream,
      Array(block.prefix(16_384)))
    block = block.dropFirst(16_384)
    while !block.isEmpty {
      bytes += frame(
        .continuation, block.count <= 16_384 ? .endHeaders : [], stream: stream, Array(block.prefix(16_384)))
      block = block.dropFirst(16_384)
    }
    return bytes
  }
}
