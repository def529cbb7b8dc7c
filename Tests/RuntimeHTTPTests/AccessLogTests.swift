import Runtime
import RuntimePrimitives
import RuntimeTestSupport
import RuntimeTesting
import Testing

@testable import RuntimeHTTP

/// The lines of requests in the access log.
@Suite(.timeLimit(.minutes(10))) struct AccessLogTests {
  @Test(arguments: Backend.allCases)
  func `the line has every field, over both versions and in both formats`(_ backend: Backend) async throws {
    var router = Router()
    router.post("/users/:id") { (request: Request) async throws -> Response in .text("+" + (try await request.text())) }
    try await withSetup(on: backend) { setup in
      for format in [LogFormat.json, .text] {
        let pipe = try TestPipe()
        let writer = LineWriter(descriptor: pipe.input, format: format)
        var options = ServerOptions.quiet
        options.observers = [AccessLog(to: writer)]
        let server = try await Server(
          runtime: setup.runtime, address: .loopback(port: 0), options: options, handler: router)
        let running = setup.runtime.spawn { try await server.run() }
        let http1 = HTTPTestClient(try await setup.runtime.connect(to: server.localAddress))
        let http2 = HTTP2TestClient(try await setup.runtime.connect(to: server.localAddress))
        try await http2.start()
        let field = "X-Request-Id: of-mine"
        try await http1.send("POST /users/7?full=%20 HTTP/1.1\r\nHost: a\r\n\(field)\r\nContent-Length: 5\r\n\r\nhello")
        #expect(try await http1.readResponse().text == "+hello")
        let stream = try await http2.send("POST", "/users/7?full=%20", [("x-request-id", "of-mine")], ends: false)
        try await http2.send(Array("hello".utf8), on: stream, ends: true)
        #expect(try await http2.readResponse(on: stream).text == "+hello")
        let lines = await onThreadOfItsOwn { pipe.readLines(2) }
        let ports = [http1.stream.localAddress?.port, http2.stream.localAddress?.port].map { $0 ?? 0 }
        for (line, (version, port)) in zip(lines, zip(["HTTP/1.1", "HTTP/2"], ports)) {
          #expect(
            line.generalised
              == (format == .json
                ? #"{"time":"TIME","peer":"127.0.0.1:\#(port)","request_id":"of-mine","method":"POST","#
                  + #""target":"/users/7?full=%20","version":"\#(version)","route":"/users/:id","status":200,"#
                  + #""received":5,"sent":6,"duration":SECONDS,"end":"complete"}"#
                : #"127.0.0.1 - - [TIME] "POST /users/7?full=%20 \#(version)" 200 6 received=5 duration=SECONDS "#
                  + #"route="/users/:id" request_id=of-mine end="complete""#))
        }
        #expect(lines.count == 2 && writer.droppedLines == 0)
        http1.stream.close()
        http2.stream.close()
        await setup.clock.flying { await server.shutdown(grace: .zero) }
        try await running.value
      }
    }
  }

  @Test(
    arguments: [
      ("/a\"b\\c", #"/a\"b\\c"#, #"/a\"b\\c"#),
      ("/\u{1B}[2J\r\n\0", #"/\u001b[2J\u000d\u000a\u0000"#, #"/\x1b[2J\x0d\x0a\x00"#),
      ("/é\u{9B}", #"/é\u009b"#, #"/\xc3\xa9\xc2\x9b"#),
      ("/" + String(repeating: "\"", count: 8191), "/" + String(repeating: "\\\"", count: 8191), nil),
    ] as [(String, String, String?)])
  func `a target never breaks or adds a line`(target: String, json: String, common: String?) {
    let record = RequestTrace(Request(target: target), from: nil, 1).record(.complete)
    #expect(line(of: record, .json).contains(#""target":"\#(json)","version""#))
    #expect(line(of: record, .text).contains(#""GET \#(common ?? json) HTTP/1.1" - - received"#))
    for format in [LogFormat.json, .text] {
      let line = line(of: record, format)
      #expect(line.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) })
    }
  }

  @Test(arguments: Transport.allCases)
  func `a request that the engine refuses has a line, whatever the client sent`(_ transport: Transport) async throws {
    let head = "GET /a HTTP/1.1\r\nHost: a\r\n"
    let long = String(repeating: "x", count: 8200)
    for (text, status, request) in [
      ("GET /\u{1}\u{7F} HTTP/1.1\r\n\r\n", 400, "-"), ("GET /é HTTP/1.1\r\nHost: a\r\n\r\n", 400, "-"),
      ("GET /\(long) HTTP/1.1\r\n\r\n", 414, "-"), ("\(head)X: \(long)\r\n\r\n", 431, "GET /a HTTP/1.1"),
      ("PUT /\"\\ HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n", 413, #"PUT /\"\\ HTTP/1.1"#),
      ("GET /a\"\u{1B}[2J HTTP/1.1\r\n\r\n", 400, "-"), ("BREW /a HTTP/9.9\r\nHost: a\r\n\r\n", 505, "-"),
    ] {
      let log = AccessLines(.text)
      var options = log.options
      options.maximumHeadLength = 8190
      options.maximumRequestLineLength = 8190
      options.maximumBodyLength = 10
      try await withConnection(over: transport, options: options, handler: { _ in .text("never") }) { client in
        let answered = try await client.statusOfRefusal(of: text)
        #expect(answered == status, "\(text.prefix(20))")
      }
      let line = await log.next(1)[0]
      let start = "\(transport == .sockets ? "127.0.0.1" : "-") - - [TIME] \"\(request)\" \(status) "
      #expect(line.generalised.hasPrefix(start), "\(line)")
      #expect(line.contains("end=\"complete\" error=\"\(status) "), "\(line)")
      #expect(line.utf8.allSatisfy { (0x20..<0x7F).contains($0) })
    }
  }

  @Test func `a request that the engine refuses over HTTP/2 has a line too`() async throws {
    let log = AccessLines(.json)
    var options = log.options
    options.maximumHeadLength = 300
    options.maximumBodyLength = 10
    try await withHTTP2(options: options, handler: { _ in .text("never") }) { client in
      let long = try await client.send("GET", "/a", [("x", String(repeating: "x", count: 200))])
      #expect(try await client.readResponse(on: long).status == 431)
      let malformed = try await client.send("GET", "/b\u{7F}\"")
      _ = try await client.readReset(on: malformed)
      let large = try await client.send("PUT", "/c\"", [("content-length", "11")], ends: false)
      #expect(try await client.readResponse(on: large).status == 413)
    }
    let lines = await log.next(3)
    #expect(lines[0].contains(#""target":"/a","version":"HTTP/2","status":431,"#))
    #expect(lines[1].generalised.hasPrefix(#"{"time":"TIME","request_id":"ID","received":0,"sent":0,"#), "\(lines[1])")
    #expect(lines[1].contains(#""end":"failed","error":"400 Bad Request: The request is malformed."}"#))
    #expect(lines[2].contains(#""target":"/c\"","version":"HTTP/2","status":413,"#))
  }

  @Test(arguments: [false, true])
  func `the line says how a request failed`(isHTTP2: Bool) async throws {
    struct Bug: Error {}
    let log = AccessLines(.json)
    let (hasBegun, isCancelled) = (Gate(), Gate())
    let handler = HandlerFunction { request in
      switch request.path {
      case "/fails": throw Bug()
      case "/breaks":
        return Response(
          body: .stream { writer in
            try await writer.write("some")
            throw Bug()
          })
      default:
        // Over HTTP/2 the server notices that the client has gone by the reset, over HTTP/1 by the missing content.
        if request.version != .http2 { return .text(try await request.text()) }
        hasBegun.open()
        await isCancelled.waitForCancellation()
        return .text("never read")
      }
    }
    if isHTTP2 {
      try await withHTTP2(over: .whole, options: log.options, handler: handler) { client in
        #expect(try await client.get("/fails").status == 500)
        _ = try await client.readReset(on: try await client.send("GET", "/breaks"))
        _ = try await client.send("GET", "/slow")
        await hasBegun.wait()
      }
    } else {
      for path in ["/fails", "/breaks", "/slow"] {
        try await withConnection(over: .whole, options: log.options, handler: handler) { client in
          let length = path == "/slow" ? 10 : 0
          try await client.send("GET \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: \(length)\r\n\r\n")
          if path != "/slow" { _ = try await client.readHead() }
          if path == "/breaks" { _ = try await client.readToEnd() }
        }
      }
    }
    let lines = await log.next(3)
    #expect(lines[0].contains(#""status":500,"#) && lines[0].hasSuffix(#""end":"complete","error":"Bug()"}"#))
    #expect(lines[1].contains(#""status":200,"#) && lines[1].hasSuffix(#""end":"failed","error":"Bug()"}"#))
    #expect(lines[2].contains(#""target":"/slow""#) && lines[2].contains(#""end":"client gone""#), "\(lines[2])")
    if isHTTP2 { #expect(!lines[2].contains("status")) }
  }

  @Test func `the line says that a request timed out`() async throws {
    try await inVirtualTime { clock in
      let log = AccessLines(.text)
      try await withConnection(options: log.options, clock: clock, handler: { .text($0.path) }) { client in
        try await client.send("GET /a HTTP/1.1\r\nHo")
        #expect(try await client.readResponse().status == 408)
      }
      #expect(await log.next(1)[0].contains(#""GET /a HTTP/1.1" 408 "#))
      let content = [UInt8](repeating: 7, count: 100_000)
      try await withConnection(
        over: .lockstep, options: log.options, clock: clock, handler: { _ in Response(body: .bytes(content)) }
      ) { client in
        try await client.send("GET /b HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(await log.next(1)[0].contains(#"end="timed out""#))
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `an unread log delays no request and reports the dropped lines`(_ backend: Backend) async throws {
    let pipe = try TestPipe()
    let filler = pipe.fill()
    let writer = LineWriter(descriptor: pipe.input, format: .json, capacity: 4096, delay: .milliseconds(1))
    var options = ServerOptions.quiet
    options.observers = [AccessLog(to: writer)]
    try await withSetup(on: backend) { setup in
      try await setup.serving(options: options, { .text($0.path) }) { server in
        let (http1, http2) = (try await setup.client(of: server), try await setup.http2Client(of: server))
        for number in 0..<100 {
          #expect(try await http1.get("/\(number)").status == 200)
          #expect(try await http2.get("/\(number)").status == 200)
        }
        http1.stream.close()
        http2.stream.close()
      }
    }
    let dropped = writer.droppedLines
    #expect(dropped > 0 && dropped < 200)
    let lines = await onThreadOfItsOwn { pipe.readLines(200 - dropped + 1, after: filler) }
    #expect(lines.last?.hasSuffix(#""level":"warning","message":"\#(dropped) lines were dropped"}"#) == true)
    #expect(lines.dropLast().allSatisfy { $0.hasSuffix(#""end":"complete"}"#) })
  }

  private func line(of record: RequestRecord, _ format: LogFormat) -> String {
    let line = AccessLine()
    line.append(record, in: format)
    let text = String(decoding: line.bytes.contents, as: UTF8.self)
    #expect(text.hasSuffix("\n"))
    return String(text.dropLast())
  }
}

/// Keeps the lines of requests; tests can wait for them.
private final class AccessLines: RequestObserver {
  private let format: LogFormat
  private let lines = AsyncStream<String>.makeStream()

  init(_ format: LogFormat) { self.format = format }

  var options: ServerOptions {
    var options = ServerOptions.quiet
    options.observers = [self]
    return options
  }

  func requestEnded(_ record: RequestRecord) {
    let line = AccessLine()
    line.append(record, in: format)
    lines.continuation.yield(String(decoding: line.bytes.contents.dropLast(), as: UTF8.self))
  }

  /// The next `count` lines, without line ends.
  func next(_ count: Int) async -> [String] {
    var all: [String] = []
    for await line in lines.stream.prefix(count) { all.append(line) }
    return all
  }
}

extension String {
  /// The line, with the parts that vary replaced by words.
  fileprivate var generalised: String {
    replacing(/\[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000\]/, with: "[TIME]")
      .replacing(/"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/, with: #""time":"TIME""#)
      .replacing(/(?<mark>duration(=|":))\d+\.\d{6}/) { "\($0.output.mark)SECONDS" }
      .replacing(/[0-9a-f]{12}-[0-9a-f]+-[0-9a-f]+/, with: "ID")
  }
}
